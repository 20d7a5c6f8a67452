"""Removes events past their retention, oldest first, in batches that no writer has to wait for.

It goes by id: imported history has negative ids and is left alone. Ids come in commit order, so that what is cut is
always a beginning."""

import asyncio

import structlog
from asyncpg import Connection

from worker import metrics
from worker.db.lease import begin

BATCH = 1000  # events a statement
PAUSE_SECONDS = 0.05  # between two batches

# created_at is when a transaction began, so a long one can leave an older time behind a newer one. The batch ends
# before the first event that has to stay.
_REMOVE_OLDEST = """
WITH oldest AS (
  SELECT id, created_at < now() - make_interval(days => $1) AS is_due FROM events WHERE id > 0 ORDER BY id LIMIT $2
), kept AS (
  SELECT min(id) AS id FROM oldest WHERE NOT is_due
)
DELETE FROM events WHERE id IN (SELECT oldest.id FROM oldest, kept WHERE kept.id IS NULL OR oldest.id < kept.id)
"""

log = structlog.get_logger(__name__)


async def remove_old_events(connection: Connection, *, days: int, epoch: int | None = None) -> int:
    """Removes what is older than so many days; returns how many events that were.

    Raises LeaseLostError as worker.db.lease.begin does."""
    removed = 0
    while True:
        await begin(connection, epoch)
        status = await connection.execute(_REMOVE_OLDEST, days, BATCH)
        await connection.execute("COMMIT")
        batch = int(status.rpartition(" ")[2])
        removed += batch
        metrics.EVENTS_REMOVED.inc(batch)
        if batch < BATCH:
            break
        await asyncio.sleep(PAUSE_SECONDS)
    log.info("events.retention", removed=removed, days=days)
    return removed
