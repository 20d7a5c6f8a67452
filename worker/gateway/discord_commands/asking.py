"""Who asks, and what that member may see and do. Declared permissions can be lifted by a guild's admins, and the
handler decides whatever they say."""

from collections.abc import Iterable

import discord
from discord import app_commands

from worker.exits import RefusedError
from worker.gateway.described import AnyChannel
from worker.ingest.channels import Channel, ChannelBook

Interaction = discord.Interaction[discord.Client]

MANAGES_GUILD = discord.Permissions(manage_guild=True)


def check_manages_guild(interaction: Interaction) -> bool:
    """For a command's checks. Raises app_commands.NoPrivateMessage or MissingPermissions."""
    if interaction.guild_id is None:
        raise app_commands.NoPrivateMessage
    if not interaction.permissions.manage_guild:
        raise app_commands.MissingPermissions(["manage_guild"])
    return True


def guild_of(interaction: Interaction) -> discord.Guild:
    """The guild that is asked in. Raises app_commands.NoPrivateMessage."""
    if interaction.guild is None:
        raise app_commands.NoPrivateMessage
    return interaction.guild


def member_of(interaction: Interaction) -> discord.Member:
    """Who asks, with the roles there. Raises app_commands.NoPrivateMessage."""
    if not isinstance(interaction.user, discord.Member):
        raise app_commands.NoPrivateMessage
    return interaction.user


def check_owns_application(interaction: Interaction) -> None:
    """Raises RefusedError for anybody but the application's owner, or of a team its owner and admins."""
    application = interaction.client.application
    owners = {application.owner.id} if application else set()
    if application and application.team:
        # A role below admin may not even see the bot's token.
        roles = (discord.TeamMemberRole.admin,)
        owners = {one.id for one in application.team.members if one.role in roles} | {application.team.owner_id or 0}
    if interaction.user.id not in owners:
        raise RefusedError(
            "Only the owner of the bot's application may do that (developer portal, General Information)."
        )


def visible_channels(interaction: Interaction, book: ChannelBook) -> set[int]:
    """The ids of this guild's stored channels and threads whose messages the asking member may read."""
    guild, member = guild_of(interaction), member_of(interaction)
    # Who asks in a private thread is in it, which Discord does not tell otherwise.
    asked_in = {interaction.channel_id} if interaction.permissions.read_message_history else set()
    return {
        channel.channel_id
        for channel in book.of_guild(guild.id)
        if channel.channel_id in asked_in or _sees(guild, member, channel)
    }


def _sees(guild: discord.Guild, member: discord.Member, channel: Channel) -> bool:
    known = guild.get_channel_or_thread(channel.channel_id)
    if known is not None:
        return may_read(known, member)
    # An archived thread is not known to the library, so it may be a private one: who manages threads sees these too.
    parent = guild.get_channel(channel.parent_id or 0)
    return parent is not None and may_read(parent, member) and parent.permissions_for(member).manage_threads


def may_read(channel: AnyChannel, member: discord.Member) -> bool:
    """Whether a member can read what was posted there."""
    permissions = channel.permissions_for(member)
    if not (permissions.view_channel and permissions.read_message_history):
        return False
    if not isinstance(channel, discord.Thread) or not channel.is_private() or permissions.manage_threads:
        return True
    return member.id == channel.owner_id or member.id in (one.id for one in channel.members)


def missing_permissions(permissions: discord.Permissions, needed: Iterable[str]) -> list[str]:
    """Those that are not granted, as Discord's settings name them."""
    return [permission_name(name) for name in needed if not getattr(permissions, name)]


# Where Discord's settings say something else than the API.
_NAMES = {"manage_guild": "Manage Server", "manage_webhooks": "Manage Webhooks"}


def permission_name(name: str) -> str:
    return _NAMES.get(name, name.replace("_", " ").title())
