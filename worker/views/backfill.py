"""Follows the fetching of a channel's history, which the worker that runs does."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import click
from asyncpg import Connection
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from worker.db.lease import find_holder
from worker.exits import ChannelGoneError, NotFoundError, RefusedError, UnavailableError
from worker.ingest.gaps import OpenGap, open_gaps
from worker.ingest.observation import snowflake_at

POLL_SECONDS = 0.3
NOTICE_SECONDS = 30.0  # within which a worker has looked for gaps

# Whether anything that is asked for, up to what is covered last, is not covered; where nothing is, that is not known.
# No message of a thread is older than it.
#
# And whether somebody has looked for it: a look notes until when a channel's archived threads are known, and asking for
# more makes that unknown. There is no such note of what has no threads; where anything of it is covered, a look opens a
# gap for what is missing.
_CHANNEL = """
SELECT is_missing, kind = 'forum' AS is_forum, unreachable_since IS NOT NULL AS is_gone,
       CASE WHEN kind IN ('thread', 'voice') THEN isempty(covered) OR NOT is_missing
            ELSE threads_checked_at IS NOT NULL END AS was_looked_for
  FROM discord_channels
 CROSS JOIN LATERAL (
       SELECT greatest($2::bigint, CASE kind WHEN 'thread' THEN channel_id END) AS first_id) AS asked
 CROSS JOIN LATERAL (
       SELECT isempty(covered) OR NOT covered @> int8range(first_id, greatest(upper(covered), first_id)) AS is_missing
       ) AS found
 WHERE channel_id = $1
"""

_PARTS = "SELECT channel_id FROM discord_channels WHERE $1 IN (channel_id, parent_id)"

_WAS_NOTICED = "SELECT EXISTS (SELECT FROM ingestion_gaps WHERE channel_id = ANY($1::bigint[]) AND opened_at >= $2)"

_STORED = "SELECT count(*) FROM discord_messages WHERE channel_id = ANY($1::bigint[]) AND message_id >= $2"


@dataclass(frozen=True, slots=True)
class BackfillProgress:
    """Of a channel and its threads: how many `messages` are stored since the moment that was asked for, and the open
    `gaps`. A forum has messages in its threads alone. `was_looked_for`: what is missing was, since it was asked for;
    `was_noticed`: a gap was opened since then."""

    is_missing: bool
    is_forum: bool
    was_looked_for: bool
    was_noticed: bool
    messages: int
    gaps: tuple[OpenGap, ...]

    @property
    def is_done(self) -> bool:
        is_there = self.was_noticed if self.is_forum else not self.is_missing
        return is_there and self.was_looked_for and not self.gaps

    @property
    def is_noticed(self) -> bool:
        """A worker has found what there is to fetch."""
        return bool(self.gaps)

    @property
    def is_forbidden(self) -> bool:
        """Nothing of what is missing may be read."""
        return self.is_noticed and all(gap.is_forbidden for gap in self.gaps)

    @property
    def fetched(self) -> float:
        """The part that is stored, from 0 to 1; by time in the channel, not by messages."""
        return sum(gap.fetched for gap in self.gaps) / len(self.gaps) if self.gaps else 0.0

    def seconds_left(self, now: datetime) -> float | None:
        """None while that cannot be told."""
        left = [gap.seconds_left(now) for gap in self.gaps]
        return None if not left or None in left else sum(one for one in left if one is not None)


async def read_progress(
    connection: Connection, channel_id: int, since: datetime, asked_at: datetime
) -> BackfillProgress:
    """`asked_at` is by the database's clock. Raises NotFoundError for a channel that is not known, or is gone."""
    row = await connection.fetchrow(_CHANNEL, channel_id, snowflake_at(since))
    if row is None:
        raise NotFoundError(f"Nothing is known of a channel {channel_id}; `channels list` shows those that are.")
    if row["is_gone"]:
        raise ChannelGoneError(channel_id)
    parts = [part["channel_id"] for part in await connection.fetch(_PARTS, channel_id)]
    messages = await connection.fetchval(_STORED, parts, snowflake_at(since))
    gaps = tuple(gap for gap in await open_gaps(connection) if gap.channel_id in parts)
    was_noticed = await connection.fetchval(_WAS_NOTICED, parts, asked_at)
    return BackfillProgress(row["is_missing"], row["is_forum"], row["was_looked_for"], was_noticed, messages, gaps)


async def follow_backfill(connection: Connection, channel_id: int, since: datetime, asked_at: datetime) -> None:
    """Until everything is there. Raises RefusedError where the bot may not read the channel's history, and
    UnavailableError where nobody could look for what is missing."""
    if await find_holder(connection) is None:
        click.echo("No worker is running: it is fetched when one does.")
        return
    with Progress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn(), transient=True
    ) as progress:
        task = progress.add_task("Fetching", total=1.0)
        found = await _until_fetched(
            connection, channel_id, since, asked_at, lambda part: progress.update(task, completed=part)
        )
    click.echo("Everything that was asked for is stored." if found else "Nothing more was found there.")


async def _until_fetched(
    connection: Connection, channel_id: int, since: datetime, asked_at: datetime, show: Callable[[float], None]
) -> bool:
    """False: the worker has found nothing to fetch."""
    unnoticed = 0.0
    while not (progress := await read_progress(connection, channel_id, since, asked_at)).is_done:
        if progress.is_forbidden:
            raise RefusedError(f"Give the bot View Channel and Read Message History in the channel {channel_id}.")
        unnoticed = 0 if progress.is_noticed else unnoticed + POLL_SECONDS
        if unnoticed > NOTICE_SECONDS:
            if progress.was_looked_for:
                return False
            raise UnavailableError(
                "The worker could not look everywhere yet, and fetches what it finds once it can: "
                "`doctor` or its log says why."
            )
        if progress.is_noticed:
            show(progress.fetched)
        await asyncio.sleep(POLL_SECONDS)
    return True
