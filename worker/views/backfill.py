"""Follows the fetching of a channel's history, which the worker that runs does."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import click
from asyncpg import Connection
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from worker.db.lease import is_held
from worker.exits import NotFoundError, RefusedError
from worker.ingest.gaps import OpenGap, open_gaps
from worker.ingest.observation import snowflake_at

POLL_SECONDS = 0.3
NOTICE_SECONDS = 30.0  # within which a worker has looked for gaps

# Whether anything that is asked for, up to what is covered last, is not covered. Where nothing is, that is not known.
_CHANNEL = """
SELECT isempty(covered) OR NOT covered @> int8range($2::bigint, greatest(upper(covered), $2)) AS is_missing,
       (SELECT count(*) FROM discord_messages m WHERE m.channel_id = c.channel_id AND message_id >= $2) AS messages
  FROM discord_channels c WHERE channel_id = $1
"""


@dataclass(frozen=True, slots=True)
class BackfillProgress:
    """`messages` are those that are stored since the moment that was asked for, `gaps` the channel's open ones."""

    is_missing: bool
    messages: int
    gaps: tuple[OpenGap, ...]

    @property
    def is_done(self) -> bool:
        return not self.is_missing and not self.gaps

    @property
    def is_noticed(self) -> bool:
        """A worker has found what there is to fetch."""
        return bool(self.gaps)

    @property
    def is_forbidden(self) -> bool:
        return any(gap.is_forbidden for gap in self.gaps)

    @property
    def fetched(self) -> float:
        """The part that is stored, from 0 to 1; by time in the channel, not by messages."""
        return sum(gap.fetched for gap in self.gaps) / len(self.gaps) if self.gaps else 0.0

    def seconds_left(self, now: datetime) -> float | None:
        """None while that cannot be told."""
        left = [gap.seconds_left(now) for gap in self.gaps]
        return None if not left or None in left else sum(one for one in left if one is not None)


async def read_progress(connection: Connection, channel_id: int, since: datetime) -> BackfillProgress:
    """Raises NotFoundError for a channel that nothing is known of."""
    row = await connection.fetchrow(_CHANNEL, channel_id, snowflake_at(since))
    if row is None:
        raise NotFoundError(f"Nothing is known of a channel {channel_id}; `channels list` shows those that are.")
    gaps = tuple(gap for gap in await open_gaps(connection) if gap.channel_id == channel_id)
    return BackfillProgress(**dict(row), gaps=gaps)


async def follow_backfill(connection: Connection, channel_id: int, since: datetime) -> None:
    """Until everything is there. Raises RefusedError where the bot may not read the channel's history."""
    if not await is_held(connection):
        click.echo("No worker is running: it is fetched when one does.")
        return
    with Progress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn(), transient=True
    ) as progress:
        task = progress.add_task("Fetching", total=1.0)
        found = await _until_fetched(connection, channel_id, since, lambda part: progress.update(task, completed=part))
    click.echo("Everything that was asked for is stored." if found else "Discord has no message there.")


async def _until_fetched(
    connection: Connection, channel_id: int, since: datetime, show: Callable[[float], None]
) -> bool:
    """False: the worker has found nothing to fetch."""
    unnoticed = 0.0
    while not (progress := await read_progress(connection, channel_id, since)).is_done:
        if progress.is_forbidden:
            raise RefusedError(f"Give the bot View Channel and Read Message History in the channel {channel_id}.")
        unnoticed = 0 if progress.is_noticed else unnoticed + POLL_SECONDS
        if unnoticed > NOTICE_SECONDS:
            return False
        if progress.is_noticed:
            show(progress.fetched)
        await asyncio.sleep(POLL_SECONDS)
    return True
