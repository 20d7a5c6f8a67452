"""The one session at a time that may change the schema."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
import structlog

from worker.db.connection import Database, connect
from worker.db.schema import MIGRATION_LOCK
from worker.exits import ConfigError, UnavailableError
from worker.failpoints import reach

POLL_SECONDS = (0.05, 0.15)
TELL_SECONDS = 10.0  # how often a wait is logged

LOST = (
    ConnectionError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
)

_HOLDER = """
SELECT a.pid, a.application_name, extract(epoch FROM now() - a.backend_start)::float8 AS session_age_seconds
FROM pg_locks AS l
JOIN pg_stat_activity AS a USING (pid)
JOIN pg_database AS d ON d.oid = l.database AND d.datname = current_database()
WHERE l.locktype = 'advisory' AND l.granted
    AND l.classid::bigint = $1::bigint >> 32 AND l.objid::bigint = $1::bigint & 4294967295 AND l.objsubid = 1
"""

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class MigrationLimits:
    """`budget_seconds` bounds a whole migration, waiting included; one wait for a table lock ends after the other."""

    budget_seconds: float
    lock_timeout_milliseconds: int


@dataclass(frozen=True, slots=True)
class MigrationSession:
    """A direct connection that holds the migration lock until it closes. `deadline` is on time.monotonic's clock."""

    database: Database
    connection: asyncpg.Connection
    limits: MigrationLimits
    deadline: float

    @property
    def seconds_left(self) -> float:
        return self.deadline - time.monotonic()


@asynccontextmanager
async def migration_session(database: Database, limits: MigrationLimits) -> AsyncIterator[MigrationSession]:
    """Waits for its turn and yields the session, whose end frees the lock.

    Raises UnavailableError when the budget ends first or the connection is lost, ConfigError when the database has no
    schema to work in."""
    connection = await connect(database, purpose="migrate")
    try:
        if await connection.fetchval("SELECT current_schema()") is None:
            raise ConfigError("The search_path of DATABASE_URL's user names no schema: create one, such as public.")
        # A killed migrator's session would else go on, and hold its locks, until its statement ends.
        await connection.execute("SET client_connection_check_interval = '1s'")
        # A limit that the user has for its queries is none for a migration, which has its budget.
        await connection.execute("SET statement_timeout = 0")
        session = MigrationSession(database, connection, limits, time.monotonic() + limits.budget_seconds)
        await _wait_for_turn(session)
        reach("migration.locked")
        yield session
    except LOST as error:
        raise UnavailableError(
            f"The connection to PostgreSQL was lost in mid-migration ({error}); what had begun is undone: start again."
        ) from error
    finally:
        if not connection.is_closed():
            await connection.close(timeout=10)


async def _wait_for_turn(session: MigrationSession) -> None:
    """Polls: CREATE INDEX CONCURRENTLY waits for every snapshot, and a session that waits for a lock holds one.

    With pg_advisory_lock the holder and those who wait for it would wait for each other."""
    tell_at = 0.0
    while not await session.connection.fetchval("SELECT pg_try_advisory_lock($1)", MIGRATION_LOCK):
        holders = [dict(row) for row in await session.connection.fetch(_HOLDER, MIGRATION_LOCK)]
        if session.seconds_left <= 0:
            raise UnavailableError(
                f"Another process has been migrating the database for {session.limits.budget_seconds:g} s "
                f"({holders}): wait for it or end it, or raise MIGRATION_BUDGET_SECONDS."
            )
        if time.monotonic() >= tell_at:
            tell_at = time.monotonic() + TELL_SECONDS
            log.info("migration.waiting", holders=holders)
        await asyncio.sleep(random.uniform(*POLL_SECONDS))  # noqa: S311
