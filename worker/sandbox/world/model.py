"""What the sandbox's Discord is made of: users, guilds with their members and roles, channels, threads, messages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, IntFlag
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from worker.sandbox.wire import Json
from worker.sandbox.world.permissions import NONE, Permission

if TYPE_CHECKING:
    from worker.sandbox.world.world import World

NO_EXTRA: Mapping[str, Any] = MappingProxyType({})


class ChannelKind(IntEnum):
    TEXT = 0
    VOICE = 2
    CATEGORY = 4
    NEWS = 5
    NEWS_THREAD = 10
    PUBLIC_THREAD = 11
    PRIVATE_THREAD = 12
    FORUM = 15


class MessageKind(IntEnum):
    DEFAULT = 0
    THREAD_CREATED = 18
    REPLY = 19
    COMMAND_ANSWER = 20
    THREAD_STARTER = 21


class MessageFlag(IntFlag):
    CROSSPOSTED = 1 << 0  # published to the channels that follow
    IS_CROSSPOST = 1 << 1  # which this came from
    HAS_THREAD = 1 << 5
    EPHEMERAL = 1 << 6
    LOADING = 1 << 7
    HAS_SNAPSHOT = 1 << 14
    IS_COMPONENTS_V2 = 1 << 15


@dataclass(frozen=True, slots=True)
class User:
    id: int
    name: str
    bot: bool = False


@dataclass(slots=True, eq=False)
class Role:
    id: int
    name: str
    permissions: Permission
    position: int = 1


@dataclass(slots=True, eq=False)
class Member:
    user: User
    joined_at: datetime
    role_ids: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Overwrite:
    """What one role or member is allowed and denied in one channel, beside the rules of the guild."""

    target_id: int
    is_role: bool
    allow: Permission = NONE
    deny: Permission = NONE


@dataclass(slots=True, eq=False)
class Guild:
    id: int
    name: str
    owner_id: int
    world: "World" = field(repr=False)
    roles: dict[int, Role] = field(default_factory=dict)
    members: dict[int, Member] = field(default_factory=dict)
    available: bool = True

    def add_channel(
        self, name: str, kind: ChannelKind | str = ChannelKind.TEXT, *, parent: "Channel | None" = None
    ) -> "Channel":
        """A new channel, told as CHANNEL_CREATE. `kind` may be a name such as "forum"."""
        return self.world.places.add_channel(self, name, channel_kind(kind), parent=parent)

    def add_role(self, name: str, permissions: Permission = NONE) -> Role:
        return self.world.places.add_role(self, name, permissions)

    def set_role(self, role: Role, permissions: Permission) -> None:
        self.world.places.set_role_permissions(self, role, permissions)

    def add_member(self, user: User, roles: Sequence[Role] = ()) -> Member:
        """The user's membership, new or with these roles added."""
        return self.world.places.add_member(self, user, roles)

    def remove_bot(self) -> None:
        """The bot is thrown out."""
        self.world.places.remove_bot(self)

    def add_bot(self) -> None:
        """The bot is invited again."""
        self.world.places.add_bot(self)

    def set_available(self, available: bool) -> None:
        """An outage of the guild, or its end."""
        self.world.places.set_available(self, available)


@dataclass(slots=True, eq=False)
class ThreadState:
    """What a thread has beyond a channel. `archived_at` is when it was last archived or un-archived."""

    owner_id: int
    created_at: datetime
    archived_at: datetime
    archived: bool = False
    locked: bool = False
    private: bool = False
    members: set[int] = field(default_factory=set)
    posted: int = 0


@dataclass(slots=True, eq=False)
class Channel:
    id: int
    guild: Guild
    name: str
    kind: ChannelKind
    parent: "Channel | None" = None
    position: int = 0
    overwrites: dict[int, Overwrite] = field(default_factory=dict)
    thread: ThreadState | None = None
    last_message_id: int | None = None
    message_ids: list[int] = field(default_factory=list, repr=False)

    def add_thread(
        self,
        name: str,
        text: str | None = None,
        *,
        author: User | None = None,
        message: "Message | None" = None,
        private: bool = False,
    ) -> "Channel":
        """A new thread. In a forum `text` is the first message and has the thread's id; with `message` the thread
        hangs on that message and has its id."""
        return self.guild.world.threads.open(self, name, text, author=author, message=message, private=private)

    def add_thread_member(self, user: User) -> None:
        """Raises ValueError for a channel that is no thread."""
        self.guild.world.threads.add_member(self, user)

    def remove_thread_member(self, user: User) -> None:
        """Raises ValueError for a channel that is no thread."""
        self.guild.world.threads.remove_member(self, user)

    def set_archived(self, archived: bool) -> None:
        """Raises ValueError for a channel that is no thread."""
        self.guild.world.threads.set_archived(self, archived)

    def rename(self, name: str) -> None:
        self.guild.world.places.rename(self, name)

    def delete(self) -> None:
        """The channel goes, its threads and messages with it; of the messages nothing is told."""
        self.guild.world.places.delete_channel(self)

    def set_permissions(
        self, target: User | Role | None = None, *, allow: Permission = NONE, deny: Permission = NONE
    ) -> None:
        """Sets the channel's overwrite for a role or member, the bot unless another is named."""
        self.guild.world.places.set_permissions(self, target, allow=allow, deny=deny)


@dataclass(frozen=True, slots=True)
class Reaction:
    emoji: str
    user_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One state of a message. `extra` holds the keys that few messages have, such as message_snapshots or poll."""

    id: int
    channel: Channel = field(repr=False)
    author: User
    content: str = ""
    kind: int = MessageKind.DEFAULT
    edited_at: datetime | None = None
    webhook: bool = False
    embeds: tuple[Json, ...] = ()
    attachments: tuple[Json, ...] = ()
    components: tuple[Json, ...] = ()
    flags: int = 0
    mentions: tuple[User, ...] = ()
    mention_everyone: bool = False
    reactions: tuple[Reaction, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=lambda: NO_EXTRA)


def channel_kind(kind: ChannelKind | str) -> ChannelKind:
    """Raises KeyError for a name that is no kind."""
    return kind if isinstance(kind, ChannelKind) else ChannelKind[kind.upper()]
