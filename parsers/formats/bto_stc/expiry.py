"""The day an option expires, from what an alert says and the exchange date it was posted on."""

from datetime import date, timedelta
from typing import Final

from parsers.days import WEEKDAYS, day_of, is_exchange_holiday, month_and_day

_LATE = 7  # days after an expiry in which an exit is still reported
_STALE = 30  # days: an expiry that has passed so recently was not meant for next year
_FRIDAY: Final = WEEKDAYS.index("friday")


def expiry_of(text: str, today: date, *, closing: bool) -> tuple[date | None, list[str]]:
    """The expiry that a date in an alert means, and flags.

    Without a year it is the first such day from the post's day on. One that has just passed is no entry's expiry, not
    even next year's, and an exit's only within a week."""
    found = month_and_day(text)
    if found is None:
        return None, ["expiry_missing"]
    month, day, year = found
    if year is not None:
        expiry = day_of(year, month, day)
        return (expiry, _oddities(expiry, today)) if expiry else (None, ["expiry_missing"])
    passed, ahead = day_of(today.year, month, day), day_of(today.year + 1, month, day)
    last_year = day_of(today.year - 1, month, day)
    if passed is not None and passed >= today:
        passed, ahead = last_year, passed
    if passed is not None and (today - passed).days <= _STALE:
        late = closing and (today - passed).days <= _LATE
        return (passed if late else None), ["expiry_past"]
    return (ahead, _oddities(ahead, today)) if ahead else (None, ["expiry_missing"])


def expiry_in(days: int, today: date) -> tuple[date | None, list[str]]:
    """The expiry of a contract with so many days left: one day is the next trading day, more are calendar days."""
    expiry = today + timedelta(days=days)
    if days == 1:
        while _closed(expiry):
            expiry += timedelta(days=1)
    return (None, ["expiry_missing"]) if _closed(expiry) else (expiry, [])


def weekly_expiry(today: date) -> tuple[date | None, list[str]]:
    """The Friday of the post's week, or the trading day before it where the exchange is closed."""
    expiry = today + timedelta(days=(_FRIDAY - today.weekday()) % 7)
    while _closed(expiry) and expiry > today:
        expiry -= timedelta(days=1)
    return expiry, []


def _oddities(expiry: date, today: date) -> list[str]:
    if expiry < today:
        return ["expiry_past"]
    if expiry.weekday() > _FRIDAY:
        return ["weekend"]
    return ["exchange_holiday"] if is_exchange_holiday(expiry) else []


def _closed(day: date) -> bool:
    return day.weekday() > _FRIDAY or is_exchange_holiday(day)
