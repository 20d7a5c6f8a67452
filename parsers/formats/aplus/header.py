"""The header of a day plan: what makes a line one, and the trading day it names."""

import re
from datetime import date
from typing import Final

from parsers.days import MONTHS, WEEKDAYS, Found, dates, find_day

_GRADED: Final = r"set\s?-?up{0}|plan{0}|scalp{0}|trade{0}|level{0}|idea{0}|watch\s?list{0}|play{0}"
_GRADE: Final = r"a\s?(?:\+|plus\b)"
HEADER: Final = re.compile(
    rf"(?<![^\W\d_]){_GRADE}.{{0,40}}?\b(?:{_GRADED.format('s?')})\b|\b(?:{_GRADED.format('s')})\W{{1,4}}{_GRADE}",
    re.IGNORECASE,
)
"""An A+ grade and, soon after or right before it, what it grades."""

PLURAL: Final = re.compile(rf"\b(?:{_GRADED.format('s')}|plan|watch\s?list)\b", re.IGNORECASE)
"""What a header speaks of when it stands above several setups; "A+ setup" alone is praise."""

_MENTION: Final = re.compile(
    r"(?<![^\W\d_])a[\s*_`~\\\u200b]{0,4}(?:[+＋➕⁺]|plus\b)|[\U0001d400-\U0001d7ff]", re.IGNORECASE
)

PAST: Final = re.compile(
    r"\b(?:recaps?|results?|review|yesterday|performance|scorecard|hit|paid|worked|printed|nailed|smashed|crushed)\b",
    re.IGNORECASE,
)
"""What makes a line that speaks of a plan speak of one that is over."""

HEADER_CLASSES: Final = frozenset(
    {"filler", "entry", "side", "strategy", "kind", "and", "to", "zone", "relation", "lean"}
)
"""Classes of a plan's words that a header may hold; with the others it is talk about a plan."""

_NAMES: Final = frozenset(name[:length] for name in MONTHS + WEEKDAYS for length in range(3, len(name) + 1))
_ORDINALS: Final = frozenset({"st", "nd", "rd", "th"})
_OTHERS: Final = """
    today todays tomorrow tomorrows week weekly game list my our your options option stocks everyone team repost
    spy top best opening bell session preview trading full free vip part quick grade quality v version set up ups
    am pm et ct est edt cst cdt
"""
HEADER_WORDS: Final = _NAMES | _ORDINALS | frozenset(_OTHERS.split())
"""Words that a header may hold besides those of a plan."""

_DATED: Final = """
    for date day trading trade plan plans session today todays the of on setup setups level levels scalp scalps
    watchlist game my our
"""
DATE_WORDS: Final = _NAMES | _ORDINALS | frozenset(_DATED.split())
"""Words that may stand beside a date on a line of its own."""

_WORD: Final = re.compile(r"[^\W\d_]+")


def may_have_header(text: str) -> bool:
    """Whether a text that is not cleaned yet has what a header must have somewhere."""
    # Most texts are ASCII without either, which is found out in a tenth of the pattern's time.
    if text.isascii() and "+" not in text and "plus" not in text.lower():
        return False
    return _MENTION.search(text) is not None


def find_trading_day(text: str, after: int, *, is_header: bool, posted: date) -> Found | None:
    """The day that a line names: a header behind its words or before them, another line only if it says nothing
    else."""
    found = find_day(text[after:], posted)
    if found is not None:
        found = found._replace(start=found.start + after, end=found.end and found.end + after)
    elif after:
        found = find_day(text, posted)
    return found if found is None or is_header or _is_alone(text, found) else None


def other_dates(text: str, found: Found) -> list[tuple[int, int]]:
    """Where a header names days besides the one that was found in it."""
    return [(start, end) for start, end in dates(text) if end <= found.start or start >= found.end]


def _is_alone(text: str, found: Found) -> bool:
    rest = text[: found.start] + " " + text[found.end :]
    words = {word.lower() for word in _WORD.findall(rest)}
    return found.problem is None and words <= DATE_WORDS and not any(character.isdigit() for character in rest)
