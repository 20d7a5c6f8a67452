"""`/setups`, `/plan` and `/levels`: what stands, for whoever can see the channel that it was posted in."""

import re
from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import click
import discord
import structlog
from discord import app_commands

from worker.exits import InputError, NotFoundError
from worker.faults import named
from worker.gateway.discord_commands.asking import Interaction, guild_of, visible_channels
from worker.gateway.discord_commands.context import CommandContext
from worker.gateway.discord_commands.paging import show_pages
from worker.gateway.discord_commands.replies import think
from worker.gateway.plan_pages import Page, levels_pages, plan_pages, setups_pages
from worker.ingest.channels import ChannelBook
from worker.ingest.writer import PASSING
from worker.parameters import DAY
from worker.views.channel_plans import offered_tickers, plans_of_channels
from worker.views.shown import ShownPlan

_TICKER = "Such as SPY; what is stored is offered, today's first."
_DAY = "The trading day, such as 2026-11-23. Without one: today, or the first day that is planned."
_MARKUP = re.compile(r"[*_~`|<>\[\]()#@\\]")

log = structlog.get_logger(__name__)

_TYPED_LENGTH = 20

Typed = app_commands.Range[str, 1, _TYPED_LENGTH]


def add_reading_commands(tree: app_commands.CommandTree[discord.Client], context: CommandContext) -> None:
    async def tickers(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
        visible = visible_channels(interaction, context.book)
        try:
            async with context.session.use() as connection:
                offered = await offered_tickers(connection, visible, typed, today=_today(context))
        except PASSING as error:
            # Who types is told nothing here; the command itself will say what is wrong.
            log.warning("command.nothing_offered", reason=named(error))
            return []
        return [
            app_commands.Choice(
                name=f"{one.ticker} · {'today' if one.is_for_today else one.newest_day}", value=one.ticker
            )
            for one in offered
            if len(one.ticker) <= _TYPED_LENGTH  # Discord refuses all choices for one that is too long
        ]

    @tree.command(name="setups", description="The setups that stand for a day.")
    @app_commands.guild_only()
    @app_commands.describe(ticker=f"{_TICKER} Without one: all.", day=_DAY)
    @app_commands.autocomplete(ticker=tickers)
    async def setups(interaction: Interaction, ticker: Typed | None = None, day: Typed | None = None) -> None:
        await _answer(interaction, context, setups_pages, ticker, day)

    @tree.command(name="plan", description="A ticker's whole plan: its bias, its setups, and what is doubtful.")
    @app_commands.guild_only()
    @app_commands.describe(ticker=_TICKER, day=_DAY)
    @app_commands.autocomplete(ticker=tickers)
    async def plan(interaction: Interaction, ticker: Typed, day: Typed | None = None) -> None:
        await _answer(interaction, context, plan_pages, ticker, day)

    @tree.command(name="levels", description="A ticker's levels as a price ladder, drawn to scale.")
    @app_commands.guild_only()
    @app_commands.describe(ticker=_TICKER, day=_DAY)
    @app_commands.autocomplete(ticker=tickers)
    async def levels(interaction: Interaction, ticker: Typed, day: Typed | None = None) -> None:
        await _answer(interaction, context, _levels, ticker, day)


def _levels(plans: Sequence[ShownPlan]) -> list[Page]:
    pages = levels_pages(plans)
    if not pages:
        raise NotFoundError("Only single alerts are stored there, whose prices are those of contracts: see `/plan`.")
    return pages


async def _answer(
    interaction: Interaction,
    context: CommandContext,
    pages: Callable[[Sequence[ShownPlan]], list[Page]],
    ticker: str | None,
    day: str | None,
) -> None:
    wanted_day = None if day is None else _day(day)
    if ticker is not None and _MARKUP.search(ticker):
        raise InputError("That is no ticker such as SPY.")
    guild, visible = guild_of(interaction), visible_channels(interaction, context.book)
    if not visible:
        raise NotFoundError("No channel that you can see here is listened to; an admin adds one by `/channels add`.")
    await think(interaction, ephemeral=_is_source(interaction, context.book) or not are_open(guild, visible))
    async with context.session.use() as connection:
        plans = await plans_of_channels(connection, visible, ticker, day=wanted_day, today=_today(context))
    await show_pages(interaction, pages(plans))


def _is_source(interaction: Interaction, book: ChannelBook) -> bool:
    """Whether messages of the channel that is asked in are stored, or were. An answer that everybody sees is one of
    them, and who replays an export of the channel would have it read: its setups would replace those that it shows."""
    asked_in = {interaction.channel_id, getattr(interaction.channel, "parent_id", None)}
    return any(channel.channel_id in asked_in for channel in book.of_guild(interaction.guild_id or 0))


def are_open(guild: discord.Guild, channel_ids: Collection[int]) -> bool:
    """Whether every member of the guild may read what was posted in all of these channels: then everybody may see what
    is answered to one of them."""
    return all(_is_open(guild, guild.get_channel_or_thread(channel_id)) for channel_id in channel_ids)


def _is_open(guild: discord.Guild, channel: Any) -> bool:
    if isinstance(channel, discord.Thread):
        return not channel.is_private() and _is_open(guild, channel.parent)
    if channel is None:  # an archived thread, which may be a private one
        return False
    everyone = channel.permissions_for(guild.default_role)
    shut_out = any(
        overwrite.view_channel is False or overwrite.read_message_history is False
        for target, overwrite in channel.overwrites.items()
        if target != guild.default_role
    )
    return everyone.view_channel and everyone.read_message_history and not shut_out


def _day(text: str) -> date:
    try:
        found: datetime = DAY.convert(text, None, None)
    except click.BadParameter as error:
        raise InputError(error.message) from error
    return found.date()


def _today(context: CommandContext) -> date:
    return datetime.now(ZoneInfo(context.settings.plan_timezone)).date()
