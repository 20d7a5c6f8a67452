"""Who may do what where. Source: Discord's developer documentation, "Permissions", with its order of overwrites."""

from enum import IntFlag
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from worker.sandbox.world.model import Channel, Guild, Member, Overwrite


class Permission(IntFlag):
    """The bits a listening bot with commands meets."""

    ADMINISTRATOR = 1 << 3
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    USE_APPLICATION_COMMANDS = 1 << 31
    MANAGE_THREADS = 1 << 34
    CREATE_PUBLIC_THREADS = 1 << 35
    SEND_MESSAGES_IN_THREADS = 1 << 38


NONE = Permission(0)
ALL = Permission(sum(Permission))
EVERYONE_DEFAULT = (
    Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.SEND_MESSAGES_IN_THREADS
    | Permission.READ_MESSAGE_HISTORY
    | Permission.ADD_REACTIONS
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.USE_APPLICATION_COMMANDS
    | Permission.CREATE_PUBLIC_THREADS
)


def in_guild(guild: "Guild", user_id: int) -> Permission:
    """What the member may do in the guild as a whole; nothing for a user who is no member."""
    member = guild.members.get(user_id)
    if member is None:
        return NONE
    granted = guild.roles[guild.id].permissions
    for role_id in member.role_ids:
        granted |= guild.roles[role_id].permissions
    return ALL if user_id == guild.owner_id or Permission.ADMINISTRATOR in granted else granted


def in_channel(channel: "Channel", user_id: int) -> Permission:
    """What the member may do in the channel; nothing without VIEW_CHANNEL. A thread has its parent's rules."""
    granted = in_guild(channel.guild, user_id)
    if Permission.ADMINISTRATOR in granted:
        return granted
    member = channel.guild.members.get(user_id)
    if member is not None:
        place = channel.parent if channel.thread is not None and channel.parent is not None else channel
        granted = _overwritten(granted, place, member)
    return granted if _may_see(channel, user_id, granted) else NONE


def _overwritten(granted: Permission, channel: "Channel", member: "Member") -> Permission:
    for group in _overwrite_groups(channel, member):
        for overwrite in group:
            granted &= ~overwrite.deny
        for overwrite in group:
            granted |= overwrite.allow
    return granted


def _overwrite_groups(channel: "Channel", member: "Member") -> "list[list[Overwrite]]":
    """Later groups win: everyone, then all roles together, then the member."""
    by_target = channel.overwrites
    targets = ([channel.guild.id], member.role_ids, [member.user.id])
    return [[by_target[target] for target in group if target in by_target] for group in targets]


def _may_see(channel: "Channel", user_id: int, granted: Permission) -> bool:
    if Permission.VIEW_CHANNEL not in granted:
        return False
    thread = channel.thread
    return thread is None or not thread.private or user_id in thread.members or Permission.MANAGE_THREADS in granted
