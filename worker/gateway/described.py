"""Discord's channels in our words."""

from typing import Any

import discord

from worker.ingest.channels import Described
from worker.words import ChannelKind

AnyChannel = discord.abc.GuildChannel | discord.Thread
ThreadedChannel = discord.TextChannel | discord.ForumChannel

_KINDS: dict[discord.ChannelType, ChannelKind] = {
    discord.ChannelType.text: "text",
    discord.ChannelType.news: "news",
    discord.ChannelType.forum: "forum",
    discord.ChannelType.media: "forum",
    discord.ChannelType.voice: "voice",
    discord.ChannelType.stage_voice: "voice",
    discord.ChannelType.public_thread: "thread",
    discord.ChannelType.private_thread: "thread",
    discord.ChannelType.news_thread: "thread",
}


def describe(channel: AnyChannel) -> Described:
    parent_id = channel.parent_id if isinstance(channel, discord.Thread) else None
    return Described(channel.id, channel.guild.id, channel.name, _KINDS.get(channel.type, "unknown"), parent_id)


def describe_payload(thread: dict[str, Any], guild_id: int) -> Described:
    """A thread as REST tells it."""
    return Described(int(thread["id"]), guild_id, str(thread["name"]), "thread", int(thread["parent_id"]))


def can_read_history(channel: AnyChannel) -> bool:
    """Whether an empty page proves that there is nothing: without the permission Discord answers with one as well."""
    permissions = channel.permissions_for(channel.guild.me)
    return permissions.view_channel and permissions.read_message_history
