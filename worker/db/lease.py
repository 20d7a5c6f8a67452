"""One process ingests, the others stand by: a lease in the database decides.

The lease is a session's advisory lock. PostgreSQL frees it when the session ends: at once when its process dies, after
`idle_session_timeout` when the process is frozen or cut off and no longer renews. Every holder has a number, the epoch;
a writer's transaction is refused unless its epoch is the present one. Taking the lease waits for the transactions of
the holder before, so nothing of theirs commits after it."""

import asyncio
import os
import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg
import structlog

from worker.db.connection import Database, connect
from worker.db.failures import CONNECT_ERRORS
from worker.db.schema import INGEST_EPOCH_LOCK, INGEST_LEASE_LOCK, LEASE_LOST_STATE

RENEWALS = 3  # a lease time
POLLS = 4  # a lease time, while another process holds it

_TAKE = f"SELECT pg_try_advisory_lock({INGEST_LEASE_LOCK})"

# The lock is held by every transaction of the epoch that ends: waiting for it is waiting for them.
_BEGIN_EPOCH = f"""
BEGIN;
SELECT pg_advisory_xact_lock({INGEST_EPOCH_LOCK})
"""

_NEXT_EPOCH = "UPDATE ingest_lease SET epoch = epoch + 1, holder = $1, taken_at = clock_timestamp() RETURNING epoch"

LOST = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)

log = structlog.get_logger(__name__)


class LeaseLostError(Exception):
    """Another process ingests now, or may: nothing may be written by this one."""


class Lease:
    """Held until `lost` returns."""

    def __init__(self, connection: asyncpg.Connection, epoch: int, seconds: float) -> None:
        self.epoch = epoch
        self._connection = connection
        self._seconds = seconds

    async def lost(self) -> None:
        """Renews the lease for ever; returns when that fails."""
        while True:
            await asyncio.sleep(self._seconds / RENEWALS)
            try:
                async with asyncio.timeout(self._seconds / RENEWALS):
                    epoch = await self._connection.fetchval("SELECT epoch FROM ingest_lease")
            except LOST as error:
                log.error("lease.lost", epoch=self.epoch, reason=f"{type(error).__name__}: {error}")
                return
            if epoch != self.epoch:
                log.error("lease.lost", epoch=self.epoch, reason=f"epoch {epoch} has begun")
                return


@asynccontextmanager
async def held_lease(database: Database, *, seconds: float, on_wait: Callable[[], None]) -> AsyncIterator[Lease]:
    """Waits until the lease is ours, then holds it for as long as the block lasts or until it is lost.

    `on_wait` is called once if another process holds it."""
    connection, waited = None, False
    try:
        while True:
            try:
                if connection is None:
                    connection = await _session(database, seconds)
                if await connection.fetchval(_TAKE):
                    break
            except CONNECT_ERRORS as error:
                log.warning("lease.unreachable", reason=f"{type(error).__name__}: {error}")
                _drop(connection)
                connection = None
            if not waited:
                waited = True
                on_wait()
            await asyncio.sleep(seconds / POLLS * random.uniform(0.5, 1.5))  # noqa: S311
        epoch = await _begin_epoch(connection)
        log.info("lease.taken", epoch=epoch)
        yield Lease(connection, epoch, seconds)
    finally:
        # Ends the session, and with it the lock, without waiting for an answer.
        _drop(connection)


async def begin(connection: asyncpg.Connection, epoch: int | None) -> None:
    """Begins a transaction that only the holder of that epoch may commit; None is for writers outside the lease.

    Raises LeaseLostError when another epoch has begun."""
    if epoch is None:
        await connection.execute("BEGIN")
        return
    try:
        await connection.execute(f"BEGIN; SELECT hold_ingest_epoch({epoch:d})")
    except asyncpg.PostgresError as error:
        if error.sqlstate == LEASE_LOST_STATE:
            raise LeaseLostError(f"epoch {epoch} is over") from None
        raise


async def _session(database: Database, seconds: float) -> asyncpg.Connection:
    connection = await connect(database, purpose="lease")
    await connection.execute(f"SET idle_session_timeout = {round(seconds * 1000)}")
    return connection


async def _begin_epoch(connection: asyncpg.Connection) -> int:
    await connection.execute(_BEGIN_EPOCH)
    epoch: int = await connection.fetchval(_NEXT_EPOCH, f"{socket.gethostname()}:{os.getpid()}")
    await connection.execute("COMMIT")
    return epoch


def _drop(connection: asyncpg.Connection | None) -> None:
    if connection is not None:
        connection.terminate()
