"""Logs who stands in a session's way while it waits for a lock."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg
import structlog

from worker.db.connection import Database, connect
from worker.db.failures import CONNECT_ERRORS

WATCH_SECONDS = 0.05  # below the shortest lock_timeout, or a wait would be over before it is seen
TELL_SECONDS = 5.0  # how often the same blocker is logged

# Times, never a query's text: it can hold values. A prepared transaction that blocks has process 0 and no session.
# Without the asking session: its snapshot is one that CREATE INDEX CONCURRENTLY waits for, as long as this query takes.
_BLOCKERS = """
SELECT
    blocker.pid,
    a.application_name,
    a.state,
    round(extract(epoch FROM now() - a.query_start), 3)::float8 AS query_age_seconds,
    round(extract(epoch FROM now() - a.xact_start), 3)::float8 AS transaction_age_seconds
FROM pg_stat_activity AS waiting
CROSS JOIN LATERAL unnest(pg_blocking_pids(waiting.pid)) AS blocker (pid)
LEFT JOIN pg_stat_activity AS a ON a.pid = blocker.pid
WHERE waiting.pid = $1 AND waiting.wait_event_type = 'Lock' AND blocker.pid <> pg_backend_pid()
"""

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@asynccontextmanager
async def watch_blockers(database: Database, process_id: int) -> AsyncIterator[None]:
    """Looks, by a connection of its own, at the server process `process_id` for as long as the block lasts."""
    watcher = asyncio.create_task(_watch(database, process_id))
    try:
        yield
    finally:
        watcher.cancel()
        with suppress(asyncio.CancelledError):
            await watcher


async def _watch(database: Database, process_id: int) -> None:
    try:
        connection = await connect(database, purpose="migrate-watch")
        try:
            await tell_blockers(connection, process_id)
        finally:
            connection.terminate()
    except CONNECT_ERRORS as error:
        # Without it the work goes on; only the log cannot say who is in the way.
        log.warning("migration.not_watched", reason=str(error))


async def tell_blockers(connection: asyncpg.Connection, process_id: int) -> None:
    """Logs, until it is cancelled, each session that keeps the server process `process_id` waiting."""
    tell_at: dict[int, float] = {}
    while True:
        for row in await connection.fetch(_BLOCKERS, process_id):
            if time.monotonic() >= tell_at.get(row["pid"], 0):
                tell_at[row["pid"]] = time.monotonic() + TELL_SECONDS
                log.warning("migration.blocked", **dict(row))
        await asyncio.sleep(WATCH_SECONDS)
