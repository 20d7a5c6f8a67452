"""Tells listeners that something was committed: an empty NOTIFY, never needed for correctness."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import structlog

from worker.db.failures import CONNECT_ERRORS
from worker.faults import named

NOTIFY_CHANNEL = "events"
ANSWER_SECONDS = 5.0  # then the connection counts as dead
DEBOUNCE_SECONDS = 0.01  # at most so many notifications a second as fit

log = structlog.get_logger(__name__)


class Wakeup:
    """Collects commits and notifies once for all that came since the last time."""

    def __init__(self, connect: Callable[[], Awaitable[asyncpg.Connection]]) -> None:
        self._connect = connect
        self._committed = asyncio.Event()

    def committed(self) -> None:
        self._committed.set()

    async def run(self) -> None:
        """Notifies for ever. A notification that cannot be sent is left out: readers poll as well."""
        connection: asyncpg.Connection | None = None
        try:
            while True:
                await self._committed.wait()
                self._committed.clear()
                try:
                    if connection is None or connection.is_closed():
                        connection = await self._connect()
                    await connection.execute(f"NOTIFY {NOTIFY_CHANNEL}", timeout=ANSWER_SECONDS)
                except CONNECT_ERRORS as error:
                    log.warning("events.not_notified", error=named(error))
                    if connection is not None:
                        connection.terminate()
                await asyncio.sleep(DEBOUNCE_SECONDS)
        finally:
            if connection is not None:
                connection.terminate()
