"""What happened in the world, as the ledger and the gateway are told of it.

`event` is the gateway's name for it, None where the gateway says nothing."""

from dataclasses import dataclass
from datetime import datetime

from worker.sandbox.world.model import Channel, Guild, Message, Role, User


@dataclass(frozen=True, slots=True)
class Change:
    event: str | None
    at: datetime
    guild: Guild


@dataclass(frozen=True, slots=True)
class MessageChange(Change):
    """`before` is None for a creation. A deletion has the last state as its message."""

    message: Message
    before: Message | None = None


@dataclass(frozen=True, slots=True)
class MessagesChange(Change):
    """Several messages of one channel at once: a bulk deletion, or history that was seeded (no event)."""

    channel: Channel
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class ReactionChange(Change):
    message: Message
    user: User
    emoji: str


@dataclass(frozen=True, slots=True)
class ChannelChange(Change):
    channel: Channel


@dataclass(frozen=True, slots=True)
class ThreadJoined(ChannelChange):
    """The bot was added to a thread that it may not have known."""


@dataclass(frozen=True, slots=True)
class ThreadLeft(Change):
    """The bot was removed from a thread, which it may not see any more."""

    channel: Channel


@dataclass(frozen=True, slots=True)
class ThreadsShown(Change):
    """The bot gained sight of a channel that has active threads."""

    channel: Channel


@dataclass(frozen=True, slots=True)
class GuildChange(Change):
    pass


@dataclass(frozen=True, slots=True)
class BotJoined(GuildChange):
    """The bot was invited, as against a guild that is there again after an outage."""


@dataclass(frozen=True, slots=True)
class MemberChange(Change):
    user: User


@dataclass(frozen=True, slots=True)
class RoleChange(Change):
    role: Role
