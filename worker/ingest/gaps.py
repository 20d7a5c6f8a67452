"""Keeps account of gaps: since when each is open and why, told when it opens and when it closes.

What is missing is always what coverage lacks; these rows only remember."""

from collections.abc import Sequence
from uuid import UUID

from asyncpg import Connection, Record

from worker import correlation
from worker.db.lease import begin
from worker.events.catalogue import Event, GapClosed, GapOpened
from worker.events.outbox import commit_events
from worker.ingest import statements as sql
from worker.ingest.coverage import Gap, find_gaps
from worker.words import GapOutcome, GapReason

_OPEN_GAPS = """
SELECT id, first_id, last_id FROM ingestion_gaps WHERE channel_id = $1 AND closed_at IS NULL ORDER BY first_id
"""

_OPEN_GAP = "INSERT INTO ingestion_gaps (channel_id, first_id, last_id, reason) VALUES ($1, $2, $3, $4)"

_CLOSE_GAP = "UPDATE ingestion_gaps SET closed_at = now(), outcome = $2 WHERE id = $1"

_CHANNELS_WITH_OPEN_GAPS = "SELECT DISTINCT channel_id FROM ingestion_gaps WHERE closed_at IS NULL"


async def account_for_gaps(
    connection: Connection, channel_id: int, newest: int, reason: GapReason, epoch: int | None
) -> list[Gap]:
    """The gaps of a channel up to its newest message, the newest first.

    Those that are new are opened, those that are gone closed."""
    await begin(connection, epoch)
    try:
        await connection.fetch(sql.LOCK_CHANNELS, [channel_id])
        gaps = await find_gaps(connection, {channel_id: newest})
        known = await connection.fetch(_OPEN_GAPS, channel_id)
        closed = [row for row in known if not any(_overlap(row, gap) for gap in gaps)]
        opened = [gap for gap in gaps if not any(_overlap(row, gap) for row in known)]
        events = [await _close(connection, channel_id, row, "fetched") for row in closed]
        events += [await _open(connection, gap, reason) for gap in opened]
        await commit_events(connection, events)
    except BaseException:
        await connection.execute("ROLLBACK")
        raise
    return gaps


async def give_up_gaps(connection: Connection, channel_id: int, epoch: int | None) -> None:
    """Closes the gaps of a channel that no longer exists or that the bot was removed from."""
    await begin(connection, epoch)
    try:
        await connection.fetch(sql.LOCK_CHANNELS, [channel_id])
        known = await connection.fetch(_OPEN_GAPS, channel_id)
        await commit_events(connection, [await _close(connection, channel_id, row, "unreachable") for row in known])
    except BaseException:
        await connection.execute("ROLLBACK")
        raise


async def channels_with_open_gaps(connection: Connection) -> Sequence[int]:
    return [row["channel_id"] for row in await connection.fetch(_CHANNELS_WITH_OPEN_GAPS)]


async def _open(connection: Connection, gap: Gap, reason: GapReason) -> Event:
    await connection.execute(_OPEN_GAP, *gap, reason)
    fact = GapOpened(
        channel_id=str(gap.channel_id), first_id=str(gap.first_id), last_id=str(gap.last_id), reason=reason
    )
    return Event(fact, _correlation_id(gap.channel_id, gap.first_id))


async def _close(connection: Connection, channel_id: int, row: Record, outcome: GapOutcome) -> Event:
    await connection.execute(_CLOSE_GAP, row["id"], outcome)
    fact = GapClosed(
        channel_id=str(channel_id), first_id=str(row["first_id"]), last_id=str(row["last_id"]), outcome=outcome
    )
    return Event(fact, _correlation_id(channel_id, row["first_id"]))


def _correlation_id(channel_id: int, first_id: int) -> UUID:
    return correlation.of_name(f"ingestion:gap:{channel_id}:{first_id}")


def _overlap(row: Record, gap: Gap) -> bool:
    return bool(row["first_id"] <= gap.last_id and gap.first_id <= row["last_id"])
