"""One session for many short pieces of work, which take turns."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from worker.db.connection import Database, connect

USE_SECONDS = 20  # one piece of work; a connection that swallows everything must not hold it for ever
TRANSACTION_TIMEOUT = "2s"  # a stalled session must not hold the lock that orders events


class SharedSession:
    """Opened when it is needed, and anew after any error."""

    def __init__(self, database: Database, *, purpose: str) -> None:
        self._database = database
        self._purpose = purpose
        self._turn = asyncio.Lock()
        self._connection: asyncpg.Connection | None = None

    @asynccontextmanager
    async def use(self) -> AsyncIterator[asyncpg.Connection]:
        """The session, for one piece of work. Raises what asyncpg.connect raises, and TimeoutError."""
        async with self._turn, asyncio.timeout(USE_SECONDS):
            if self._connection is None or self._connection.is_closed():
                self._connection = await connect(
                    self._database, purpose=self._purpose, idle_in_transaction_timeout=TRANSACTION_TIMEOUT
                )
            try:
                yield self._connection
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Ends the session without waiting for an answer."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
