"""`Read this plan`: what was read of one message and what was not."""

from datetime import datetime
from typing import Any

import discord
from discord import app_commands

import parsers
from parsers.reading import Reading
from worker import correlation
from worker.gateway.discord_commands.asking import Interaction
from worker.gateway.discord_commands.context import CommandContext
from worker.gateway.discord_commands.paging import show_pages
from worker.gateway.discord_commands.replies import think
from worker.gateway.post_pages import post_pages
from worker.ingest.cleaning import clean
from worker.ingest.prepared import OWN_POST, read_safely
from worker.ingest.projection import text_of
from worker.views.stored_post import read_stored_post


def add_read_post_command(tree: app_commands.CommandTree[discord.Client], context: CommandContext) -> None:
    def read(text: str, posted_at: datetime, parser: str | None) -> Reading:
        return parsers.parse(text, posted_at, timezone=context.settings.plan_timezone, format=parser)

    @tree.context_menu(name="Read this plan")
    @app_commands.guild_only()
    async def read_this_plan(interaction: Interaction, message: discord.Message) -> None:
        await think(interaction, ephemeral=True)
        channel_id = message.channel.id
        async with context.session.use() as connection:
            stored = await read_stored_post(connection, message.id, channel_id)
        text = _text_of(interaction, message) if stored is None else stored.text
        if message.author == interaction.client.user:
            reading = Reading("not_a_plan", reason=OWN_POST)
        elif stored is not None and stored.is_erased:
            reading = Reading("not_a_plan", reason="what its author wrote is erased")
        else:
            parser, correlation_id = context.book.parser_of(channel_id), correlation.of_message(message.id)
            reading = read_safely(read, text, message.created_at, parser, correlation_id)
        await show_pages(interaction, post_pages(text, reading, stored))


def _text_of(interaction: Interaction, message: discord.Message) -> str:
    """All text parts of the message as Discord sent it along; the library's object does not keep them all."""
    data: Any = interaction.data
    payload, *_ = clean(data["resolved"]["messages"][str(message.id)])
    return text_of(payload)
