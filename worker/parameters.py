"""What the command line's arguments may be. What is none is refused by a sentence with an example.

Whatever takes long to import is imported when a value is read, so that --help answers at once."""
# ruff: noqa: PLC0415

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import click

BIGINT_END = 1 << 63


class Parameter(click.ParamType[Any]):
    """`read` makes the value of a text and raises ValueError where it cannot; `wanted` then ends the sentence."""

    def __init__(self, name: str, read: Callable[[str], Any], wanted: str) -> None:
        self.name = name
        self._read = read
        self._wanted = wanted

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value  # a default
        try:
            return self._read(value)
        except ValueError:
            self.fail(f"{value!r} is {self._wanted}.", param, ctx)


class OneOf(click.ParamType[Any]):
    """One of the names that `known` gives."""

    def __init__(self, name: str, known: Callable[[], tuple[str, ...]]) -> None:
        self.name = name
        self._known = known

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value not in self._known():
            self.fail(f"{value!r} is none of {', '.join(self._known())}.", param, ctx)
        return value


def _snowflake(text: str) -> int:
    number = int(text)
    if not 0 < number < BIGINT_END:
        raise ValueError
    return number


def _event_id(text: str) -> int:
    number = int(text)
    if not -BIGINT_END <= number < BIGINT_END:
        raise ValueError
    return number


def _day(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d")  # noqa: DTZ007  a day of no zone


def _past_day(text: str) -> datetime:
    day = _day(text)
    if day.replace(tzinfo=UTC) > datetime.now(UTC):
        raise ValueError
    return day


def _time(text: str) -> datetime:
    from worker.views.posts import parse_time

    return parse_time(text)


def _zone(text: str) -> str:
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(text).key
    except (KeyError, OSError) as error:
        raise ValueError from error


def _trace_name(text: str) -> UUID | int:
    # What an import could not identify has a negative message id.
    number = text.removeprefix("-")
    return int(text) if number.isdecimal() and int(number) < BIGINT_END else UUID(text)


def _message_link(text: str) -> tuple[int | None, int]:
    from worker.views.explanation import parse_link

    return parse_link(text)


def _event_channels() -> tuple[str, ...]:
    from worker.events.catalogue import CHANNELS

    return CHANNELS


def _parsers() -> tuple[str, ...]:
    from parsers import registered

    return tuple(registered())


SNOWFLAKE = Parameter(
    "id", _snowflake, "no id such as 1372540316212031569: in Discord's Developer Mode, Copy Channel ID"
)
EVENT_ID = Parameter("event id", _event_id, "no event id such as 42")
DAY = Parameter("day", _day, "no day such as 2025-05-15")
PAST_DAY = Parameter("day", _past_day, "no day such as 2025-05-15, today at the latest")
TIME = Parameter("time", _time, "no time such as 2025-05-15T12:55:00Z")
ZONE = Parameter("zone", _zone, "no time zone such as America/Chicago")
CORRELATION_ID = Parameter("correlation id", UUID, "no correlation id such as 730a5790-ebfd-5052-95e7-c465d551cb1d")
MESSAGE_LINK = Parameter("link", _message_link, "no message link, such as Discord's Copy Message Link gives")
TRACE_NAME = Parameter("name", _trace_name, "neither a message id nor a correlation id")
EVENT_CHANNEL = OneOf("event channel", _event_channels)
PARSER = OneOf("parser", _parsers)
