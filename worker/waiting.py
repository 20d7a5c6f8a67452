"""Waiting: for an event but not too long, and before the next try."""

import asyncio
import random

_MOST_DOUBLINGS = 30  # beyond every longest pause, and a number that a float holds


async def happened(event: asyncio.Event, seconds: float) -> bool:
    """Whether the event is set within that time."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False


def jittered(seconds: float) -> float:
    """So long, give or take half: those that lost the same thing must not come back in step."""
    return seconds * random.uniform(0.5, 1.5)  # noqa: S311


def doubled(first: float, longest: float, times: int) -> float:
    """Seconds: `first`, doubled so many times and at most `longest`, with jitter."""
    return jittered(min(first * 2.0 ** min(times, _MOST_DOUBLINGS), longest))


class Backoff:
    """Pauses between tries, each twice as long as the one before."""

    def __init__(self, first: float, longest: float) -> None:
        """Seconds, before jitter."""
        self._first = first
        self._longest = longest
        self._pauses = 0

    def next(self) -> float:
        """Seconds to wait before the next try."""
        seconds = doubled(self._first, self._longest, self._pauses)
        self._pauses += 1
        return seconds

    def reset(self) -> None:
        """The next pause is the first one again."""
        self._pauses = 0
