"""Each applied or reverted revision: recorded in its own transaction, told as an event afterwards.

Told in that transaction, the event would wait for the lock that orders events while holding table locks that a live
writer, who has the order lock, waits for.
"""

from operator import itemgetter

import asyncpg

from worker.correlation import of_name
from worker.db.connection import Database, connect
from worker.db.migration.state import read_state
from worker.events.catalogue import Event, SchemaMigrated
from worker.events.outbox import commit_events

_TAKE_UNTOLD = """
UPDATE migration_runs
SET is_told = true
WHERE NOT is_told
RETURNING id, revision, direction, duration_milliseconds, applied_by
"""


async def tell_runs(database: Database) -> None:
    """Writes `schema.migrated` for every run that has none yet, once for each, whoever else does so at the same time.

    Where there are no events, because the schema was taken back to before them, the runs wait for their return."""
    connection = await connect(database, purpose="migrate-events", idle_in_transaction_timeout="2s")
    try:
        state = await read_state(connection)
        if state.has_untold_runs and state.is_ordered:
            await _tell(connection)
    finally:
        await connection.close()


async def _tell(connection: asyncpg.Connection) -> None:
    await connection.execute("BEGIN")
    runs = sorted(await connection.fetch(_TAKE_UNTOLD), key=itemgetter("id"))
    await commit_events(connection, [Event(_fact(run), of_name(f"schema:migrated:{run['id']}")) for run in runs])


def _fact(run: asyncpg.Record) -> SchemaMigrated:
    return SchemaMigrated(
        revision=run["revision"],
        direction=run["direction"],
        duration_milliseconds=run["duration_milliseconds"],
        applied_by=run["applied_by"],
    )
