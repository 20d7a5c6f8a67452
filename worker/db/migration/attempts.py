"""Runs Alembic on a migration session: in short attempts, until nobody is in the way or the budget is used up.

A statement that waits for a table's lock makes every reader behind it wait too, so it gives up soon and comes again.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg
import structlog
from sqlalchemy import Connection, NullPool
from sqlalchemy.exc import DBAPIError, PendingRollbackError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from worker.db.migration.blockers import watch_blockers
from worker.db.migration.recorder import RunRecorder
from worker.db.migration.session import MigrationSession
from worker.exits import ConfigError, RefusedError, UnavailableError
from worker.waiting import Backoff

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.05, 2.0

# SQLSTATEs (PostgreSQL's errcodes)
LOCK_NOT_AVAILABLE, DEADLOCK_DETECTED = "55P03", "40P01"
INSUFFICIENT_PRIVILEGE, RAISED_BY_A_REVISION = "42501", "P0001"

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


async def run_attempts(session: MigrationSession, run: Callable[[Connection, RunRecorder], None]) -> tuple[str, ...]:
    """Calls `run`, which is to go on where the database stands, until it ends; returns the revisions that it applied.

    Raises UnavailableError when the budget is used up, RefusedError when the database's user may not do what a revision
    does, ConfigError when a revision says why it cannot be applied, ConnectionError when the session is lost."""
    recorder = RunRecorder()
    process_id = session.connection.get_server_pid()
    async with watch_blockers(session.database, process_id), alchemy(session.connection) as connection:
        retry = Backoff(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
        while True:
            await session.connection.execute(f"SET lock_timeout = {session.limits.lock_timeout_milliseconds}")
            recorder.begin_attempt()
            try:
                async with asyncio.timeout(session.seconds_left):
                    await _attempt(connection, run, recorder)
            except TimeoutError as error:
                raise _out_of_budget(session) from error
            except DBAPIError as error:
                _raise_unless_passing(error, session)
                await connection.rollback()
            else:
                return tuple(recorder.applied)
            pause = retry.next()
            log.info("migration.retry", seconds_left=round(session.seconds_left, 1), pause_seconds=round(pause, 2))
            await asyncio.sleep(pause)


async def _attempt(
    connection: AsyncConnection, run: Callable[[Connection, RunRecorder], None], recorder: RunRecorder
) -> None:
    task = asyncio.current_task()
    try:
        await connection.run_sync(run, recorder)
    except PendingRollbackError as error:
        # Alembic commits at the end of an autocommit block whatever happened, which hides that it was cancelled.
        if task and task.cancelling():
            raise asyncio.CancelledError from error
        raise


@asynccontextmanager
async def alchemy(connection: asyncpg.Connection) -> AsyncIterator[AsyncConnection]:
    """SQLAlchemy's view of an open asyncpg connection, which it closes at the end."""

    async def creator() -> asyncpg.Connection:
        return connection

    engine = create_async_engine("postgresql+asyncpg://", poolclass=NullPool, async_creator=creator)
    try:
        async with engine.connect() as wrapped:
            yield wrapped
    finally:
        await engine.dispose()


def _raise_unless_passing(error: DBAPIError, session: MigrationSession) -> None:
    code = getattr(error.orig, "sqlstate", None)
    if code in {LOCK_NOT_AVAILABLE, DEADLOCK_DETECTED}:
        if session.seconds_left > 0:
            return
        raise _out_of_budget(session) from error
    if code == INSUFFICIENT_PRIVILEGE:
        raise RefusedError(
            f"The user of DATABASE_URL may not change the schema ({_message(error)}): make it the owner of the schema "
            "and of what is to be renamed."
        ) from error
    if code == RAISED_BY_A_REVISION:
        raise ConfigError(_message(error)) from error
    if session.connection.is_closed():
        raise ConnectionError(_message(error)) from error
    raise error


def _out_of_budget(session: MigrationSession) -> UnavailableError:
    return UnavailableError(
        f"The migration did not finish in {session.limits.budget_seconds:g} s: the log names the sessions in its way "
        "(migration.blocked); end them, or raise MIGRATION_BUDGET_SECONDS."
    )


def _message(error: DBAPIError) -> str:
    """The server's words, without those that SQLAlchemy adds."""
    cause = error.orig.__cause__ if error.orig else None
    return " ".join(str(cause or error.orig).split())
