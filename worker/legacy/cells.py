"""Values out of an old row's cells, each of which is the column's text or None. Pure."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple, NoReturn
from zoneinfo import ZoneInfo

from worker.events.catalogue import as_json
from worker.ingest.cleaning import clean
from worker.ingest.observation import snowflake_time

_LARGEST = (1 << 63) - 1
# Discord's oldest ids are from 2015 and larger than this; what is smaller is a number of the former application's own.
_SMALLEST_SNOWFLAKE = 10**15

# A row is written at the earliest when its message was posted, but for clocks that differ, and often right after.
_BEFORE, _AFTER = timedelta(minutes=-2), timedelta(minutes=10)


def whole_number(text: str | None) -> int | None:
    """A positive bigint, whatever blanks stand around it."""
    digits = (text or "").strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 19):
        return None
    number = int(digits)
    return number if 0 < number <= _LARGEST else None


def message_snowflake(text: str | None) -> int | None:
    """An id that Discord gave a message; None for anything else, such as a number of the application's own."""
    number = whole_number(text)
    return number if number is not None and number >= _SMALLEST_SNOWFLAKE else None


def flag(text: str | None, *, default: bool) -> bool:
    """A boolean in the spellings of PostgreSQL, of text and of numbers."""
    word = (text or "").strip().lower()
    if word in {"true", "t", "yes", "y", "on", "1"}:
        return True
    return False if word in {"false", "f", "no", "n", "off", "0"} else default


def day_of(text: str | None) -> date | None:
    """The calendar day that a date, or a time, begins with."""
    try:
        return date.fromisoformat((text or "").strip()[:10])
    except ValueError:
        return None


class Moments:
    """Reads times. One that comes without a zone is in `zone`, unless its row's Discord id says that it is in another.

    An id carries its time in UTC: where just one of the zones puts the row shortly after it, that is the row's."""

    def __init__(self, zone: str = "UTC", others: Sequence[str] = ()) -> None:
        self._zones = [ZoneInfo(name) for name in dict.fromkeys((zone, *others))]

    def read(self, text: str | None, message_id: int | None = None) -> datetime | None:
        """None where there is no time, or none that PostgreSQL and Python both know."""
        if not text:
            return None
        try:
            moment = datetime.fromisoformat(text.strip())
            if moment.tzinfo is not None:
                return moment if moment.tzinfo is UTC else moment.astimezone(UTC)
            if message_id is None or len(self._zones) == 1:
                return moment.replace(tzinfo=self._zones[0]).astimezone(UTC)
            return self._beside(moment, snowflake_time(message_id))
        except (ValueError, OverflowError):
            return None

    def _beside(self, moment: datetime, posted_at: datetime) -> datetime:
        read = [moment.replace(tzinfo=zone).astimezone(UTC) for zone in self._zones]
        return next((one for one in read if _BEFORE <= one - posted_at <= _AFTER), read[0])


class Json(NamedTuple):
    """A JSON value, and its text in a form that jsonb takes."""

    value: Any
    text: str


def _refuse_constant(name: str) -> NoReturn:
    raise _NotFiniteError(name)


class _NotFiniteError(Exception):
    """NaN or Infinity, which Python writes and JSON does not have."""


_STRICT = json.JSONDecoder(parse_constant=_refuse_constant)  # made once: it costs as much as a small value


def json_of(text: str) -> Json | None:
    """What a json, jsonb or text column holds, with what jsonb refuses (NUL, lone surrogates, NaN) taken out.

    The text stays as it is wherever it can, so that every digit does. None: it is no JSON."""
    try:
        try:
            value = _STRICT.decode(text)
            is_plain = "\\u" not in text
        except _NotFiniteError:
            value, is_plain = json.loads(text), False
        if is_plain:
            return Json(value, text)
        cleaned = clean({"value": value})
        if not cleaned.flags:
            return Json(value, text)
        return Json(cleaned.payload["value"], as_json(cleaned.payload["value"]))
    except (ValueError, RecursionError):
        return None
