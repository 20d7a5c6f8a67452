"""A consumer's connection and lease: made, kept, and found again after whatever took them away."""

import asyncio
import contextlib
import math
import os
import socket
import time
import uuid
from collections.abc import Sequence

import asyncpg
import structlog

from worker.db.connection import Database, connect, wait_until_ready
from worker.db.failures import CONNECT_ERRORS
from worker.events import leases
from worker.events import statements as sql
from worker.events.leases import Done, Lease, ReaderLeaseLostError, Standing, reason_of
from worker.exits import ConfigError
from worker.waiting import jittered

POLL_SECONDS = 1.0  # how often the lease of another reader is looked at
ACKNOWLEDGE_SECONDS = 0.5  # how long what is done may stay unwritten while more is handled
CLOSE_SECONDS = 5.0

# What a connection ends with; a new one mends it. The client's own error is what asyncpg raises between the server's
# last words and the end of the connection.
LOST = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
)

log = structlog.get_logger(__name__)


class ConsumerSession:
    """What a reader holds in the database. Times are on time.monotonic's clock."""

    def __init__(self, database: Database, consumer: str, channels: Sequence[str], lease_seconds: float) -> None:
        self.position = 0  # everything up to here is done, perhaps not yet written
        self.lease: Lease | None = None
        self.attend_at = 0.0  # when the lease has to be renewed or what is done to be written
        self._handled: int | None = None  # the last event that was handled and is not yet written
        self._letters: tuple[int, ...] = ()  # the letters
        self._consumer = consumer
        self._channels = channels
        self._database = database
        self._lease_seconds = lease_seconds
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._connection: asyncpg.Connection | None = None
        self._lease_until = 0.0

    @property
    def has_unwritten(self) -> bool:
        """Whether something was handled since it was last written."""
        return self._handled is not None or bool(self._letters)

    async def connection(self) -> asyncpg.Connection:
        """The connection for reading and for transactions; a database that is away is waited for."""
        while self._connection is None or self._connection.is_closed():
            await wait_until_ready(self._database, wait_seconds=math.inf)
            try:
                self._connection = await connect(
                    self._database,
                    purpose=f"reader:{self._consumer}",
                    # A frozen reader must not keep the locks of its transaction from the one that takes over.
                    idle_in_transaction_timeout=f"{self._lease_seconds}s",
                )
            except CONNECT_ERRORS as error:
                log.warning("events.not_connected", consumer=self._consumer, reason=reason_of(error))
                await asyncio.sleep(jittered(POLL_SECONDS))
        return self._connection

    async def is_alive(self) -> bool:
        """Whether the connection answers. One that has just been ended may not look closed yet."""
        if self._connection is None or self._connection.is_closed():
            return False
        try:
            await self._connection.fetchval("SELECT 1", timeout=CLOSE_SECONDS)
        except LOST:
            return False
        return True

    async def register(self, start_after: int | None) -> None:
        """Raises ConfigError if the database has no schema for it."""
        try:
            await leases.register(await self.connection(), self._consumer, self._channels, start_after)
        except asyncpg.UndefinedTableError as error:
            raise ConfigError(
                "The database has no table event_consumers: start the worker on it, or run `python -m worker migrate`."
            ) from error

    async def take_lease(self) -> Standing:
        """Waits until no other reader has it."""
        is_told = False
        while True:
            connection, asked_at = await self.connection(), time.monotonic()
            standing = await leases.take(connection, self._consumer, self._channels, self._holder, self._lease_seconds)
            if standing is not None:
                break
            if not is_told:
                is_told = True
                holder = await connection.fetchval(sql.LEASE_HOLDER, self._consumer)
                log.info("events.lease_awaited", consumer=self._consumer, holder=holder)
            await asyncio.sleep(jittered(min(self._lease_seconds / 4, POLL_SECONDS)))
        self.lease = standing.lease
        self.written(standing.position, asked_at)
        log.info("events.lease_taken", consumer=self._consumer, holder=self._holder, after=standing.position)
        return standing

    def settle(self, event_id: int, *, is_letter: bool) -> None:
        """An event is done; that will be written soon."""
        if self._handled is None and not self._letters:
            self.attend_at = min(self.attend_at, time.monotonic() + ACKNOWLEDGE_SECONDS)
        if is_letter:
            self._letters += (event_id,)
        else:
            self.position = self._handled = event_id

    def done_with(self, event_id: int, *, is_letter: bool) -> Done:
        """What is done once this event is."""
        if is_letter:
            return Done(self.position, self._handled, (*self._letters, event_id))
        return Done(event_id, event_id, self._letters)

    async def acknowledge(self) -> None:
        """Writes what is done, which renews the lease."""
        connection, lease, asked_at = await self.connection(), self.lease, time.monotonic()
        if lease is None:
            raise ReaderLeaseLostError(f"the lease of {self._consumer} is not held")
        position = await leases.acknowledge(connection, lease, Done(self.position, self._handled, self._letters))
        # Farther than this reader knows: a transaction's COMMIT came through and its answer did not.
        self.written(max(position, self.position), asked_at)

    def written(self, position: int, renewed_at: float) -> None:
        """All that is done is written, and the lease was renewed after `renewed_at`."""
        self.position, self._handled, self._letters = position, None, ()
        self._lease_until = max(self._lease_until, renewed_at + self._lease_seconds)
        self.attend_at = self._lease_until

    async def beat(self, connection: asyncpg.Connection) -> None:
        """Renews the lease whatever the handler is at, on the listener's connection."""
        lease, asked_at = self.lease, time.monotonic()
        if lease is None:
            await connection.fetchval("SELECT 1")
            return
        try:
            await leases.acknowledge(connection, lease, Done(self.position))
        except ReaderLeaseLostError:
            # The reader finds out by itself, before it hands over another event.
            if self.lease is lease:
                self._lease_until = self.attend_at = 0.0
            return
        if self.lease is lease:
            self._lease_until = max(self._lease_until, asked_at + self._lease_seconds)
            if not self.has_unwritten:
                self.attend_at = self._lease_until

    def lose_lease(self) -> None:
        log.warning("events.lease_lost", consumer=self._consumer, holder=self._holder)
        self.lease, self._lease_until, self.attend_at = None, 0.0, 0.0

    def lose_connection(self, error: BaseException) -> None:
        """Whether the lease is still held is the first thing to be asked on the next connection."""
        log.warning("events.connection_lost", consumer=self._consumer, reason=reason_of(error))
        self._lease_until = self.attend_at = 0.0
        if self._connection is not None:
            self._connection.terminate()

    async def release(self) -> None:
        """Writes what is done and lets the next reader in at once."""
        if self.lease is not None and await self.is_alive():
            await self.acknowledge()
            await leases.release(await self.connection(), self.lease)

    async def close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(*LOST):
                await self._connection.close(timeout=CLOSE_SECONDS)
