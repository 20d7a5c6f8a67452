"""The two sessions of an import: one reads the old tables, one writes what they become."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg
from asyncpg import Connection

from worker.db.connection import Database, connected
from worker.db.dsn import normalise
from worker.db.failures import CONNECT_ERRORS, explain
from worker.db.schema import IMPORT_LOCK
from worker.legacy.catalogue import FoundTable
from worker.legacy.ending import PreflightError
from worker.legacy.old_rows import set_spelling

# A stalled import must not hold a channel that a live worker writes to. The lock that orders events it never holds
# while it computes, so on a busy machine it may take its time.
TRANSACTION_TIMEOUT = "10s"
TABLE_LOCK_MILLISECONDS = 2000  # how long the old tables' lock is waited for: those who write wait behind it
TURN_ATTEMPTS, TURN_PAUSE_SECONDS = 50, 0.2  # a killed import's session ends within a second
OLDEST_SOURCE = 110000  # server_version_num; hashtextextended is from 11

_HOLDS_OUR_LOCK = """
SELECT EXISTS (
    SELECT FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database AND d.datname = current_database()
     WHERE l.locktype = 'advisory' AND l.pid = $2
       AND l.classid::bigint = $1::bigint >> 32 AND l.objid::bigint = $1::bigint & 4294967295)
"""


@asynccontextmanager
async def writing_session(database: Database) -> AsyncIterator[Connection]:
    """A session that no other import has beside it. Raises PreflightError if there is one."""
    async with connected(
        database, purpose="legacy-import", idle_in_transaction_timeout=TRANSACTION_TIMEOUT
    ) as connection:
        await connection.execute("SET client_connection_check_interval = '1s'; SET statement_timeout = 0")
        for _ in range(TURN_ATTEMPTS):
            if await connection.fetchval("SELECT pg_try_advisory_lock($1)", IMPORT_LOCK):
                break
            await asyncio.sleep(TURN_PAUSE_SECONDS)
        else:
            raise PreflightError("Another import into this database is going on: wait for it, or end it.")
        yield connection


@asynccontextmanager
async def reading_session(database: Database, source: str | None, writer: Connection) -> AsyncIterator[Connection]:
    """A session in the database that the old tables lie in: at the URL `source`, or the worker's own.

    Raises PreflightError if it cannot be reached, is too old, or is the worker's own after all."""
    dsn = normalise(source, "--source") if source else database.direct_dsn
    try:
        async with connected(Database(dsn, dsn), purpose="legacy-read") as connection:
            await set_spelling(connection)
            if source:
                await _check_source(connection, writer)
            yield connection
    except CONNECT_ERRORS as error:
        if writer.is_closed() or not source:
            raise
        raise PreflightError(f"The old tables cannot be read: {explain(error, dsn, '--source')}") from error


async def _check_source(connection: Connection, writer: Connection) -> None:
    version = int(await connection.fetchval("SHOW server_version_num"))
    if version < OLDEST_SOURCE:
        raise PreflightError(f"--source has PostgreSQL {version // 10_000}: restore the dump into 11 or newer.")
    if await connection.fetchval(_HOLDS_OUR_LOCK, IMPORT_LOCK, writer.get_server_pid()):
        raise PreflightError("--source is the worker's own database: leave it out.")


async def begin_reading(connection: Connection, tables: Sequence[FoundTable], *, execute: bool) -> None:
    """Begins the transaction that reads. Executing, nobody may change the old tables until it ends; a dry run takes no
    lock that anybody could feel, and reads what was there when it began.

    Raises PreflightError if the lock is not to be had."""
    if not execute:
        await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return
    await connection.execute(f"BEGIN; SET LOCAL lock_timeout = {TABLE_LOCK_MILLISECONDS}")
    names = ", ".join(table.relation for table in tables)
    try:
        if names:
            await connection.execute(f"LOCK TABLE {names} IN SHARE MODE")
    except asyncpg.LockNotAvailableError:
        raise PreflightError(
            f"Something is writing to the old tables ({names}): stop the former application and try again."
        ) from None
    except asyncpg.InsufficientPrivilegeError:
        raise PreflightError(
            f"The user may not lock the old tables ({names}): use their owner, or GRANT UPDATE on them."
        ) from None
    except asyncpg.ObjectNotInPrerequisiteStateError:
        raise PreflightError("--source is a standby, where nothing can be locked: use its primary.") from None
