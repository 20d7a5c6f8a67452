"""What one line of a day plan is, from its words and from where numbers stand, never from what the numbers are worth.

Lines that differ in their prices alone have the same shape, so each shape is read once and remembered."""

import re
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from parsers.formats.aplus.header import HEADER, HEADER_WORDS
from parsers.formats.aplus.parts import Part, PartReader
from parsers.formats.aplus.tokens import ARROWS, Token, tokens
from parsers.formats.aplus.vocabulary import NEVER_TICKERS, WELL_KNOWN, look_up
from parsers.numbers import ANY, MARKERS, SMALL, count
from parsers.reading import Meaning

Form = Literal["blank", "rule", "aside", "header", "note", "setup", "follow", "bare", "heading", "ticker", "remark"]
"""`aside` has mentions and signs only, `follow` adds targets or a stop to the setup above, `bare` has numbers and no word that says what they are."""
Lead = Literal["", "dash", "arrow", "bracket"]

_LEAD: Final = re.compile(rf"(?:[-–—=~]{{1,3}}>|>(?=\s*[^\s{MARKERS}$=>])|#(?=[\s#])|[^\w{MARKERS}$#⚠🎯🛑<>@\ue000])*")
_ORDINAL: Final = re.compile(
    rf"{SMALL}(?:[).:](?!{ANY})|\uFE0F?\u20E3|\s?[-–—](?=\s*[^\W\d_])|\s(?=\$?[A-Z]{{1,5}}\b))\s*|#{SMALL}\s+"
)
_ARROW: Final = re.compile(rf"[-–—=~]>|[{ARROWS}]")
_TICKER: Final = re.compile(r"[$#]?([A-Za-z]{1,6})(?:([./-])([A-Za-z]))?(?![\w'’])")
_RULE: Final = re.compile(r"[\s\-–—_=─━═•·.~*\ue000]*[\-–—_=─━═•·~*\ue000]{3}[\s\-–—_=─━═•·.~*\ue000]*$")
_WORDS: Final = re.compile(r"[^\W\d_]+")
_TICKER_LABEL: Final = re.compile(r"(?:ticker|symbol|stock)\s*[:=-]?\s*(?=[$#]?[A-Z])", re.IGNORECASE)

_DASHES = ("-", "–", "—", "−")
_OPEN = ("(", "[", "{")
_MAX_REMEMBERED = 400
_FEW_UNKNOWN = 3
_ASIDE: Final = frozenset({"mention", "open", "close", "arrow", "less", "more", "at", "near", "struck", "aim", "halt"})


class Line(NamedTuple):
    """A line's reading. `note` is where a note begins in the shape; `named` are other tickers in the words of a setup."""

    form: Form
    ticker: str | None
    certain: bool
    parts: tuple[Part, ...]
    meanings: tuple[Meaning, ...]
    note: int
    lead: Lead
    words: int
    named: frozenset[str]
    header: bool


class _Head(NamedTuple):
    """How a line begins: what precedes its first word, and the ticker that stands there."""

    start: int
    ordinal: bool
    lead: Lead
    ticker: str | None
    certain: bool
    after: int


def read_line(shape: str) -> Line:
    """The line that a shape stands for. Remembers shapes of ordinary length."""
    return _remembered(shape) if len(shape) <= _MAX_REMEMBERED else _read(shape)


def _read(shape: str) -> Line:
    if not shape.strip():
        return _BLANK
    if _RULE.match(shape):
        return _BLANK._replace(form="rule")
    head = _head(shape)
    reader = PartReader(shape, head.after)
    if head.ordinal:
        reader.meanings[:] = ["ordinal"] * len(reader.meanings)
    found: list[Token] = []
    for token in tokens(shape, head.after):
        if token.name == "warn":
            break
        reader.read(token)
        found.append(token)
    note = shape.find("⚠")
    numbers = count(shape)
    line = _classify(shape, head, found, tuple(reader.finish()), note)
    rest: tuple[Meaning, ...] = ("bias_text",) * (numbers - len(reader.meanings))
    return line._replace(meanings=(*reader.meanings, *rest))


_remembered = lru_cache(maxsize=8192)(_read)
_BLANK: Final = Line("blank", None, False, (), (), -1, "", 0, frozenset(), False)


def _head(shape: str) -> _Head:
    start = _LEAD.match(shape).end()  # type: ignore[union-attr]
    signs = shape[:start].strip()
    lead: Lead = (
        "arrow"
        if _ARROW.search(signs)
        else "dash"
        if signs[:1] in _DASHES
        else "bracket"
        if signs[-1:] in _OPEN
        else ""
    )
    ordinal = _ORDINAL.match(shape, start)
    after = ordinal.end() if ordinal else start
    label = _TICKER_LABEL.match(shape, after)
    ticker, end, certain = _ticker(shape, label.end() if label else after, ordinal is not None or label is not None)
    return _Head(start, ordinal is not None, lead, ticker, certain, end if ticker else after)


def _ticker(shape: str, start: int, marked: bool) -> tuple[str | None, int, bool]:
    """The ticker that a line begins with, where it ends, and whether it is marked as one."""
    match = _TICKER.match(shape, start)
    if match is None:
        return None, start, False
    letters, _, share = match.groups()
    symbol = letters.upper() + (f".{share.upper()}" if share else "")
    if shape[match.start()] in "$#":
        return symbol, match.end(), True
    if len(letters) > 5 or (share and not (letters.isupper() and share.isupper())):
        return None, start, False
    alone = not _WORDS.search(shape, match.end()) and not re.search(ANY, shape[match.end() :])
    colon = shape[match.end() :].lstrip()[:1] in {":", "|"}
    if not letters.isupper():
        return (symbol, match.end(), True) if alone and symbol in WELL_KNOWN else (None, start, False)
    cls = look_up(letters.lower()).cls
    if alone or marked or colon:
        known = (
            cls in {"kind", "strategy", "side", "break", "target", "stop", "note", "lean", "zone"} and len(letters) > 1
        )
        return (None, start, False) if known else (symbol, match.end(), marked or colon)
    if letters in NEVER_TICKERS or cls not in {"unknown", "filler", "relation", "and"}:
        return None, start, False
    if cls != "unknown" and shape[match.end() :].upper() == shape[match.end() :]:
        return None, start, False
    return symbol, match.end(), False


def _classify(shape: str, head: _Head, found: list[Token], parts: tuple[Part, ...], note: int) -> Line:
    unknown = [token for token in found if token.name == "word" and token.word.cls == "unknown"]
    named = frozenset(
        token.text for token in unknown
        if token.text.isupper() and 2 <= len(token.text) <= 5 and token.text not in NEVER_TICKERS
    )  # fmt: skip
    line = Line(
        "aside" if head.ticker is None and _ASIDE.issuperset(token.name for token in found) else "remark", head.ticker, head.certain, parts, (), note, head.lead,
        sum(token.name == "word" for token in found), named, HEADER.search(shape) is not None,
    )  # fmt: skip
    if line.header and all(token.text.lower() in HEADER_WORDS for token in unknown):
        return line._replace(form="header")
    if line.form == "aside" and note < 0:
        return line
    if note >= 0 and not any(part.triggers for part in parts):
        return line._replace(form="note")
    return line._replace(form=_form(line, found, len(unknown)))


def _form(line: Line, found: list[Token], unknown: int) -> Form:
    parts = line.parts
    numbers = any(part.triggers for part in parts)
    explicit = any(part.triggers and part.targets and part.explicit for part in parts)
    classes = [token.word.cls for token in found if token.name == "word"]
    if not explicit and (classes[:1] == ["note"] or "lean" in classes):
        return "note"
    if numbers:
        return _form_with_trigger(parts, explicit)
    if any(part.targets or part.stop is not None for part in parts):
        return "follow" if unknown == 0 else "remark"
    if line.ticker is not None and (unknown == 0 or _in_brackets(found)):
        return "ticker" if not any(part.kind for part in parts) else "heading"
    if unknown == 0 and _says_something(parts):
        return "heading"
    return "remark"


def _form_with_trigger(parts: tuple[Part, ...], explicit: bool) -> Form:
    """A line with a price is a setup if its words are those of a setup; prose needs targets to count as one."""
    unknown = sum(part.unknown_before for part in parts)
    after = sum(part.unknown_after for part in parts)
    if explicit and unknown <= _FEW_UNKNOWN and any(part.kind or part.relation or part.strategy for part in parts):
        return "setup"
    if unknown or (after and not explicit):
        return "remark"
    return "setup" if any(part.kind or part.strategy or part.relation for part in parts) else "bare"


def _says_something(parts: tuple[Part, ...]) -> bool:
    return any(part.kind or part.strategy or part.relation or part.waiting for part in parts)


def _in_brackets(found: list[Token]) -> bool:
    """Whether every unknown word stands in brackets: `TSLA (Tesla)`."""
    depth = 0
    for token in found:
        depth += (token.name == "open") - (token.name == "close")
        if depth <= 0 and token.name == "word" and token.word.cls == "unknown":
            return False
    return True
