"""Removes events past their retention, oldest first, in batches that no writer has to wait for.

It goes by id: imported history has negative ids and is left alone. Ids come in commit order, so that what is cut is
always a beginning. It ends before the first event that a consumer has not dealt with, unless it is told to go on."""

import asyncio

import structlog
from asyncpg import Connection

from worker import metrics
from worker.db.lease import transaction

BATCH = 1000  # events a statement
PAUSE_SECONDS = 0.05  # between two batches

# created_at is when a transaction began, so a long one can leave an older time behind a newer one. The batch ends
# before the first event that has to stay.
REMOVE_OLDEST = """
WITH oldest AS (
  SELECT id, created_at < now() - make_interval(days => $1)
             AND ($3 OR NOT EXISTS (SELECT FROM event_consumers WHERE position < id)) AS is_due
    FROM events
   WHERE id > 0
   ORDER BY id
   LIMIT $2
), kept AS (
  SELECT min(id) AS id FROM oldest WHERE NOT is_due
), removed AS (
  DELETE FROM events
   WHERE id IN (SELECT oldest.id FROM oldest, kept WHERE kept.id IS NULL OR oldest.id < kept.id)
  RETURNING id
)
SELECT count(*) AS events, max(id) AS up_to FROM removed
"""

# What only tells about events that are gone.
_REMOVE_ACKNOWLEDGEMENTS = (
    "DELETE FROM event_acknowledgements WHERE acknowledged_at < now() - make_interval(days => $1)"
)
_REMOVE_TAKEN_LETTERS = (
    "DELETE FROM event_letters WHERE state = 'taken' AND changed_at < now() - make_interval(days => $1)"
)

_BEHIND = "SELECT name FROM event_consumers WHERE position < $1 ORDER BY name"

_OVERDUE = """
SELECT id FROM events WHERE id > 0 AND created_at < now() - make_interval(days => $1) ORDER BY id LIMIT 1
"""

log = structlog.get_logger(__name__)


async def remove_old_events(
    connection: Connection, *, days: int, past_consumers: bool = False, epoch: int | None = None
) -> int:
    """Removes what is older than so many days; returns how many events that were.

    `past_consumers`: also what a consumer has still to read, which is logged.
    Raises LeaseLostError as worker.db.lease.begin does."""
    removed, up_to = 0, 0
    while True:
        async with transaction(connection, epoch):
            batch = await connection.fetchrow(REMOVE_OLDEST, days, BATCH, past_consumers)
        if batch is None or not batch["events"]:
            break
        removed, up_to = removed + batch["events"], batch["up_to"]
        metrics.EVENTS_REMOVED.inc(batch["events"])
        if batch["events"] < BATCH:
            break
        await asyncio.sleep(PAUSE_SECONDS)
    async with transaction(connection, epoch):
        await connection.execute(_REMOVE_ACKNOWLEDGEMENTS, days)
        await connection.execute(_REMOVE_TAKEN_LETTERS, days)
    log.info("events.retention", removed=removed, days=days)
    if past_consumers and (lost := await _behind(connection, up_to)):
        log.warning("events.retention_past_consumers", consumers=lost, up_to=up_to)
    overdue = await connection.fetchval(_OVERDUE, days)
    if overdue is not None and (holding := await _behind(connection, overdue)):
        log.warning("events.retention_held", consumers=holding, from_id=overdue)
    return removed


async def _behind(connection: Connection, event_id: int) -> list[str]:
    """The consumers that have not come as far as this event."""
    return [row["name"] for row in await connection.fetch(_BEHIND, event_id)]
