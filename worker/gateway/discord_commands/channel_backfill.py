"""Shows how the fetching of a channel's history goes, in one message that is edited in place."""

import asyncio
from datetime import UTC, datetime, timedelta

import discord
from asyncpg import Connection

from worker.exits import RefusedError
from worker.gateway.discord_commands import outcomes
from worker.gateway.discord_commands.asking import Interaction, check_manages_guild, permission_name
from worker.gateway.discord_commands.configuring import ListenableChannel, change, changed_by
from worker.gateway.discord_commands.context import CommandContext
from worker.gateway.discord_commands.owned_view import IDLE_SECONDS, OwnedView
from worker.gateway.discord_commands.permissions import TO_LISTEN
from worker.gateway.discord_commands.replies import answer, relative
from worker.ingest.channel_changes import ask_for_history, cancel_history
from worker.views.backfill import BackfillProgress, read_progress
from worker.waiting import happened

POLL_SECONDS = 1.0  # Discord allows few more edits of a message than one a second
NOTICE_SECONDS = 30.0  # within which the worker has looked for gaps
BAR_PARTS = 20


async def follow_backfill(
    context: CommandContext, interaction: Interaction, channel: ListenableChannel, since: datetime
) -> None:
    """Asks for the history and shows how far it is, for as long as Discord lets the answer be edited.

    Raises NotListenedToError, and RefusedError where its history may not be read."""
    known = context.book.find(channel.id)
    former = known.history_from if known else None
    async with context.session.use() as connection:
        asked_at = await connection.fetchval("SELECT now()")

    async def make(connection: Connection) -> bool:
        by = changed_by(interaction)
        return await ask_for_history(connection, channel.id, since, by=by, epoch=context.epoch)

    is_asked = await change(context, make, channel)
    view = BackfillView(context, interaction, channel, former) if is_asked and former else None
    await _show_progress(context, interaction, channel, view, since=since, asked_at=asked_at)


async def _show_progress(
    context: CommandContext,
    interaction: Interaction,
    channel: ListenableChannel,
    view: "BackfillView | None",
    *,
    since: datetime,
    asked_at: datetime,
) -> None:
    began = last_seen = asyncio.get_running_loop().time()
    shown = ""
    cancelled = asyncio.Event() if view is None else view.cancelled
    while not cancelled.is_set():
        now = asyncio.get_running_loop().time()
        async with context.session.use() as connection:
            progress = await read_progress(connection, channel.id, since, asked_at)
        if progress.is_forbidden:
            needed = " and ".join(map(permission_name, TO_LISTEN))
            raise RefusedError(f"Give the bot {needed} in <#{channel.id}>: its history cannot be read without them.")
        last_seen = now if progress.is_noticed else last_seen
        ending = _ending(progress, channel, since, seconds=now - began, unnoticed=now - last_seen)
        if ending is not None:
            if view is not None:
                view.stop()
            await answer(interaction, ending, view=None)
            return
        if (text := progress_text(progress, channel.id, since, datetime.now(UTC))) != shown:
            shown = text
            await answer(interaction, text, view=view)
        await happened(cancelled, POLL_SECONDS)


def _ending(
    progress: BackfillProgress, channel: ListenableChannel, since: datetime, *, seconds: float, unnoticed: float
) -> str | None:
    """What is said last, once there is nothing more to be shown."""
    day = discord.utils.format_dt(since, "D")
    if progress.is_done:
        return f"Everything in <#{channel.id}> since {day} is stored: {progress.messages} messages."
    if unnoticed > NOTICE_SECONDS and not progress.was_looked_for:
        return (
            f"The worker could not look everywhere in <#{channel.id}> yet, and fetches what it finds once it can: "
            "its log says why."
        )
    if unnoticed > NOTICE_SECONDS:
        return f"Discord has no message in <#{channel.id}> since {day} that is not stored."
    if seconds > IDLE_SECONDS:
        return f"It goes on: `/channels list` shows when <#{channel.id}> has no more gaps."
    return None


def progress_text(progress: BackfillProgress, channel_id: int, since: datetime, now: datetime) -> str:
    """`since` is the moment asked for, `now` the present."""
    full = round(progress.fetched * BAR_PARTS)
    bar = "▰" * full + "▱" * (BAR_PARTS - full)
    left = progress.seconds_left(now)
    ready = "" if left is None else f", ready {relative(now + timedelta(seconds=left))}"
    return (
        f"Fetching <#{channel_id}> since {discord.utils.format_dt(since, 'D')}\n"
        f"{bar} {progress.fetched:.0%}{ready}\n{progress.messages} messages are stored."
    )


class BackfillView(OwnedView):
    """`cancelled` is set once its button was pressed."""

    def __init__(
        self, context: CommandContext, interaction: Interaction, channel: ListenableChannel, former: datetime
    ) -> None:
        """`former` is how far back was asked for before."""
        super().__init__(interaction, seconds=IDLE_SECONDS)
        self._context = context
        self._channel = channel
        self._former = former
        self.cancelled = asyncio.Event()

    @discord.ui.button(label="Cancel", style=discord.ButtonStyle.secondary)
    async def cancel(self, interaction: Interaction, _: "discord.ui.Button[BackfillView]") -> None:
        check_manages_guild(interaction)
        self.cancelled.set()
        self.stop()
        await interaction.response.defer()

        async def make(connection: Connection) -> bool:
            by, epoch = changed_by(interaction), self._context.epoch
            return await cancel_history(connection, self._channel.id, self._former, by=by, epoch=epoch)

        await change(self._context, make)
        await answer(interaction, f"Cancelled: what was fetched of <#{self._channel.id}> stays.", view=None)
        outcomes.ended(interaction)
