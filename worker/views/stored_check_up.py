"""What the worker needs of its database and this machine: schema, who ingests, how far behind, disk."""

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from asyncpg import Connection

from worker.db.lease import find_holder
from worker.db.migration.state import Position, assess, read_state
from worker.db.schema import HEAD
from worker.findings import Finding
from worker.ingest.gaps import open_gaps

LEAST_FREE_BYTES = 1 << 30
LATE = timedelta(minutes=1)  # from a message's posting to its receipt over the gateway
START = "Start one with `run`."

_CLOCK = "SELECT clock_timestamp()"

_LAST_LIVE = """
SELECT received_at - posted_at AS delay, greatest(clock_timestamp() - received_at, '0') AS age
  FROM discord_messages
 WHERE origin = 'live' AND revision > 0 ORDER BY message_id DESC LIMIT 1
"""


async def check_database(connection: Connection) -> list[Finding]:
    """Raises as worker.db.migration.state.assess does."""
    holder = await find_holder(connection)
    return [
        await _schema(connection),
        _ingester(holder),
        await _gaps(connection),
        await _lag(connection, is_ingesting=holder is not None),
        await _clock(connection),
    ]


async def _schema(connection: Connection) -> Finding:
    """Whoever looks has migrated, so that what may not be used, or is behind, never comes this far."""
    state = await read_state(connection)
    newer = f", newer than this code's {HEAD}, which may run on it" if assess(state) is Position.NEWER else ""
    return Finding("schema", "fine", f"revision {', '.join(state.revisions)}{newer}")


def _ingester(holder: str | None) -> Finding:
    if holder is None:
        return Finding("worker", "wrong", "no worker ingests", START)
    return Finding("worker", "fine", f"{holder} ingests")


async def _gaps(connection: Connection) -> Finding:
    gaps = await open_gaps(connection)
    if not gaps:
        return Finding("gaps", "fine", "none is open")
    oldest = min(gap.opened_at for gap in gaps)
    return Finding("gaps", "wrong", f"{len(gaps)} open, the oldest since {oldest:%Y-%m-%d %H:%M} UTC", "See `status`.")


async def _lag(connection: Connection, *, is_ingesting: bool) -> Finding:
    """A quiet channel has no newer message either, so the age of the newest one alone is no fault."""
    row = await connection.fetchrow(_LAST_LIVE)
    said = "no message came over the gateway yet"
    if row is not None:
        age, delay = timedelta(seconds=round(row["age"].total_seconds())), row["delay"].total_seconds()
        said = f"the newest message came {age} ago, {delay:.1f} s after it was posted"
    if not is_ingesting:
        return Finding("lag", "wrong", f"{said}; nothing comes in without a worker", START)
    if row is None:
        return Finding("lag", "unknown", said)
    if row["delay"] <= LATE:
        return Finding("lag", "fine", said)
    return Finding("lag", "wrong", said, "See the log for ingest.write_retried and gateway.lost.")


async def _clock(connection: Connection) -> Finding:
    off = abs((datetime.now(UTC) - await connection.fetchval(_CLOCK)).total_seconds())
    if off < 5:
        return Finding("database's clock", "fine", "it agrees with this machine")
    return Finding(
        "database's clock", "wrong", f"it differs from this machine by {off:.0f} s", "Let NTP set the clocks."
    )


def check_disk(folder: Path) -> Finding:
    """`folder` is where the embedded server keeps its data, or will keep it."""
    # Path.exists raises where a folder above may not be entered.
    there = next(one for one in (folder.absolute(), *folder.absolute().parents) if os.path.exists(one))  # noqa: PTH110
    free = shutil.disk_usage(there).free
    said = f"{free / (1 << 30):.1f} GiB free at {folder}"
    if free >= LEAST_FREE_BYTES:
        return Finding("disk", "fine", said)
    return Finding("disk", "wrong", said, "Make room, or move DATA_DIRECTORY.")
