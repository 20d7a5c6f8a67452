"""A connection that does nothing but listen for commits, and that notices when it is dead."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import structlog

from worker.db.connection import Database, connect
from worker.db.failures import CONNECT_ERRORS
from worker.events.wakeup import NOTIFY_CHANNEL
from worker.faults import named
from worker.waiting import happened, jittered

RECONNECT_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Listener:
    """Sets `woken` when something was committed. It may miss a notification, so whoever waits polls as well."""

    def __init__(
        self,
        database: Database,
        *,
        purpose: str,
        beat: Callable[[asyncpg.Connection], Awaitable[None]],
        beat_seconds: float,
    ) -> None:
        """`beat` is called regularly, on this connection: by the missing answer a connection is known to be dead that
        nobody has closed."""
        self.woken = asyncio.Event()
        self._database = database
        self._purpose = purpose
        self._beat = beat
        self._beat_seconds = beat_seconds

    async def run(self) -> None:
        """Listens for ever; a connection that is lost is made anew."""
        while True:
            try:
                connection = await connect(self._database, purpose=self._purpose)
                try:
                    await self._listen(connection)
                finally:
                    # close() raises on a connection that is gone, and that error would take a cancellation's place.
                    connection.terminate()
            except CONNECT_ERRORS as error:
                log.warning("events.listener_lost", purpose=self._purpose, reason=named(error))
            await asyncio.sleep(jittered(RECONNECT_SECONDS))

    async def _listen(self, connection: asyncpg.Connection) -> None:
        ended = asyncio.Event()
        connection.add_termination_listener(lambda _: ended.set())
        await connection.add_listener(NOTIFY_CHANNEL, lambda *_: self.woken.set())
        self.woken.set()  # for what was committed while nobody listened
        while not ended.is_set():
            async with asyncio.timeout(3 * self._beat_seconds):
                await self._beat(connection)
            await happened(ended, self._beat_seconds)
