"""One process ingests, the others stand by: a lease in the database decides.

The lease is a session's advisory lock. PostgreSQL frees it when the session ends: at once when its process dies, after
`idle_session_timeout` when the process is frozen or cut off and no longer renews. Every holder has a number, the epoch;
a transaction of the holder's is refused once another epoch has begun. An epoch begins after the transactions of the one
before have ended, or were ended, so nothing of theirs commits after it. A holder whose session broke keeps the epoch if
it gets the lock again before anybody else does."""

import asyncio
import os
import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg
import structlog

from worker.db.connection import Database, connect
from worker.db.failures import why_away
from worker.db.schema import INGEST_EPOCH_LOCK, INGEST_LEASE_LOCK, LEASE_LOST_STATE
from worker.failpoints import reach
from worker.faults import named
from worker.waiting import jittered

RENEWALS = 3  # a lease time
POLLS = 4  # a lease time, while another process holds it
ASK_SECONDS = 15  # for a session to be opened, which may take CONNECT_SECONDS, and to answer
EPOCH_SECONDS = 10  # for an epoch to begin
GRACE_SECONDS = 2  # in which the transactions of the epoch before may end by themselves

_TAKE = f"SELECT pg_try_advisory_lock({INGEST_LEASE_LOCK})"

# The lock is held by every transaction of the epoch that ends: waiting for it is waiting for them.
_BEGIN_EPOCH = f"""
BEGIN;
SET LOCAL lock_timeout = '{GRACE_SECONDS}s';
SELECT pg_advisory_xact_lock({INGEST_EPOCH_LOCK})
"""

_NEXT_EPOCH = "UPDATE ingest_lease SET epoch = epoch + 1, holder = $1, taken_at = clock_timestamp() RETURNING epoch"

_EPOCH = "SELECT epoch FROM ingest_lease"

# An advisory lock's key stands in two halves there.
_HOLDERS = """
SELECT pid FROM pg_locks
 WHERE locktype = 'advisory' AND objsubid = 1 AND granted AND (classid::bigint << 32 | objid::bigint) = $1
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""

_HOLDER = f"SELECT holder FROM ingest_lease WHERE EXISTS ({_HOLDERS})"  # noqa: S608  a constant of ours

_END_HOLDERS = f"SELECT pg_terminate_backend(pid) FROM ({_HOLDERS}) AS holder"  # noqa: S608  a constant of ours

# What a session can fail with. The server may be starting, stopping or out of reach; all of it passes.
_BROKEN = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

log = structlog.get_logger(__name__)


class LeaseLostError(Exception):
    """Another process ingests now: nothing may be written by this one."""


@asynccontextmanager
async def task_group() -> AsyncIterator[asyncio.TaskGroup]:
    """A TaskGroup that raises one fault instead of a group of them: LeaseLostError if it is among them."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except ExceptionGroup as faults:
        raise (faults.subgroup(LeaseLostError) or faults).exceptions[0] from faults


class Lease:
    """The right to ingest, held by a session of its own."""

    def __init__(self, database: Database, seconds: float) -> None:
        """`seconds` is how long a holder that no longer renews keeps it."""
        self.epoch = 0
        self._database = database
        self._seconds = seconds
        self._connection: asyncpg.Connection | None = None
        self._is_locked = False

    async def take(self, *, on_wait: Callable[[], None], on_broken: Callable[[str], None]) -> None:
        """Waits until the lease is ours; `on_wait` is called once if another process holds it.

        `on_broken` hears why that cannot be asked at present; once it can be again, `on_wait` is called again."""
        is_told = False
        while True:
            try:
                async with asyncio.timeout(ASK_SECONDS):
                    has_lock = await self._has_lock()
                if has_lock:
                    reach("lease.locked")
                    async with asyncio.timeout(EPOCH_SECONDS):
                        self.epoch = await self._begin_epoch()
                    reach("lease.taken")
                    break
                if not is_told:
                    is_told = True
                    on_wait()
            except _BROKEN as error:
                self._broken(error)
                is_told = False
                on_broken(why_away(error))
            await asyncio.sleep(jittered(self._seconds / POLLS))
        log.info("lease.taken", epoch=self.epoch)

    async def lost(self, *, on_broken: Callable[[str], None], on_kept: Callable[[], None]) -> None:
        """Renews the lease; returns when another epoch has begun.

        `on_broken` hears why it cannot be renewed at present, `on_kept` that it is renewed."""
        while True:
            await asyncio.sleep(self._seconds / RENEWALS * random.uniform(0.8, 1.0))  # noqa: S311
            try:
                async with asyncio.timeout(self._seconds):
                    holds = await self._has_lock()
                    epoch = await self._connected.fetchval(_EPOCH)
            except _BROKEN as error:
                self._broken(error)
                on_broken(why_away(error))
                continue
            if epoch != self.epoch:
                log.error("lease.lost", epoch=self.epoch, reason=f"epoch {epoch} has begun")
                return
            if holds:
                reach("lease.renewed")
                on_kept()

    def release(self) -> None:
        """Ends the session, and with it the lock, without waiting for an answer."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    @property
    def _connected(self) -> asyncpg.Connection:
        if self._connection is None:
            raise asyncpg.InterfaceError("the session of the lease is gone")
        return self._connection

    async def _has_lock(self) -> bool:
        """Whether the lock is held by our session, which is opened and asks for the lock where it does not have it."""
        if self._connection is None:
            # In a transaction the session is not idle, and one that freezes as it begins an epoch keeps both locks.
            self._connection = await connect(
                self._database, purpose="lease", idle_in_transaction_timeout=f"{GRACE_SECONDS}s"
            )
            await self._connection.execute(f"SET idle_session_timeout = {round(self._seconds * 1000)}")
            self._is_locked = False
        if not self._is_locked:
            self._is_locked = bool(await self._connection.fetchval(_TAKE))
        return self._is_locked

    async def _begin_epoch(self) -> int:
        connection = self._connected
        try:
            await connection.execute(_BEGIN_EPOCH)
        except asyncpg.LockNotAvailableError:
            # Such as that of a process that froze, or was cut off, while the server was waiting for rows of COPY: to
            # the server such a session is not idle, however long it takes.
            await connection.execute("ROLLBACK")
            ended = await connection.fetch(_END_HOLDERS, INGEST_EPOCH_LOCK)
            log.warning("lease.transactions_ended", number=len(ended))
            await connection.execute(_BEGIN_EPOCH)
        epoch: int = await connection.fetchval(_NEXT_EPOCH, f"{socket.gethostname()}:{os.getpid()}")
        await connection.execute("COMMIT")
        return epoch

    def _broken(self, error: Exception) -> None:
        log.warning("lease.session_broken", epoch=self.epoch, reason=named(error))
        self.release()


@asynccontextmanager
async def held_lease(
    database: Database, *, seconds: float, on_wait: Callable[[], None], on_broken: Callable[[str], None]
) -> AsyncIterator[Lease]:
    """Waits as Lease.take does until the lease is ours, and holds it until the block ends or it is lost."""
    lease = Lease(database, seconds)
    try:
        await lease.take(on_wait=on_wait, on_broken=on_broken)
        yield lease
    finally:
        lease.release()


async def find_holder(connection: asyncpg.Connection) -> str | None:
    """The host and the process that ingest into the database, such as `trading:4711`; None: none does."""
    holder: str | None = await connection.fetchval(_HOLDER, INGEST_LEASE_LOCK)
    return holder


async def begin(connection: asyncpg.Connection, epoch: int | None, *, then: str = "") -> str:
    """Begins a transaction that only the holder of that epoch may commit; None is for writers outside the lease.

    `then` are statements that go in the same round trip; returns the status of the last one. Raises LeaseLostError when
    another epoch has begun."""
    statements = ["BEGIN", "" if epoch is None else f"SELECT hold_ingest_epoch({epoch:d})", then]
    try:
        return str(await connection.execute("; ".join(filter(None, statements))))
    except asyncpg.PostgresError as error:
        if error.sqlstate == LEASE_LOST_STATE:
            await connection.execute("ROLLBACK")
            raise LeaseLostError(f"epoch {epoch} is over") from None
        raise


@asynccontextmanager
async def transaction(connection: asyncpg.Connection, epoch: int | None, *, then: str = "") -> AsyncIterator[None]:
    """Begins as `begin` does, and commits unless the block ended the transaction itself; rolls back if it raises.

    Raises LeaseLostError."""
    try:
        await begin(connection, epoch, then=then)
        yield
        if connection.is_in_transaction():
            await connection.execute("COMMIT")
    except BaseException:
        # A session that broke has rolled back already; to ask it would hide why it broke.
        if not connection.is_closed() and connection.is_in_transaction():
            await connection.execute("ROLLBACK")
        raise
