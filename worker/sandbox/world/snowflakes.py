"""Snowflakes and the moments that go with them. Source: Discord's API reference, "Snowflakes"."""

import time
from datetime import UTC, datetime, timedelta

EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
_EPOCH_MILLISECONDS = int(EPOCH.timestamp()) * 1000
_TIME_SHIFT = 22


def snowflake_at(moment: datetime) -> int:
    """The lowest snowflake of that millisecond. Raises ValueError for a moment before 2015."""
    milliseconds = (moment - EPOCH) // timedelta(milliseconds=1)
    if milliseconds < 0:
        raise ValueError(f"{moment} lies before Discord's epoch")
    return milliseconds << _TIME_SHIFT


def moment_of(snowflake: int) -> datetime:
    """When the snowflake was made, to the millisecond, in UTC."""
    return EPOCH + timedelta(milliseconds=snowflake >> _TIME_SHIFT)


class Snowflakes:
    """Hands out ids: real snowflakes of this moment, each higher than the one before."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> int:
        first_now = (time.time_ns() // 1_000_000 - _EPOCH_MILLISECONDS) << _TIME_SHIFT
        self._last = max(self._last + 1, first_now)
        return self._last


class Clock:
    """UTC times that never repeat: two edits in a row differ, as the edit time decides which is newer."""

    def __init__(self) -> None:
        self._last = EPOCH

    def now(self) -> datetime:
        self._last = max(self._last + timedelta(microseconds=1), datetime.now(UTC))
        return self._last
