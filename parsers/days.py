"""Dates as people write them in a header, and what is odd about a trading day."""

import re
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple

MONTHS: Final = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SHORT = 3

_MONTH_NAME = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,7}"
_WEEKDAY_NAME = r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}"
_YEAR = r"(?:(?:,?\s*|[-/])(?P<{0}>(?:19|20)\d\d)\b|,?\s*['’](?P<{0}_short>\d\d)\b)?"
_DATE: Final = re.compile(
    rf"""
  (?<![\d.,/-])(?P<iso_year>(?:19|20)\d\d)(?P<iso_sign>[-/.]|(?=\d{{4}}(?!\d)))(?P<iso_month>\d{{1,2}})(?P=iso_sign)
    (?P<iso_day>\d{{1,2}})(?![\d/])
| (?<![\w.,/$-])(?P<first>\d{{1,2}})(?P<sign>[-/.])(?P<second>\d{{1,2}})
    (?:(?P=sign)(?P<year>(?:20)?\d\d))?(?![\d/])
| \b(?P<month>{_MONTH_NAME})(?:\.?\s*|[-/])(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?!:?\d)
    {_YEAR.format("month_year")}
| (?<![\w.,/$-])(?P<day_first>\d{{1,2}})(?:st|nd|rd|th)?[\s-]*(?:of\s+)?(?P<month_last>{_MONTH_NAME})\b\.?
    {_YEAR.format("last_year")}
| \b(?P<weekday>{_WEEKDAY_NAME})\b[.,]?\s+(?:the\s+)?(?P<nth>\d{{1,2}})(?:st|nd|rd|th)\b(?!\s*(?:of\s+)?{_MONTH_NAME})
""",
    re.IGNORECASE | re.VERBOSE,
)
_WEEKDAY: Final = re.compile(rf"\b{_WEEKDAY_NAME}\b", re.IGNORECASE)
_WEEKDAY_BEFORE: Final = re.compile(rf"\b{_WEEKDAY_NAME}\W{{1,4}}(?:the\s)?$", re.IGNORECASE)
_WEEKDAY_BEHIND: Final = re.compile(rf"\W{{1,4}}{_WEEKDAY_NAME}\b", re.IGNORECASE)
_COUNTED = "setup|ticker|trade|play|idea|name|stock|scalp|[ap]m"
_RANGE: Final = re.compile(
    rf"\s?(?:[-–—]|to\b)\s?(?:(?:{_MONTH_NAME}|{_WEEKDAY_NAME})[.,]?\s){{0,2}}\d{{1,2}}(?![\d:.]|\s?(?:{_COUNTED}))",
    re.IGNORECASE,
)
_WEEKDAY_AWAY = 20  # characters
_HALF_A_YEAR = 184
_FAR = 14  # days


class Found(NamedTuple):
    """A date in a text: where it stands, the day or, where there is no such day, why not; and the weekday named
    beside it."""

    day: date | None
    start: int
    end: int
    weekday: int | None
    problem: str | None


def find_day(text: str, near: date) -> Found | None:
    """The first date in a text, its year the one that brings it nearest to `near` where the text names none; of
    several dates the one beside a weekday.

    Numbers are month and day as in the United States, day and month where that alone makes a date.
    None where the text holds neither a date nor a weekday."""
    named = _weekday(text)
    candidates = [(match, found) for match in _DATE.finditer(text) if (found := _found(match, near, named))]
    if not candidates:
        return None if named is None else Found(None, 0, 0, named, None)
    if len(candidates) > 1 and named is not None:
        beside = (found for match, found in candidates if found.problem or _beside_weekday(text, match))
        return next(beside, candidates[0][1])
    return candidates[0][1]


def dates(text: str) -> list[tuple[int, int]]:
    """Where dates stand in a text."""
    return [match.span() for match in _DATE.finditer(text)]


def _beside_weekday(text: str, match: re.Match[str]) -> bool:
    start, end = match.span()
    return bool(match["nth"]) or bool(
        _WEEKDAY_BEFORE.search(text, max(start - _WEEKDAY_AWAY, 0), start) or _WEEKDAY_BEHIND.match(text, end)
    )


def _found(match: re.Match[str], near: date, named: int | None) -> Found | None:
    """The date of a match; None where a word only begins like a month."""
    text, start, end = match.string, match.start(), match.end()
    if match["nth"]:
        nth = _nearest_nth(int(match["nth"]), near)
        return Found(nth, start, end, named, None if nth else "there is no such day")
    parts = _parts(match)
    if parts is None:
        return None
    month, day, year = parts
    if _RANGE.match(text, end):
        return Found(None, start, end, named, "names several days")
    found = _nearest(month, day, near) if year is None else day_of(year, month, day)
    if found is None and match["first"] and day <= 12 < month:
        found = _nearest(day, month, near) if year is None else day_of(year, day, month)
    return Found(found, start, end, named, None if found else "there is no such day")


def month_and_day(text: str) -> tuple[int, int, int | None] | None:
    """Month, day and year, where one is given, of a text that is a date. They need not make a day that exists."""
    match = _DATE.search(text)
    return None if match is None else _parts(match)


def _parts(match: re.Match[str]) -> tuple[int, int, int | None] | None:
    """Month, day and year of a match; None where a word only begins like a month or where no month is named."""
    if match["iso_year"]:
        return int(match["iso_month"]), int(match["iso_day"]), int(match["iso_year"])
    if match["first"]:
        return int(match["first"]), int(match["second"]), _year(match["year"])
    if match["nth"]:
        return None
    if match["month"]:
        name, day, year = match["month"], match["day"], match["month_year"] or match["month_year_short"]
    else:
        name, day, year = match["month_last"], match["day_first"], match["last_year"] or match["last_year_short"]
    month = _index(name, MONTHS)
    return None if month is None else (month + 1, int(day), _year(year))


def _year(digits: str | None) -> int | None:
    if not digits:
        return None
    return int(digits) + (2000 if len(digits) == 2 else 0)


@lru_cache(maxsize=256)
def _index(name: str, names: tuple[str, ...]) -> int | None:
    """Which name a short or long spelling means: `Thur`, `Sept`. A letter may be wrong in a long one."""
    small = name.lower()
    for index, whole in enumerate(names):
        if whole.startswith(small) or (whole[:_SHORT] == small[:_SHORT] and _alike(small, whole)):
            return index
    return None


def _alike(small: str, whole: str) -> bool:
    if small in {"tues", "weds", "thurs", "sept"}:
        return True
    return len(small) > 4 and small[-2:] == whole[-2:] and abs(len(small) - len(whole)) <= 2


def _weekday(text: str) -> int | None:
    for match in _WEEKDAY.finditer(text):
        index = _index(match.group(), WEEKDAYS)
        if index is not None:
            return index
    return None


def day_of(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _nearest(month: int, day: int, near: date) -> date | None:
    this_year = day_of(near.year, month, day)
    if this_year is not None and abs((this_year - near).days) <= _HALF_A_YEAR:
        return this_year
    days = [found for year in (near.year - 1, near.year + 1) if (found := day_of(year, month, day))]
    best = min(days, key=lambda found: abs(found - near), default=None)
    return best if best is not None and abs((best - near).days) <= _HALF_A_YEAR else None


def _nearest_nth(day: int, near: date) -> date | None:
    """The nearest day with that number in its month."""
    months = [(near.year * 12 + near.month - 1 + step) for step in (-1, 0, 1)]
    days = [found for month in months if (found := day_of(month // 12, month % 12 + 1, day))]
    return min(days, key=lambda found: abs(found - near), default=None)


def oddities(day: date, weekday: int | None, posted: date) -> tuple[str, ...]:
    """Flags for a trading day that should be looked at. None of them moves the day."""
    flags = []
    if weekday is not None and weekday != day.weekday():
        flags.append("weekday_contradicts")
    if day.weekday() >= WEEKDAYS.index("saturday"):
        flags.append("weekend")
    elif is_exchange_holiday(day):
        flags.append("exchange_holiday")
    if abs(day - posted).days > _FAR:
        flags.append("far_from_post")
    return tuple(flags)


def is_exchange_holiday(day: date) -> bool:
    """Whether the New York Stock Exchange stays closed on a weekday, by the `holidays` library."""
    return day in _exchange_holidays(day.year)


@lru_cache(maxsize=64)
def _exchange_holidays(year: int) -> frozenset[date]:
    """A year's calendar, which costs more than a post takes to be read."""
    # Imported late: a quarter of a second that neither chat nor `--help` should pay.
    import holidays  # noqa: PLC0415

    return frozenset(holidays.financial_holidays("NYSE", years=year))
