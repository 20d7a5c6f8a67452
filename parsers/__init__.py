"""Text in, plans out. Pure: no I/O, no database, no discord, no clock."""

from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from parsers.jsonl import to_json
from parsers.reading import NOT_A_PLAN, Reading
from parsers.registry import Format, registered

__all__ = ["Format", "Reading", "parse", "registered", "to_json"]

_zone = lru_cache(maxsize=32)(ZoneInfo)


def parse(text: str, posted_at: datetime, *, timezone: str = "America/Chicago", format: str | None = None) -> Reading:  # noqa: A002
    """What a text says, read in the format of that name or in the first that reads something in it.

    `posted_at` must be aware; a plan that names no day is for its date in `timezone`. Raises KeyError for a format or
    time zone that does not exist and ValueError for a naive time, never for a text."""
    if posted_at.tzinfo is None:
        raise ValueError("posted_at has no time zone")
    if format is not None:
        return registered()[format].read(text, posted_at.astimezone(_zone(timezone)))
    best = NOT_A_PLAN
    for found in registered().values():
        if found.looks_like(text):
            reading = found.read(text, posted_at.astimezone(_zone(timezone)))
            if reading.state == "parsed":
                return reading
            if best.state == NOT_A_PLAN.state:
                best = reading
    return best
