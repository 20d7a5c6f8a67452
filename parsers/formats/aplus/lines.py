"""What one line of a day plan is, from its words and from where numbers stand, never from what the numbers are worth.

Lines that differ in their prices alone have the same shape, so each shape is read once and remembered."""

import re
from collections.abc import Sequence
from itertools import takewhile
from typing import Final, Literal, NamedTuple

from parsers.formats.aplus.header import HEADER, HEADER_CLASSES, HEADER_WORDS
from parsers.formats.aplus.heads import Head, Lead, read_head
from parsers.formats.aplus.parts import Part, Plain
from parsers.formats.aplus.tokens import Token, tokens
from parsers.formats.aplus.vocabulary import NEVER_TICKERS, ONLY_WORDS, WELL_KNOWN
from parsers.formats.aplus.walk import PartReader
from parsers.numbers import ONE_DIGIT, count
from parsers.reading import Meaning, Relation, Role

Form = Literal["blank", "rule", "aside", "header", "note", "setup", "follow", "bare", "heading", "ticker", "remark"]
"""`aside` has mentions and signs only, `follow` adds targets or a stop to the setup above, `bare` has numbers and no
word that says what they are, `heading` has words of a setup and no number, `remark` is anything else."""

_RULE: Final = re.compile(r"[\s\-–—_=─━═•·.~*]*[\-–—_=─━═•·~*]{3}[\s\-–—_=─━═•·.~*]*$")
_NOTE_SIGN: Final = re.compile(r"(?:[⚠\uFE0F\s])*")
_APART: Final = re.compile(r"\s*[-–—:|]\s*")
_ASIDE: Final = frozenset(
    {"mention", "open", "close", "arrow", "less", "more", "at", "near", "struck", "aim", "halt", "question"}
)
_BARE_CLASSES: Final = frozenset({"entry", "zone", "and", "to", "target", "stop", "towards"})
_CASE: Final = re.compile(
    r"[^\w⚠]*(?:(bull)(?:ish|s)?|bear(?:ish|s)?)\s(?:case|scenario|side|setups?|plan|trades?|plays?|targets?|levels?)\W*$",
    re.IGNORECASE,
)
"""A title for the setups under it: `Bull case`, `Bearish setups`."""

_PIECE: Final = re.compile(r"[-./]")
_NO_NAMES: Final = NEVER_TICKERS | ONLY_WORDS
_MAX_REMEMBERED = 400  # characters
_FEW_UNKNOWN = 3


class Line(NamedTuple):
    """A line's reading.

    `header` is where the words of a header stand in the shape, `note` where a note begins and `note_number` the first
    number in it. `named` are what can be other tickers in the words of a setup. `indent` and `trailing` are the
    lengths of the white space around the line, its end included. `ordinary` is the setup of a line that needs nothing
    from the lines above but its ticker. `roles` and `relations` are those of the numbers; what is no price has some
    too."""

    form: Form
    ticker: str | None = None
    parts: tuple[Part, ...] = ()
    meanings: tuple[Meaning, ...] = ()
    note: int = -1
    lead: Lead = ""
    words: int = 0
    named: frozenset[str] = frozenset()
    header: tuple[int, int] = (0, 0)
    indent: int = 0
    trailing: int = 0
    ordinary: Plain | None = None
    roles: tuple[Role, ...] = ()
    relations: tuple[Relation | None, ...] = ()
    note_number: int = 0


class Lines(dict[str, Line]):
    """The lines that shapes stand for, each read when it is first asked for. Bounded."""

    LIMIT = 8192

    def __missing__(self, shape: str) -> Line:
        line = _read(shape)
        if len(shape) <= _MAX_REMEMBERED:
            if len(self) >= self.LIMIT:
                self.clear()
            self[shape] = line
        return line


def _read(shape: str) -> Line:
    if not shape.strip():
        return Line("blank")
    if _RULE.match(shape):
        return Line("rule")
    head = read_head(shape)
    reader = PartReader(shape, head.end)
    if reader.meanings:
        reader.meanings[:] = _head_meanings(shape[: head.end], head)
    sign = shape.find("⚠")
    found = [token for token in tokens(shape, head.end) if sign < 0 or token.start < sign]
    for token in found:
        reader.read(token)
    parts = tuple(reader.finish())
    form = _form(shape, head, found, parts, sign)
    case = _CASE.match(shape)
    if case:
        form, parts = "heading", (parts[0]._replace(kind="breakout" if case[1] else "breakdown"),)
    note = _note_start(shape, head, sign) if sign >= 0 or form == "note" else -1
    in_note: list[Meaning] = ["bias_text"] * (count(shape) - len(reader.meanings))
    roles, relations = _roles(parts, count(shape))
    header = HEADER.search(shape)
    line = Line(
        form, head.ticker, parts, (*reader.meanings, *in_note), note, head.lead,
        sum(token.name == "word" for token in found), _named(found), header.span() if header else (0, 0),
        len(shape) - len(shape.lstrip()), len(shape) - len(shape.rstrip()), None, roles, relations,
        count(shape[: max(note, 0)]),
    )  # fmt: skip
    return line._replace(ordinary=_ordinary(line))


def _head_meanings(shape: str, head: Head) -> list[Meaning]:
    """What the numbers before the words of a line are."""
    other: Meaning = "ordinal" if head.numbered else "unread"
    meanings: list[Meaning] = []
    for token in tokens(shape, 0):
        meanings += ["mention" if token.name == "mention" else other] * count(token.text)
    return meanings


def _note_start(shape: str, head: Head, sign: int) -> int:
    """Where the words of a note begin: behind its sign, or behind a ticker that a dash or colon sets apart."""
    start = sign if sign >= 0 else head.start
    apart = _APART.match(shape, head.end) if sign < 0 and head.ticker is not None else _NOTE_SIGN.match(shape, start)
    return apart.end() if apart else start


def _roles(parts: Sequence[Part], numbers: int) -> tuple[tuple[Role, ...], tuple[Relation | None, ...]]:
    roles: list[Role] = ["bias"] * numbers
    relations: list[Relation | None] = [None] * numbers
    for part in parts:
        for at in (at for pair in part.triggers for at in pair):
            roles[at], relations[at] = "trigger", part.relation
        for at in part.targets:
            roles[at] = "target"
        if part.stop is not None:
            roles[part.stop] = "stop"
    return tuple(roles), tuple(relations)


def _ordinary(line: Line) -> Plain | None:
    if line.form != "setup" or len(line.parts) != 1 or line.ticker is not None or line.named or line.note >= 0:
        return None
    return line.parts[0].plain


def _named(found: Sequence[Token]) -> frozenset[str]:
    """What can be tickers among the words before the line's first number."""
    before = [*takewhile(lambda token: token.name != "number", found)]
    marked = {token.text[1:].upper() for token in before if token.name == "cash"}
    unknown = {token.text for token in before if token.name == "word" and token.word.cls == "unknown"}
    return frozenset(marked | {text for text in unknown if text.isupper() and 2 <= len(text) <= 5} - _NO_NAMES)


def _form(shape: str, head: Head, found: Sequence[Token], parts: Sequence[Part], note: int) -> Form:
    words = [token for token in found if token.name == "word"]
    if _is_header(shape, found, parts):
        return "header"
    if note >= 0 and not any(part.triggers for part in parts):
        return "note"
    if head.ticker is None and _ASIDE.issuperset(token.name for token in found):
        return "aside"
    explicit = any(part.triggers and part.targets and part.explicit for part in parts)
    classes = [token.word.cls for token in words]
    if classes[:1] == ["note"] or any(token.text.lower() == "bias" for token in words):
        return "note"
    if "lean" in classes and not (explicit and any(part.kind for part in parts)):
        return "note"
    if any(part.triggers for part in parts):
        return _form_with_trigger(head, found, parts, explicit)
    return _form_without_trigger(head, found, parts)


def _is_header(shape: str, found: Sequence[Token], parts: Sequence[Part]) -> bool:
    if not HEADER.search(shape) or "?" in shape or any(part.kind and part.triggers for part in parts):
        return False
    return all(map(_fits_header, _outside_brackets(found)))


def _fits_header(token: Token) -> bool:
    pieces = _PIECE.split(token.text.lower())
    return token.word.cls in HEADER_CLASSES or token.text in WELL_KNOWN or HEADER_WORDS.issuperset(pieces)


def _outside_brackets(found: Sequence[Token]) -> list[Token]:
    """The words of a line that stand in no brackets."""
    depth = 0
    words = []
    for token in found:
        depth += (token.name == "open") - (token.name == "close")
        if depth <= 0 and token.name == "word":
            words.append(token)
    return words


def _is_unknown(token: Token) -> bool:
    return token.word.cls == "unknown"


def _form_with_trigger(head: Head, found: Sequence[Token], parts: Sequence[Part], explicit: bool) -> Form:
    """A line with a price is a setup if its words are those of a setup; prose needs targets to count as one."""
    before = sum(part.unknown_before for part in parts)
    after = sum(part.unknown_after - part.asides for part in parts)
    classes = {token.word.cls for token in found if token.name == "word"}
    speaks = any(part.kind or part.strategy or part.relation or part.broke for part in parts)
    named = any(part.kind or part.broke for part in parts)
    if explicit and before <= _FEW_UNKNOWN and named:
        return "setup"
    if before or after:
        beside = head.ticker is not None and not speaks and not any(map(_is_unknown, _outside_brackets(found)))
        return "ticker" if beside else "remark"
    if not explicit and any(token.name == "number" and token.text == ONE_DIGIT for token in found):
        return "remark"
    if speaks:
        return "setup"
    if head.ticker is not None and not explicit:
        return "ticker"
    return "bare" if explicit or classes <= _BARE_CLASSES else "remark"


def _form_without_trigger(head: Head, found: Sequence[Token], parts: Sequence[Part]) -> Form:
    known = not any(token.name == "word" and token.word.cls == "unknown" for token in found)
    if any(part.targets or part.stop is not None for part in parts):
        return "follow" if known else "remark"
    kind = any(part.kind for part in parts)
    # `TSLA (the big one)`, `SPY S&P ETF`: a name beside the ticker.
    names = all(token.word.cls != "unknown" or token.text[0].isupper() for token in _outside_brackets(found))
    if head.ticker is not None and names:
        return "heading" if kind else "ticker"
    if known and (kind or any(part.strategy or part.relation or part.waiting for part in parts)):
        return "heading"
    return "remark"
