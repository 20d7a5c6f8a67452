"""Which day a plan is for."""

from datetime import UTC, date, datetime

import pytest

import parsers
from parsers.days import find_day

_BODY = "\n\nSPY\n❌ Rejection Near 586.49 (584.20, 582.00)"


def _posted(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "posted", "day", "flags"),
    [
        ("A+ Setups — Thu Jun 12", "2025-06-12T13:00", "2025-06-12", ()),
        ("A+ Setups — Fri Jun 12", "2025-06-12T13:00", "2025-06-12", ("weekday_contradicts",)),
        ("A+ Setups — Jun 14", "2025-06-13T13:00", "2025-06-14", ("weekend",)),
        ("A+ Setups — Jul 4", "2025-07-03T13:00", "2025-07-04", ("exchange_holiday",)),
        ("A+ Setups — Jun 19", "2025-06-18T13:00", "2025-06-19", ("exchange_holiday",)),
        ("A+ Setups — Apr 18", "2025-04-17T13:00", "2025-04-18", ("exchange_holiday",)),
        ("A+ Setups — May 12", "2025-06-12T13:00", "2025-05-12", ("far_from_post",)),
        ("A+ Setups — Jan 2", "2025-12-31T22:00", "2026-01-02", ()),
        ("A+ Setups — Dec 31", "2026-01-01T02:00", "2025-12-31", ()),
        ("A+ Setups — Fri Jun 13", "2025-06-14T13:00", "2025-06-13", ()),
        ("A+ Setups — Thu Jun 11 (exp 6/12)", "2025-06-11T13:00", "2025-06-11", ("weekday_contradicts",)),
        ("A+ Setups — Fri 13th", "2025-06-12T23:00", "2025-06-13", ()),
        ("A+ Setups — Monday the 30th", "2025-07-01T13:00", "2025-06-30", ()),
        ("A+ Setups — 20250613", "2025-06-12T23:00", "2025-06-13", ()),
    ],
)
def test_the_header_decides(header: str, posted: str, day: str, flags: tuple[str, ...]) -> None:
    reading = parsers.parse(header + _BODY, _posted(posted))
    assert (str(reading.trading_day), reading.trading_day_source, reading.flags) == (day, "header", flags)


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("A+ Setups — Jun 31", "there is no such day"),
        ("A+ Setups — 2/30", "there is no such day"),
        ("A+ Setups — June 9-13", "names several days"),
        ("A+ Setups — June 9 to June 13", "names several days"),
        ("A+ Setups — June 9 to Fri June 13", "names several days"),
        ("A+ Setups — Friday the 32nd", "there is no such day"),
    ],
)
def test_a_day_that_is_none_is_unread(header: str, problem: str) -> None:
    reading = parsers.parse(header + _BODY, _posted("2025-06-12T13:00"))
    assert (str(reading.trading_day), reading.trading_day_source) == ("2025-06-12", "posted_at")
    assert [(unread.line, unread.reason) for unread in reading.unread] == [(1, problem)]


def test_another_day_in_the_header_is_reported() -> None:
    reading = parsers.parse("A+ Setups — Wed 11 June, levels for Thursday 12 June" + _BODY, _posted("2025-06-11T13:00"))
    assert str(reading.trading_day) == "2025-06-11"
    assert [(unread.line, unread.reason) for unread in reading.unread] == [(1, "names another day too")]


@pytest.mark.parametrize(
    ("posted", "timezone", "day"),
    [
        ("2025-06-12T04:59", "America/Chicago", "2025-06-11"),
        ("2025-06-12T05:00", "America/Chicago", "2025-06-12"),
        ("2025-06-12T04:59", "America/New_York", "2025-06-12"),
    ],
)
def test_without_a_date_it_is_the_day_of_the_post(posted: str, timezone: str, day: str) -> None:
    reading = parsers.parse("A+ Trade Setups" + _BODY, _posted(posted), timezone=timezone)
    assert (str(reading.trading_day), reading.trading_day_source) == (day, "posted_at")


@pytest.mark.parametrize(
    ("header", "unread"),
    [
        ("A+ Trade Setups — Thu Jun 12\nA+ Trade Setups — Thu Jun 12", []),
        ("A+ Trade Setups — Thu Jun 12\n\nA+ Scalp Setups", []),
        ("A+ Trade Setups — Thu Jun 12\nA+ Trade Setups — Fri Jun 13", [2]),
    ],
)
def test_the_first_header_counts(header: str, unread: list[int]) -> None:
    reading = parsers.parse(header + _BODY, _posted("2025-06-12T13:00"))
    assert str(reading.trading_day) == "2025-06-12"
    assert [line.line for line in reading.unread] == unread


def test_a_date_in_talk_is_not_the_trading_day() -> None:
    reading = parsers.parse("A+ Trade Setups\nFOMC on June 18, stay small" + _BODY, _posted("2025-06-12T13:00"))
    assert str(reading.trading_day) == "2025-06-12"


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Feb 29", None),
        ("2024-02-29", date(2024, 2, 29)),
        ("13/6", date(2025, 6, 13)),
        ("6/13", date(2025, 6, 13)),
        ("Sept. 5th", date(2025, 9, 5)),
        ("5th of Septmber", date(2025, 9, 5)),
        ("12 Jun '24", date(2024, 6, 12)),
        ("Market 12", None),
        ("584.20/582", None),
    ],
)
def test_dates(text: str, day: date | None) -> None:
    found = find_day(text, date(2025, 6, 12))
    assert (found.day if found else None) == day


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        parsers.parse("A+ Trade Setups", datetime(2025, 6, 12))  # noqa: DTZ001
