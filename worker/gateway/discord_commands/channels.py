"""`/channels`: what the worker listens to."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import discord
from asyncpg import Connection
from discord import app_commands

from parsers import registered
from worker.gateway.described import AnyChannel
from worker.gateway.discord_commands.asking import Interaction, guild_of, visible_channels
from worker.gateway.discord_commands.channel_backfill import follow_backfill
from worker.gateway.discord_commands.channel_explanation import explained_link
from worker.gateway.discord_commands.channel_lines import option_line, state_line
from worker.gateway.discord_commands.channel_removal import ask_for_removal
from worker.gateway.discord_commands.configuring import (
    AdminGroup,
    AnnounceChannel,
    ListenableChannel,
    change,
    changed_by,
    check_sees,
)
from worker.gateway.discord_commands.context import CommandContext
from worker.gateway.discord_commands.moments import since_of
from worker.gateway.discord_commands.paging import show_pages
from worker.gateway.discord_commands.permissions import TO_ANNOUNCE, checklist, listening_checklist
from worker.gateway.discord_commands.replies import answer, pages, think
from worker.gateway.discord_commands.status import newest_messages
from worker.gateway.pages import PAGE_LENGTH
from worker.gateway.plan_pages import Page
from worker.ingest.channel_changes import NOWHERE, Options, add_channel, set_active, set_channel
from worker.ingest.observation import snowflake_time
from worker.views.stored_guild_status import listened_channels

DETECT = "detect"
_HISTORY = {"7d": timedelta(days=7), "30d": timedelta(days=30)}

_PARSERS = [app_commands.Choice(name=name, value=name) for name in (DETECT, *registered())]
_HISTORIES = [app_commands.Choice(name=name, value=name) for name in ("none", *_HISTORY, "all")]
_OFF = [app_commands.Choice(name="off", value="off")]

_CHANNEL = "The channel, forum or thread that plans are posted in"
_OPTIONS = {
    "parser": "The format that its posts are read in; without it, whichever recognises a post",
    "history": "How far back to fetch what was posted before",
    "threads": "Whether its threads belong to it (they do unless you say no)",
    "announce_to": "A channel where each plan that is read is announced",
}


def add_channels_commands(tree: app_commands.CommandTree[discord.Client], context: CommandContext) -> None:
    tree.add_command(ChannelsGroup(context, name="channels", description="What the worker listens to."))


class ChannelsGroup(AdminGroup):
    @app_commands.command(name="add", description="Listen to a channel from now on.")
    @app_commands.describe(channel=_CHANNEL, **_OPTIONS)
    @app_commands.choices(parser=_PARSERS, history=_HISTORIES)
    async def add(  # noqa: PLR0917  Discord's options
        self,
        interaction: Interaction,
        channel: ListenableChannel,
        parser: str | None = None,
        history: str = "none",
        threads: bool | None = None,
        announce_to: AnnounceChannel | None = None,
    ) -> None:
        options = options_of(channel.id, parser, history, threads, announce_to)
        await self._choose(interaction, channel, announce_to, options, add_channel, "is listened to from now on.")

    @app_commands.command(name="list", description="Every channel that is listened to, and how it does.")
    async def list(self, interaction: Interaction) -> None:
        await think(interaction, ephemeral=True)
        visible = visible_channels(interaction, self.context.book)
        async with self.context.session.use() as connection:
            found = await listened_channels(connection, guild_of(interaction).id, visible)
        newest = newest_messages(interaction.client)
        lines = [f"{state_line(one, newest.get(one.channel_id))}\n-# {option_line(one)}" for one in found]
        texts = pages(lines or ["No channel yet: `/channels add` listens to one."], PAGE_LENGTH)
        await show_pages(interaction, [Page("Channels", text) for text in texts])

    @app_commands.command(name="set", description="Change what you chose for a channel; the rest stays.")
    @app_commands.describe(channel=_CHANNEL, **_OPTIONS, announcements="Announce its plans no longer")
    @app_commands.choices(parser=_PARSERS, history=_HISTORIES, announcements=_OFF)
    async def set(  # noqa: PLR0917  Discord's options
        self,
        interaction: Interaction,
        channel: ListenableChannel,
        parser: str | None = None,
        history: str = "none",
        threads: bool | None = None,
        announce_to: AnnounceChannel | None = None,
        announcements: str | None = None,
    ) -> None:
        options = options_of(channel.id, parser, history, threads, announce_to, is_off=announcements == "off")
        await self._choose(interaction, channel, announce_to, options, set_channel, "is changed.")

    async def _choose(  # noqa: PLR0917  what both commands have
        self,
        interaction: Interaction,
        channel: ListenableChannel,
        announce_to: AnnounceChannel | None,
        options: Options,
        write: Callable[..., Awaitable[bool]],
        changed: str,
    ) -> None:
        """`write` is add_channel or set_channel; `changed` is what is said of a channel that it changes."""
        await think(interaction, ephemeral=True)
        check_sees(interaction, channel, announce_to)

        async def make(connection: Connection) -> bool:
            return await write(
                connection,
                channel.id,
                options=options,
                by=changed_by(interaction),
                guild_id=channel.guild.id,
                epoch=self.context.epoch,
            )

        is_changed = await change(self.context, make, channel, announce_to)
        first = f"<#{channel.id}> {changed if is_changed else 'was so already.'}"
        await answer(interaction, "\n".join([first, *_checklists(channel, options, announce_to)]))

    @app_commands.command(name="pause", description="Listen to a channel no longer, until you resume it.")
    @app_commands.describe(channel=_CHANNEL)
    async def pause(self, interaction: Interaction, channel: ListenableChannel) -> None:
        await self._set_active(interaction, channel, active=False)

    @app_commands.command(name="resume", description="Go on with a paused channel, and fetch what was missed.")
    @app_commands.describe(channel=_CHANNEL)
    async def resume(self, interaction: Interaction, channel: ListenableChannel) -> None:
        await self._set_active(interaction, channel, active=True)

    async def _set_active(self, interaction: Interaction, channel: ListenableChannel, *, active: bool) -> None:
        await think(interaction, ephemeral=True)
        check_sees(interaction, channel)

        async def make(connection: Connection) -> bool:
            return await set_active(
                connection, channel.id, active=active, by=changed_by(interaction), epoch=self.context.epoch
            )

        is_changed = await change(self.context, make, channel)
        await answer(interaction, f"<#{channel.id}> {_ACTIVE[active, is_changed]}")

    @app_commands.command(name="remove", description="Listen to a channel no longer. Asks first, and keeps its data.")
    @app_commands.describe(channel=_CHANNEL)
    async def remove(self, interaction: Interaction, channel: ListenableChannel) -> None:
        await think(interaction, ephemeral=True)
        check_sees(interaction, channel)
        await ask_for_removal(self.context, interaction, channel)

    @app_commands.command(name="backfill", description="Fetch what was posted in a channel since a day.")
    @app_commands.describe(channel=_CHANNEL, since="A day such as 2025-05-15, or how far back, such as 30d")
    async def backfill(self, interaction: Interaction, channel: ListenableChannel, since: str) -> None:
        await think(interaction, ephemeral=True)
        check_sees(interaction, channel)
        await follow_backfill(self.context, interaction, channel, since_of(since, datetime.now(UTC)))

    @app_commands.command(name="explain", description="Why a message is stored, and what was read in it, or why not.")
    @app_commands.describe(message_link="From the message's menu: Copy Message Link")
    async def explain(self, interaction: Interaction, message_link: str) -> None:
        await think(interaction, ephemeral=True)
        await answer(interaction, await explained_link(self.context, interaction, message_link))


_ACTIVE = {
    (False, True): "is paused: nothing is stored until `/channels resume`, which fetches what was posted meanwhile.",
    (False, False): "was paused already.",
    (True, True): "is listened to again; what was posted meanwhile is being fetched.",
    (True, False): "was listened to already.",
}


def options_of(
    channel_id: int,
    parser: str | None,
    history: str,
    threads: bool | None,
    announce_to: AnnounceChannel | None,
    *,
    is_off: bool = False,
) -> Options:
    """What was typed, as what is chosen; `history` none asks for nothing more."""
    ages = {name: datetime.now(UTC) - age for name, age in _HISTORY.items()}
    # No message of a channel is older than the channel.
    moments = ages | {"all": snowflake_time(channel_id)}
    return Options(
        parser="" if parser == DETECT else parser,
        history_from=moments.get(history),
        includes_threads=threads,
        announce_to=NOWHERE if is_off else announce_to.id if announce_to else None,
    )


def _checklists(channel: AnyChannel, options: Options, announce_to: AnnounceChannel | None) -> list[str]:
    lines = listening_checklist(channel, with_threads=options.includes_threads is not False)
    return lines + (checklist(announce_to, TO_ANNOUNCE, "To announce in") if announce_to else [])
