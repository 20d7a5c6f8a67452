"""How a line begins: bullets, numbering, quotes and emoji, then perhaps a ticker."""

import re
from typing import Final, Literal, NamedTuple

from parsers.formats.aplus.tokens import ARROWS
from parsers.formats.aplus.vocabulary import NEVER_TICKERS, ONLY_WORDS, WELL_KNOWN, look_up
from parsers.numbers import ANY, MARKERS, SMALL, count

Lead = Literal["", "dash", "arrow", "bracket"]

_MENTION = rf"<(?:[@#]|a?:)[^<>]{{0,80}}>|:[a-z_][\w{MARKERS}]{{1,40}}:|@(?:everyone|here)\b"
_QUOTE = rf">(?=\s*(?:[^\s{MARKERS}$=>]|\$[A-Z]|{SMALL}[).:]))|>>(?=\s*\$?[A-Z])|<(?=\$?[A-Z]{{1,6}}>)"
_LEAD: Final = re.compile(
    rf"(?:[🎯🛑⛔🚫](?=\s*[^\W\d_])|[-–—=~]{{1,3}}>|{_QUOTE}|{_MENTION}|#(?=[\s#])|[^\w{MARKERS}$#⚠🎯🛑⛔🚫<>@\ue000])*"
)
_ORDINAL: Final = re.compile(
    rf"{SMALL}(?:\.?[).:](?!{ANY})|[\]/](?=\s?\$?[A-Z])|\uFE0F?\u20E3|\s?[-–—](?=\s*[^\W\d_])|\s(?=\$?[A-Z]{{1,5}}\b))\s*"
    rf"|(?:#|[Nn]o\.?\s){SMALL}[:.)]?\s+|[A-Ha-h]\)\s*|[A-E]\.\s+|(?:I{{1,3}}|IV)[.)]\s+"
)
_TICKER_LABEL: Final = re.compile(
    rf"(?:ticker|symbol|stock|setup|trade|play|idea)s?\s*(?:#?{SMALL}\s*[:=.)–—-]?|[:=])\s*(?=[$#]?[A-Z])"
    r"|(?:ticker|symbol)\s?[–—-]?\s?(?=[$#]?[A-Z])|(?:NYSE|NASDAQ|AMEX|ARCA|CBOE|BATS|OTC)\s?:\s?(?=[A-Z])"
    r"|(?:(?:trade\s|day\s|game\s)?(?:setup|plan|level|idea|play|trade)s?\s)?(?:for|on|in)\s(?=[$#]?[A-Z]{1,5}\W*$)",
    re.IGNORECASE,
)
_COMPANY: Final = re.compile(rf"(?:[A-Z{MARKERS}][\w&.'’{MARKERS}-]*\s){{1,4}}?\(([$#]?[A-Z]{{1,5}})\)\W*$")
_ANOTHER: Final = re.compile(r"\s*(?:[&/,+]|and\b)\s*[$#]?([A-Z]{2,5})\b")
_TICKER: Final = re.compile(rf"[$#]?([A-Za-z]{{1,9}})(?:([./-])(USDT?|[A-Za-z]))?(?![\w{MARKERS}]|['’]\w)")
_WORD_OR_NUMBER: Final = re.compile(rf"[^\W\d_]|{ANY}")
_TARGET: Final = re.compile(rf"\s?[:=]\s?\$?{ANY}")
_ARROW: Final = re.compile(rf"[-–—=~]>|[{ARROWS}]")
_DASHES: Final = ("-", "–", "—", "−")
_BRACKETS: Final = ("(", "[", "{")
_PAIRS: Final = ("USD", "USDT")
_LETTERS = 5
"""The longest ticker that needs no `$`."""

_OWN_WORDS: Final = frozenset(
    {"kind", "strategy", "side", "break", "target", "stop", "note", "lean", "zone", "void", "against"}
)
"""Classes whose words are themselves, whatever their letters could name."""


class Head(NamedTuple):
    """A line's beginning: where its first word stands, what leads it, and its ticker with the end of it.

    `numbered` is said of lines like `1) SPY` and `Setup 2: SPY`."""

    start: int
    lead: Lead
    numbered: bool
    ticker: str | None
    end: int


def read_head(shape: str) -> Head:
    """How a line begins. `end` is where the rest of the line is to be read from."""
    match = _LEAD.match(shape)
    start = match.end() if match else 0
    ordinal = _ORDINAL.match(shape, start)
    after = ordinal.end() if ordinal else start
    label = _TICKER_LABEL.match(shape, after)
    marked = ordinal is not None or label is not None
    company = _COMPANY.match(shape, after)
    if company is not None and look_up(shape[after:].split(maxsplit=1)[0].lower()).cls == "unknown":
        marked = marked or count(company[0]) > 0
        return Head(start, _lead(shape[:start].strip()), marked, company[1].lstrip("$#"), len(shape))
    ticker, end = _ticker(shape, label.end() if label else after, marked)
    return Head(start, _lead(shape[:start].strip()), marked, ticker, end if ticker else after)


def _lead(signs: str) -> Lead:
    if _ARROW.search(signs):
        return "arrow"
    if signs.startswith(_DASHES):
        return "dash"
    return "bracket" if signs.endswith(_BRACKETS) else ""


def _ticker(shape: str, start: int, marked: bool) -> tuple[str | None, int]:
    """The ticker that stands at an offset, and its end."""
    match = _TICKER.match(shape, start)
    if match is None:
        return None, start
    letters, sign, share = match.groups()
    if share and look_up(match.group().lower()).cls in _OWN_WORDS:
        return None, start  # `B/O above 584.20`
    symbol = (letters + ((sign if len(share) > 1 else ".") + share if share else "")).upper()
    if shape[match.start()] in "$#":
        return symbol, match.end()
    rest = shape[match.end() :]
    another = _ANOTHER.match(rest)
    if rest[:1] == "&":
        return None, start  # `H&S breakdown`
    if another is not None and look_up(another[1].lower()).cls == "unknown":
        return None, start  # `SPY & QQQ`: what follows is said of neither alone
    alone = _WORD_OR_NUMBER.search(rest) is None
    if not match.group().isupper():
        return (symbol, match.end()) if alone and symbol in WELL_KNOWN else (None, start)
    marked = marked or alone or rest.lstrip()[:1] in {":", "|"}
    if share or letters.endswith(_PAIRS) or (len(letters) <= _LETTERS and _can_be_ticker(letters, rest, marked)):
        return symbol, match.end()
    return None, start


def _can_be_ticker(letters: str, rest: str, marked: bool) -> bool:
    """Whether capitals name a ticker. Words of a plan do so only where their place marks them as one."""
    cls = look_up(letters.lower()).cls
    if cls in _OWN_WORDS or letters in ONLY_WORDS or (letters in {"T", "S"} and _TARGET.match(rest)):
        return False
    if marked or (cls == "unknown" and letters not in NEVER_TICKERS):
        return True
    # `ON breakout above 45`: in a line of capitals it would say nothing.
    return letters not in NEVER_TICKERS and not rest.isupper()
