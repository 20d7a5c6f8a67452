"""`/status`: how the worker does."""

import math
import platform
import time
from collections.abc import Mapping
from importlib.metadata import version

import discord
from discord import app_commands

from worker.db.schema import HEAD
from worker.gateway.client import GatewayClient
from worker.gateway.discord_commands.asking import Interaction, guild_of, visible_channels
from worker.gateway.discord_commands.channel_lines import state_line
from worker.gateway.discord_commands.context import CommandContext
from worker.gateway.discord_commands.replies import FIELD_VALUE_LIMIT, answer, pages, shortened, think
from worker.views.stored_guild_status import ALARMS_OF, GuildStatus, read_guild_status

CHANNEL_FIELDS = 4  # an embed holds 6,000 characters


def add_status_command(tree: app_commands.CommandTree[discord.Client], context: CommandContext) -> None:
    @tree.command(name="status", description="How the worker does: gateway, database, channels, gaps, versions.")
    @app_commands.guild_only()
    async def status(interaction: Interaction) -> None:
        await think(interaction, ephemeral=True)
        guild, visible = guild_of(interaction), visible_channels(interaction, context.book)
        async with context.session.use() as connection:
            began = time.perf_counter()
            found = await read_guild_status(connection, guild.id, visible)
            milliseconds = (time.perf_counter() - began) * 1000
        waiting = context.health.waiting
        if not interaction.permissions.manage_guild:
            # A reason can name machines and accounts of ours.
            waiting = dict.fromkeys(waiting, "is being waited for")
        newest = newest_messages(interaction.client)
        await answer(interaction, embed=status_embed(found, waiting, interaction.client.latency, milliseconds, newest))


def newest_messages(client: discord.Client) -> dict[int, int]:
    return client.newest_messages() if isinstance(client, GatewayClient) else {}


def status_embed(
    found: GuildStatus, waiting: Mapping[str, str], latency: float, milliseconds: float, newest: Mapping[int, int]
) -> discord.Embed:
    """`waiting` has why a component is waited for; `latency` is the gateway's in seconds, NaN or infinite before it is
    known; `milliseconds` the database's."""
    embed = discord.Embed(
        title="Waiting for " + ", ".join(sorted(waiting)) if waiting else "All is well",
        colour=discord.Colour.orange() if waiting or found.not_read else discord.Colour.green(),
    )
    heartbeat = f"answers in {round(latency * 1000)} ms" if math.isfinite(latency) else "has not been measured yet"
    embed.add_field(name="Gateway", value=_reason(waiting, "gateway") or f"connected, {heartbeat}")
    embed.add_field(name="Database", value=_reason(waiting, "database") or f"answers in {round(milliseconds)} ms")
    for component in sorted(waiting.keys() - {"gateway", "database"}):
        embed.add_field(name=component.title(), value=_reason(waiting, component))
    embed.add_field(name="Not read", value=f"{found.not_read} plans in the last {ALARMS_OF.days} days")
    lines = [state_line(channel, newest.get(channel.channel_id)) for channel in found.channels]
    shown = pages(lines, FIELD_VALUE_LIMIT)[:CHANNEL_FIELDS]
    for place, page in enumerate(shown):
        embed.add_field(name="Channels" if place == 0 else "\u200b", value=page, inline=False)
    if more := len(lines) - sum(len(page.splitlines()) for page in shown):
        embed.add_field(name=f"and {more} more", value="`/channels list` shows all", inline=False)
    if not lines:
        embed.add_field(name="Channels", value="none that you can see is listened to", inline=False)
    if found.alarm_channel_id:
        embed.add_field(name="Alarms go to", value=f"<#{found.alarm_channel_id}>", inline=False)
    embed.set_footer(text=_versions(found))
    return embed


def _reason(waiting: Mapping[str, str], component: str) -> str:
    return shortened(waiting.get(component, ""), FIELD_VALUE_LIMIT)


def _versions(found: GuildStatus) -> str:
    schema = ", ".join(found.revisions)
    of_code = "" if found.revisions == (HEAD,) else f" (this code's is {HEAD})"
    return (
        f"worker {version('discord-plan-worker')} · discord.py {discord.__version__} · Python "
        f"{platform.python_version()} · PostgreSQL {found.server_version} · schema {schema}{of_code}"
    )
