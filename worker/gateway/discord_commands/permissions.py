"""What the bot needs in a channel, as a checklist. Pure."""

from collections.abc import Sequence

import discord

from worker.gateway.described import AnyChannel
from worker.gateway.discord_commands.asking import missing_permissions, permission_name

TO_LISTEN = ("view_channel", "read_message_history")
TO_ANNOUNCE = ("view_channel", "read_message_history", "send_messages", "embed_links", "attach_files")
TO_ALARM = ("view_channel", "read_message_history", "send_messages", "embed_links")


def checklist(channel: AnyChannel, needed: Sequence[str], purpose: str) -> list[str]:
    """One line a permission; where some are missing, a last one says how to grant them."""
    permissions = channel.permissions_for(channel.guild.me)
    lines = [f"**{purpose}** <#{channel.id}>"]
    lines += [f"{'✅' if getattr(permissions, name) else '❌'} {permission_name(name)}" for name in needed]
    if missing := missing_permissions(permissions, needed):
        lines.append(
            f"Missing: **{', '.join(missing)}**. Edit the channel, Permissions, add the bot's role, allow them."
        )
    return lines


def listening_checklist(channel: AnyChannel, *, with_threads: bool) -> list[str]:
    lines = checklist(channel, TO_LISTEN, "To listen to")
    if with_threads and isinstance(channel, discord.TextChannel | discord.ForumChannel):
        granted = channel.permissions_for(channel.guild.me).manage_threads
        lines.append(f"{'✅' if granted else '➖'} Manage Threads, for private threads only")
    return lines
