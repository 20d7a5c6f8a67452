"""Values out of old cells."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from worker.legacy.cells import Moments, day_of, flag, json_of, message_snowflake, whole_number

POSTED = datetime(2025, 1, 6, 13, 55, tzinfo=UTC)
MESSAGE_ID = 1325824946995200000  # of that moment


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", 12),
        (" 12\t", 12),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", None),
        ("0", None),
        ("-5", None),
        ("1.0", None),
        ("1e5", None),
        ("٣", None),
        ("", None),
        (None, None),
        ("1" * 5000, None),
    ],
)
def test_ids(text: str | None, number: int | None) -> None:
    assert whole_number(text) == number


def test_a_small_number_is_no_id_of_a_message() -> None:
    assert message_snowflake("4711") is None
    assert message_snowflake(f" {MESSAGE_ID}") == MESSAGE_ID


@pytest.mark.parametrize(
    ("text", "expected"),
    [("true", True), ("t", True), ("1", True), ("f", False), ("0", False), ("", None), (None, None)],
)
def test_flags(text: str | None, expected: bool | None) -> None:
    assert flag(text, default=True) == (True if expected is None else expected)
    assert flag(text, default=False) == (False if expected is None else expected)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-01-06 13:55:00+00", POSTED),
        ("2025-01-06 13:55:00", POSTED),
        ("2025-01-06T07:55:00-06:00", POSTED),
        ("2025-01-06T13:55:00Z", POSTED),
        ("2025-01-06 13:55:00.000001+00", POSTED + timedelta(microseconds=1)),
        ("infinity", None),
        ("0044-03-15 00:00:00 BC", None),
        ("294276-12-31 23:59:59", None),
        ("0001-01-01 00:00:00+14", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_times(text: str, moment: datetime | None) -> None:
    assert Moments("UTC").read(text) == moment


def test_a_zone_has_its_summer() -> None:
    chicago = Moments("America/Chicago")
    assert chicago.read("2025-01-06 07:55:00") == POSTED
    assert chicago.read("2025-07-07 07:55:00") == datetime(2025, 7, 7, 12, 55, tzinfo=UTC)


def test_an_id_decides_only_where_it_is_near() -> None:
    moments = Moments("UTC", ("UTC", "America/Chicago"))
    assert moments.read("2025-01-06 07:55:01", MESSAGE_ID) == POSTED + timedelta(seconds=1)
    assert moments.read("2025-01-06 13:55:01", MESSAGE_ID) == POSTED + timedelta(seconds=1)
    # Stored days later: the id tells nothing.
    assert moments.read("2025-01-09 07:55:00", MESSAGE_ID) == datetime(2025, 1, 9, 7, 55, tzinfo=UTC)
    assert moments.read("2025-01-06 07:55:01") == datetime(2025, 1, 6, 7, 55, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "day"),
    [("2025-01-06", date(2025, 1, 6)), ("2025-01-06 13:55:00", date(2025, 1, 6)), ("Jan 6", None), (None, None)],
)
def test_days(text: str | None, day: date | None) -> None:
    assert day_of(text) == day


@pytest.mark.parametrize(
    "text", ['{"a": 1.10, "a": 2}', "[]", '"\\u00e9"', "null", '{"backslash": "\\\\u0000"}', "1e999"]
)
def test_json_that_jsonb_takes_stays_to_the_letter(text: str) -> None:
    found = json_of(text)
    assert found is not None
    assert found.text == text


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ('{"a": "\\u0000"}', {"a": "\ufffd"}),
        ('{"\\u0000": ["\\ud800"]}', {"\ufffd": ["\ufffd"]}),
        ('{"price": NaN, "other": [-Infinity]}', {"price": None, "other": [None]}),
    ],
)
def test_json_that_jsonb_refuses_is_cleaned(text: str, cleaned: object) -> None:
    found = json_of(text)
    assert found is not None
    assert (found.value, json.loads(found.text)) == (cleaned, cleaned)


@pytest.mark.parametrize("text", ["", "{", "no", "{'a': 1}", "[" * 100_000, "9" * 5000])
def test_what_is_no_json(text: str) -> None:
    assert json_of(text) is None
