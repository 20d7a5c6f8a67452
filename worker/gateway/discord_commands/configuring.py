"""What the configuring commands share: who may, where, and how a change is made."""

from collections.abc import Awaitable, Callable

import discord
from asyncpg import Connection
from discord import app_commands

from worker.exits import RefusedError
from worker.gateway.described import AnyChannel, describe
from worker.gateway.discord_commands.asking import (
    MANAGES_GUILD,
    Interaction,
    check_manages_guild,
    guild_of,
    may_read,
    member_of,
)
from worker.gateway.discord_commands.context import CommandContext
from worker.gateway.discord_commands.outcomes import correlation_id_of
from worker.ingest.channel_changes import ChangedBy
from worker.ingest.channels import describe_channels

ListenableChannel = discord.TextChannel | discord.ForumChannel | discord.VoiceChannel | discord.Thread
AnnounceChannel = discord.TextChannel


class AdminGroup(app_commands.Group):
    """Commands for who manages the guild: declared, and checked again whatever a guild's admins override."""

    def __init__(self, context: CommandContext, *, name: str, description: str) -> None:
        super().__init__(name=name, description=description, default_permissions=MANAGES_GUILD, guild_only=True)
        self.context = context

    async def interaction_check(self, interaction: Interaction, /) -> bool:
        return check_manages_guild(interaction)


def changed_by(interaction: Interaction) -> ChangedBy:
    return ChangedBy("discord", interaction.user.id, correlation_id_of(interaction))


def check_sees(interaction: Interaction, *channels: AnyChannel | None) -> None:
    """Raises RefusedError for a channel of another guild, or one that who asks cannot read."""
    guild, member = guild_of(interaction), member_of(interaction)
    for channel in channels:
        if channel is not None and (channel.guild.id != guild.id or not may_read(channel, member)):
            raise RefusedError("You need View Channel and Read Message History in that channel for this.")


async def change(
    context: CommandContext,
    make: Callable[[Connection], Awaitable[bool]],
    *described: AnyChannel | None,
) -> bool:
    """Makes a change in one use of the session, and has it take effect at once. False: it was so already."""
    async with context.session.use() as connection:
        channels = [describe(channel) for channel in described if channel is not None]
        await describe_channels(connection, channels, context.epoch)
        is_changed = await make(connection)
    if is_changed:
        context.on_commit()
        await context.reload_channels()
    return is_changed
