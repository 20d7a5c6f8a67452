"""Follows the fetching of a channel's history, which the worker that runs does."""

import asyncio
from collections.abc import Callable
from datetime import datetime

import click
from asyncpg import Connection
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from worker.db.lease import is_held
from worker.exits import RefusedError
from worker.ingest.gaps import OpenGap, open_gaps

POLL_SECONDS = 0.3
NOTICE_SECONDS = 30.0  # within which a worker has looked for gaps

# Whether anything that is asked for, up to what is covered last, is not covered.
_IS_MISSING = """
SELECT coalesce(NOT covered @> int8range(
           (extract(epoch FROM $2::timestamptz) * 1000 - 1420070400000)::bigint << 22,
           upper(covered)), true)
  FROM discord_channels WHERE channel_id = $1
"""


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
    while await connection.fetchval(_IS_MISSING, channel_id, since) or await _gaps(connection, channel_id):
        gaps = await _gaps(connection, channel_id)
        if any(gap.is_forbidden for gap in gaps):
            raise RefusedError(f"Give the bot View Channel and Read Message History in the channel {channel_id}.")
        unnoticed = 0 if gaps else unnoticed + POLL_SECONDS
        if unnoticed > NOTICE_SECONDS:
            return False
        if gaps:
            show(sum(gap.fetched for gap in gaps) / len(gaps))
        await asyncio.sleep(POLL_SECONDS)
    return True


async def _gaps(connection: Connection, channel_id: int) -> list[OpenGap]:
    return [gap for gap in await open_gaps(connection) if gap.channel_id == channel_id]
