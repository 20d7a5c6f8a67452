"""The note under a section: its direction and its levels, where it says them plainly."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal, NamedTuple, cast

from parsers.formats.aplus.tokens import MEANINGS, Token, tokens
from parsers.numbers import PRICES, count
from parsers.reading import BiasDirection, Meaning, Relation

_LEANS: Final[dict[str, BiasDirection]] = {
    "bullish": "bullish", "bull": "bullish", "bulls": "bullish",
    "strong": "bullish", "strength": "bullish", "upside": "bullish",
    "bearish": "bearish", "bear": "bearish", "bears": "bearish", "weak": "bearish", "downside": "bearish",
}  # fmt: skip
_SIDES: Final[dict[str, BiasDirection]] = {"long": "bullish", "short": "bearish"}
_NEUTRAL: Final = frozenset({"neutral", "choppy", "chop", "mixed", "sideways"})
_FLIPS: Final = frozenset({"flip", "flips", "flipping", "flipped", "turns", "turn", "turning", "shifts", "switches"})
_UNTIL: Final = frozenset({"unless", "until", "till"})
_TURNS: Final = frozenset({"but", "however", "to", "into"})
_BREAKS: Final = frozenset({"break", "breaks", "breaking", "loses", "lose", "reclaim", "reclaims"})
_OPEN_ENDED: Final = frozenset(
    {
        "not",
        "no",
        "never",
        "cant",
        "cannot",
        "dont",
        "doesnt",
        "isnt",
        "arent",
        "need",
        "needs",
        "must",
        "want",
        "wants",
    }
    | {"should", "would", "could", "may", "might", "watch", "watching"}
)
_HOLDS: Final = frozenset({"hold", "holds", "holding"})
_LOSSES: Final = frozenset({"loss", "losing"})
_CONDITIONS: Final = frozenset({"if", "when"})
_STOPS: Final = (",", ";", "—", "–", ". ", "--", " - ", "|")
_ZONE: Final = re.compile(rf"\s?[-–/]\s?{PRICES}|\s(?:and|or|&)\s{PRICES}")
_RELATION_OF: Final[dict[BiasDirection, Relation]] = {"bullish": "above", "bearish": "below"}

_MAX_REMEMBERED = 600


class NoteLevel(NamedTuple):
    number: int
    relation: Relation
    role: Literal["bias", "flip"]


class Note(NamedTuple):
    """What a note says plainly; `meanings` has an entry for each of its numbers."""

    direction: BiasDirection | None
    levels: tuple[NoteLevel, ...]
    meanings: tuple[Meaning, ...]


@dataclass(slots=True)
class _Clause:
    leans: list[BiasDirection] = field(default_factory=list)
    flips: bool = False
    until: bool = False
    neutral: bool = False
    open_ended: bool = False
    relation: Relation | None = None
    direct: bool = False  # nothing stands between the relation and here
    broken: bool = False
    number: int | None = None
    joined: bool = False  # the number is a zone's, one of two, or no price at all
    at: Relation | None = None
    side: BiasDirection | None = None  # `long` or `short` right before here


def read_note(shape: str) -> Note:
    """The note that a shape stands for. Its direction is the first that it states without a condition."""
    return _remembered(shape) if len(shape) <= _MAX_REMEMBERED else _read(shape)


def _read(shape: str) -> Note:
    meanings: list[Meaning] = []
    direction: BiasDirection | None = None
    undecided = False
    levels: list[NoteLevel] = []
    for clause in _clauses(shape, meanings):
        undecided = undecided or clause.neutral
        lean = clause.leans[0] if len(set(clause.leans)) == 1 and not clause.open_ended else None
        level = _level(clause, lean, direction)
        if level is not None:
            levels.append(level)
            meanings[level.number] = "bias_level"
        if direction is None and not undecided and not clause.flips and not clause.until and lean is not None:
            consistent = clause.at in {None, _RELATION_OF[lean]}
            direction = lean if consistent else None
            undecided = not consistent
    return Note(direction, tuple(levels), tuple(meanings))


_remembered = lru_cache(maxsize=2048)(_read)


def _level(clause: _Clause, lean: BiasDirection | None, direction: BiasDirection | None) -> NoteLevel | None:
    if clause.number is None or clause.joined or clause.open_ended:
        return None
    if clause.flips or clause.until:
        turned = lean or ("bearish" if direction == "bullish" else "bullish" if direction == "bearish" else None)
        relation = clause.at or (_RELATION_OF[turned] if turned and clause.broken and clause.flips else None)
        stated = clause.flips or direction is not None
        return NoteLevel(clause.number, relation, "flip") if relation and stated else None
    if lean is None or clause.at != _RELATION_OF[lean]:
        return None
    return NoteLevel(clause.number, clause.at, "bias" if direction in {None, lean} else "flip")


def _clauses(shape: str, meanings: list[Meaning]) -> Iterator[_Clause]:
    clause = _Clause()
    end = 0
    for token in tokens(shape, 0):
        if _ends_clause(shape[end : token.start], clause, token):
            yield clause
            clause = _Clause()
        end = token.end
        if token.name in MEANINGS:
            meanings += [MEANINGS[token.name] if token.name != "garbled" else "bias_text"] * count(token.text)
        elif token.name == "number":
            _number(clause, len(meanings), shape[token.end : token.end + 8])
            meanings.append("bias_text")
        else:
            _word(clause, token)
    yield clause


def _ends_clause(gap: str, clause: _Clause, token: Token) -> bool:
    small = token.text.lower()
    if any(sign in gap for sign in _STOPS) or small in _TURNS or small in _UNTIL:
        return True
    if token.name == "arrow":
        return clause.number is not None or not clause.leans  # `bearish → below 250`
    # "bullish above 584.20 bearish below 579.70"; but in "break 129.50 flips bearish" the lean belongs to the flip.
    speaks = bool(clause.leans) if small in _LEANS and clause.flips else bool(clause.leans or clause.flips)
    if clause.number is not None and clause.leans and token.word.cls == "and" and not clause.joined:
        return True
    return clause.number is not None and (small in _LEANS or small in _FLIPS) and speaks


def _number(clause: _Clause, index: int, following: str) -> None:
    if clause.number is None:
        clause.number = index
        clause.at = clause.relation if clause.direct else None
        clause.joined = following[:1].isalpha() or _ZONE.match(following) is not None


def _word(clause: _Clause, token: Token) -> None:
    small = token.text.lower().replace("’", "").replace("'", "")
    side, clause.side = clause.side, _SIDES.get(small)
    if token.word.cls == "relation" and token.word.value != "near":
        clause.relation, clause.direct = cast("Relation", token.word.value), True
        clause.broken = clause.broken or small in _BREAKS
        clause.leans += [side] if side else []
        return
    if clause.relation is None and (small in _LOSSES or (small in _HOLDS and clause.leans == ["bullish"])):
        clause.relation, clause.direct = "below" if small in _LOSSES else "above", True
        return
    clause.direct = clause.direct and token.word.cls in {"filler", "entry", "zone"}
    if small in _LEANS:
        clause.leans.append(_LEANS[small])
    clause.flips = clause.flips or small in _FLIPS
    clause.until = clause.until or small in _UNTIL
    clause.neutral = clause.neutral or small in _NEUTRAL
    clause.broken = clause.broken or small in _BREAKS
    # After the lean, `if` only leads on to the level: "bulls are back in charge if price moves above".
    asked = small in _OPEN_ENDED or token.name == "question"
    clause.open_ended = clause.open_ended or asked or (small in _CONDITIONS and not clause.leans)
