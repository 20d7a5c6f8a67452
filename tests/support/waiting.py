"""Waiting for conditions, never for a time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

Value = TypeVar("Value")

LONGEST_SECONDS = 60.0  # a bound for a machine that is busy, not an expectation


async def until(condition: Callable[[], Awaitable[Value]], what: str, *, seconds: float = LONGEST_SECONDS) -> Value:
    """Returns the condition's first true value. Raises AssertionError, naming `what`, when none comes."""
    end = time.monotonic() + seconds
    while True:
        found = await condition()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds:.0f} s in vain for {what}; the last answer was {found!r}")
        await asyncio.sleep(0.02)
