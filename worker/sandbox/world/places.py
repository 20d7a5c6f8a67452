"""Users, guilds, members, roles and channels."""

from collections.abc import Callable, Sequence

from worker.sandbox.world.changes import (
    BotJoined,
    Change,
    ChannelChange,
    GuildChange,
    MemberChange,
    RoleChange,
    ThreadsShown,
)
from worker.sandbox.world.model import Channel, ChannelKind, Guild, Member, Overwrite, Role, User
from worker.sandbox.world.permissions import EVERYONE_DEFAULT, NONE, Permission, in_channel
from worker.sandbox.world.snowflakes import Clock, Snowflakes


class Places:
    """All there is but the messages. Every change is told."""

    def __init__(self, ids: Snowflakes, clock: Clock, tell: Callable[[Change], None]) -> None:
        self._ids = ids
        self._clock = clock
        self._tell = tell
        self.users: dict[int, User] = {}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.bot = self.add_user("sandbox-bot", bot=True)

    def add_user(self, name: str, *, bot: bool = False) -> User:
        user = User(self._ids.next(), name, bot)
        self.users[user.id] = user
        return user

    def add_guild(self, guild: Guild) -> None:
        """Takes in a guild without roles and members; it gets its @everyone role, its owner and the bot."""
        self.guilds[guild.id] = guild
        guild.roles[guild.id] = Role(guild.id, "@everyone", EVERYONE_DEFAULT, position=0)
        guild.members[guild.owner_id] = Member(self.users[guild.owner_id], self._clock.now())
        self.add_bot(guild)

    def add_bot(self, guild: Guild) -> None:
        guild.members[self.bot.id] = Member(self.bot, self._clock.now())
        self._tell(BotJoined("GUILD_CREATE", self._clock.now(), guild))

    def remove_bot(self, guild: Guild) -> None:
        del guild.members[self.bot.id]
        self._tell(GuildChange("GUILD_DELETE", self._clock.now(), guild))

    def set_available(self, guild: Guild, available: bool) -> None:
        """An outage of the guild, or its end. Nothing that happens there meanwhile is told."""
        guild.available = available
        self._tell(GuildChange("GUILD_CREATE" if available else "GUILD_DELETE", self._clock.now(), guild))

    def add_role(self, guild: Guild, name: str, permissions: Permission = NONE) -> Role:
        role = Role(self._ids.next(), name, permissions, position=len(guild.roles))
        guild.roles[role.id] = role
        self._tell(RoleChange("GUILD_ROLE_CREATE", self._clock.now(), guild, role))
        return role

    def set_role_permissions(self, guild: Guild, role: Role, permissions: Permission) -> None:
        role.permissions = permissions
        self._tell(RoleChange("GUILD_ROLE_UPDATE", self._clock.now(), guild, role))

    def add_member(self, guild: Guild, user: User, roles: Sequence[Role] = ()) -> Member:
        known = user.id in guild.members
        member = guild.members.setdefault(user.id, Member(user, self._clock.now()))
        added = [role.id for role in roles if role.id not in member.role_ids]
        member.role_ids.extend(added)
        if added or not known:
            event = "GUILD_MEMBER_UPDATE" if known else "GUILD_MEMBER_ADD"
            self._tell(MemberChange(event, self._clock.now(), guild, user))
        return member

    def add_channel(self, guild: Guild, name: str, kind: ChannelKind, *, parent: Channel | None = None) -> Channel:
        channel = Channel(self._ids.next(), guild, name, kind, parent, position=len(self.channels))
        self.channels[channel.id] = channel
        self._tell_channel("CHANNEL_CREATE", channel)
        return channel

    def rename(self, channel: Channel, name: str) -> None:
        channel.name = name
        self._tell_channel("CHANNEL_UPDATE" if channel.thread is None else "THREAD_UPDATE", channel)

    def delete_channel(self, channel: Channel) -> None:
        """See Channel.delete."""
        for thread in self.threads_of(channel):
            del self.channels[thread.id]
        del self.channels[channel.id]
        self._tell_channel("CHANNEL_DELETE" if channel.thread is None else "THREAD_DELETE", channel)

    def set_permissions(
        self, channel: Channel, target: User | Role | None = None, *, allow: Permission = NONE, deny: Permission = NONE
    ) -> None:
        """See Channel.set_permissions."""
        target = target or self.bot
        saw = Permission.VIEW_CHANNEL in in_channel(channel, self.bot.id)
        channel.overwrites[target.id] = Overwrite(target.id, isinstance(target, Role), allow, deny)
        self._tell_channel("CHANNEL_UPDATE", channel)
        sees = Permission.VIEW_CHANNEL in in_channel(channel, self.bot.id)
        if sees and not saw:
            self._tell(ThreadsShown("THREAD_LIST_SYNC", self._clock.now(), channel.guild, channel))

    def channels_of(self, guild: Guild) -> list[Channel]:
        return [channel for channel in self.channels.values() if channel.guild is guild and channel.thread is None]

    def threads_of(self, place: Guild | Channel) -> list[Channel]:
        """The threads of a guild or of one channel, archived ones too."""
        return [
            channel
            for channel in self.channels.values()
            if channel.thread is not None and (channel.guild is place or channel.parent is place)
        ]

    def _tell_channel(self, event: str, channel: Channel) -> None:
        self._tell(ChannelChange(event, self._clock.now(), channel.guild, channel))
