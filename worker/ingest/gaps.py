"""Keeps account of gaps: since when each is open and why, told when it opens and when it closes.

What is missing is always what coverage lacks; these rows only remember."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from asyncpg import Connection, Record

from worker import correlation, metrics
from worker.db.lease import transaction
from worker.events.catalogue import Event, GapClosed, GapOpened
from worker.events.outbox import commit_events
from worker.ingest import statements as sql
from worker.ingest.coverage import Gap, find_gaps
from worker.words import GapOutcome, GapReason

_OPEN_OF_CHANNELS = """
SELECT g.id, g.channel_id, g.first_id, g.last_id, c.covered @> int8range(g.first_id, g.last_id, '[]') AS is_covered
  FROM ingestion_gaps g JOIN discord_channels c USING (channel_id)
 WHERE g.channel_id = ANY($1::bigint[]) AND g.closed_at IS NULL ORDER BY g.channel_id, g.first_id
"""

_OPEN_GAP = "INSERT INTO ingestion_gaps (channel_id, first_id, last_id, reason) VALUES ($1, $2, $3, $4)"

_CLOSE_GAP = "UPDATE ingestion_gaps SET closed_at = now(), outcome = $2 WHERE id = $1"

_OPEN = """
SELECT g.channel_id, g.first_id, g.last_id, g.reason, g.opened_at, c.permission_state = 'missing' AS is_forbidden,
       coalesce((SELECT sum(upper(part) - lower(part))
                   FROM unnest(int8multirange(int8range(g.first_id, g.last_id + 1)) - c.covered) AS part), 0)::bigint
       AS missing
  FROM ingestion_gaps g JOIN discord_channels c USING (channel_id)
 WHERE g.closed_at IS NULL
 ORDER BY g.channel_id, g.last_id DESC
"""

_REACHABLE = """
SELECT channel_id FROM discord_channels WHERE channel_id = ANY($1::bigint[]) AND unreachable_since IS NULL
"""

# What hangs on a channel is gone with it.
_LOCK_GONE = """
SELECT channel_id FROM discord_channels
 WHERE channel_id = ANY($1::bigint[]) OR parent_id = ANY($1::bigint[])
 ORDER BY channel_id FOR NO KEY UPDATE
"""

# Should the bot be let in again, all archived threads are looked for: those whose gaps are closed here too.
_SET_UNREACHABLE = """
UPDATE discord_channels SET unreachable_since = now(), threads_checked_at = NULL
 WHERE channel_id = ANY($1::bigint[]) AND unreachable_since IS NULL
RETURNING channel_id
"""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class OpenGap:
    """A gap as it was found, with how many of its ids `missing` still are; ids count time, not messages."""

    channel_id: int
    first_id: int
    last_id: int
    reason: GapReason
    opened_at: datetime
    is_forbidden: bool  # the bot may not read the channel's history
    missing: int

    @property
    def fetched(self) -> float:
        """The part that is no longer missing, from 0 to 1."""
        return 1 - self.missing / (self.last_id + 1 - self.first_id)

    def seconds_left(self, now: datetime) -> float | None:
        """None while nothing is fetched, or nothing may be."""
        if self.is_forbidden or not self.fetched:
            return None
        return (now - self.opened_at).total_seconds() * (1 - self.fetched) / self.fetched


async def account_for_gaps(
    connection: Connection, newest: Mapping[int, int], reason: GapReason, epoch: int | None
) -> dict[int, list[Gap]]:
    """The gaps of channels up to the newest message of each, the newest gap of a channel first; what is missing of a
    channel that is gone is none.

    Those that are new are opened, those that are filled closed. Raises LeaseLostError."""
    reachable = {row["channel_id"] for row in await connection.fetch(_REACHABLE, list(newest))}
    gaps: dict[int, list[Gap]] = {}
    for gap in await find_gaps(connection, {channel_id: newest[channel_id] for channel_id in reachable}):
        gaps.setdefault(gap.channel_id, []).append(gap)
    opened = {row.channel_id for row in await open_gaps(connection)}
    for channel_id in sorted(gaps.keys() | (opened & reachable)):
        gaps[channel_id] = await _account_for_channel(connection, channel_id, newest[channel_id], reason, epoch)
    await _show_open_gaps(connection)
    return {channel_id: found for channel_id, found in gaps.items() if found}


async def _account_for_channel(
    connection: Connection, channel_id: int, newest: int, reason: GapReason, epoch: int | None
) -> list[Gap]:
    async with transaction(connection, epoch):
        await connection.fetch(sql.LOCK_CHANNELS, [channel_id])
        gaps = await find_gaps(connection, {channel_id: newest})
        known = await connection.fetch(_OPEN_OF_CHANNELS, [channel_id])
        closed = [row for row in known if not any(_overlap(row, gap) for gap in gaps)]
        opened = [gap for gap in gaps if not any(_overlap(row, gap) for row in known)]
        # What is missing of it and asked for no longer was cancelled.
        events = [await _close(connection, row, "fetched" if row["is_covered"] else "cancelled") for row in closed]
        events += [await _open(connection, gap, reason) for gap in opened]
        await commit_events(connection, events)
    return gaps


async def give_up_gaps(connection: Connection, channel_ids: Collection[int], epoch: int | None) -> None:
    """Closes the gaps of channels that no longer exist or that the bot was removed from, and of their threads.

    Raises LeaseLostError."""
    async with transaction(connection, epoch):
        gone = [row["channel_id"] for row in await connection.fetch(_LOCK_GONE, list(channel_ids))]
        found = await connection.fetch(_SET_UNREACHABLE, gone)
        known = await connection.fetch(_OPEN_OF_CHANNELS, gone)
        await commit_events(connection, [await _close(connection, row, "unreachable") for row in known])
    for row in found:
        log.warning("channel.unreachable", channel_id=row["channel_id"])
    await _show_open_gaps(connection)


async def open_gaps(connection: Connection) -> Sequence[OpenGap]:
    """Every gap that is open, by channel, the newest first."""
    return [OpenGap(**dict(row)) for row in await connection.fetch(_OPEN)]


async def _open(connection: Connection, gap: Gap, reason: GapReason) -> Event:
    await connection.execute(_OPEN_GAP, *gap, reason)
    fact = GapOpened(
        channel_id=str(gap.channel_id), first_id=str(gap.first_id), last_id=str(gap.last_id), reason=reason
    )
    return Event(fact, _correlation_id(gap.channel_id, gap.first_id))


async def _close(connection: Connection, row: Record, outcome: GapOutcome) -> Event:
    await connection.execute(_CLOSE_GAP, row["id"], outcome)
    fact = GapClosed(
        channel_id=str(row["channel_id"]), first_id=str(row["first_id"]), last_id=str(row["last_id"]), outcome=outcome
    )
    return Event(fact, _correlation_id(row["channel_id"], row["first_id"]))


async def _show_open_gaps(connection: Connection) -> None:
    gaps = await open_gaps(connection)
    metrics.OPEN_GAP_SINCE.clear()
    for gap in gaps:
        labels = metrics.OPEN_GAP_SINCE.labels(str(gap.channel_id), str(gap.first_id), str(gap.last_id), gap.reason)
        labels.set(gap.opened_at.timestamp())


def _correlation_id(channel_id: int, first_id: int) -> UUID:
    return correlation.of_name(f"ingestion:gap:{channel_id}:{first_id}")


def _overlap(row: Record, gap: Gap) -> bool:
    return bool(row["first_id"] <= gap.last_id and gap.first_id <= row["last_id"])
