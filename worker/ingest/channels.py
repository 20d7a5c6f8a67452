"""The channels that are listened to: rows of discord_channels, and what Discord says of them."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from asyncpg import Connection

from worker.db.lease import transaction
from worker.words import ChannelKind

COLUMNS = (
    "channel_id, guild_id, name, kind, parent_id, is_listen, is_announce, is_active, parser, history_from, "
    "announce_to, includes_threads, unreachable_since IS NOT NULL AS is_unreachable"
)

# Of the channel `c`, which may hang on the channel `parent`; decides as ChannelBook.listens_to does.
LISTENS = """(
       c.is_active
       AND (c.is_listen OR coalesce(parent.is_listen AND parent.is_active AND parent.includes_threads, false)))"""

# The moment from which on its messages are asked for.
ASKED_SINCE = """
       coalesce(least(CASE WHEN c.is_listen THEN c.history_from END,
                      CASE WHEN parent.is_listen AND parent.includes_threads THEN parent.history_from END),
                c.created_at)"""

_LOAD_CHANNELS = f"SELECT {COLUMNS} FROM discord_channels ORDER BY channel_id"  # noqa: S608  a constant of ours

_SET_PERMISSION = """
UPDATE discord_channels SET permission_state = $2, permission_checked_at = now() WHERE channel_id = $1
"""

# What Discord says of a channel is no configuration, so nothing is told.
_DESCRIBE_CHANNELS = """
INSERT INTO discord_channels (channel_id, guild_id, name, kind, parent_id)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[])
ON CONFLICT (channel_id) DO UPDATE
   SET guild_id = excluded.guild_id, name = excluded.name, kind = excluded.kind, parent_id = excluded.parent_id,
       unreachable_since = NULL, updated_at = now()
 WHERE discord_channels.unreachable_since IS NOT NULL
    OR (discord_channels.guild_id, discord_channels.name, discord_channels.kind, discord_channels.parent_id)
       IS DISTINCT FROM (excluded.guild_id, excluded.name, excluded.kind, excluded.parent_id)
"""

# What a thread holds is no older than it is, and it was archived after its last message.
_THREADS_KNOWN_UNTIL = """
SELECT coalesce(threads_checked_at, history_from, created_at) FROM discord_channels WHERE channel_id = $1
"""

# Not where more was asked for meanwhile, or where the channel was found to be gone: should it come back, all are looked
# for.
_SET_THREADS_CHECKED = """
UPDATE discord_channels SET threads_checked_at = $3
 WHERE channel_id = $1 AND coalesce(threads_checked_at, history_from, created_at) = $2 AND unreachable_since IS NULL
"""

_FORBIDDEN = "SELECT channel_id FROM discord_channels WHERE permission_state = 'missing'"


@dataclass(frozen=True, slots=True)
class Channel:
    """A row of discord_channels, without its coverage."""

    channel_id: int
    guild_id: int | None
    name: str
    kind: str
    parent_id: int | None
    is_listen: bool
    is_announce: bool
    is_active: bool
    parser: str | None
    history_from: datetime | None
    announce_to: int | None
    includes_threads: bool
    is_unreachable: bool

    @property
    def listens(self) -> bool:
        return self.is_listen and self.is_active

    @property
    def extent(self) -> tuple[object, ...]:
        """What is asked for of it: another one means that there may be more to fetch."""
        return (self.channel_id, self.history_from, self.includes_threads)


@dataclass(slots=True)
class ChannelBook:
    """The channels as they were last read: what the gateway's handlers ask, which must not wait for the database."""

    _channels: dict[int, Channel] = field(default_factory=dict)
    _parents: dict[int, int] = field(default_factory=dict)  # of threads that have no row yet

    def replace(self, channels: Sequence[Channel]) -> list[int]:
        """Takes the channels as they are now; returns the ids of those that more is asked for than before."""
        before = {channel.extent for channel in self.listened()}
        self._channels = {channel.channel_id: channel for channel in channels}
        return [one.channel_id for one in self.listened() if one.extent not in before]

    def listened(self) -> Iterator[Channel]:
        return (channel for channel in self._channels.values() if channel.listens)

    def is_listened_on(self, channel_ids: Collection[int]) -> bool:
        """Whether any thread of these channels is listened to by itself."""
        return any(channel.parent_id in channel_ids for channel in self.listened())

    def of_guild(self, guild_id: int) -> list[Channel]:
        """All that are known of a guild, threads too, whether they are listened to or not."""
        return [channel for channel in self._channels.values() if channel.guild_id == guild_id]

    def find(self, channel_id: int) -> Channel | None:
        return self._channels.get(channel_id)

    def hangs_on(self, thread_id: int, parent_id: int) -> None:
        """Takes a thread that Discord has just told of."""
        self._parents[thread_id] = parent_id

    def parent_of(self, channel_id: int) -> int | None:
        channel = self._channels.get(channel_id)
        return channel.parent_id if channel and channel.parent_id else self._parents.get(channel_id)

    def listens_to(self, channel_id: int, parent_id: int | None = None) -> bool:
        """Whether messages of a channel are stored: it is listened to, or the channel that a thread hangs on is."""
        own = self._channels.get(channel_id)
        if own is not None and (own.listens or not own.is_active):
            return own.listens
        parent = self._channels.get(parent_id) if parent_id is not None else None
        return parent is not None and parent.listens and parent.includes_threads

    def parser_of(self, channel_id: int) -> str | None:
        """The parser that a channel, or the channel that the thread hangs on, is bound to; None: detect."""
        channel = self._channels.get(channel_id)
        if channel is not None and channel.parser is not None:
            return channel.parser
        parent = self._channels.get(self.parent_of(channel_id) or 0)
        return parent.parser if parent else None


async def load_channels(connection: Connection) -> list[Channel]:
    return [Channel(**dict(row)) for row in await connection.fetch(_LOAD_CHANNELS)]


@dataclass(frozen=True, slots=True)
class Described:
    """What Discord says of a channel: its guild, name, kind, and what it hangs on."""

    channel_id: int
    guild_id: int | None
    name: str
    kind: ChannelKind
    parent_id: int | None


async def describe_channels(connection: Connection, described: Sequence[Described], epoch: int | None) -> None:
    """Raises LeaseLostError as worker.db.lease.begin does."""
    if not described:
        return
    rows = sorted((one.channel_id, one.guild_id, one.name, one.kind, one.parent_id) for one in described)
    async with transaction(connection, epoch):
        await connection.execute(_DESCRIBE_CHANNELS, *(list(column) for column in zip(*rows, strict=True)))


async def set_permission(connection: Connection, channel_id: int, *, granted: bool, epoch: int | None) -> None:
    """Keeps whether the bot may read a channel's history, and when that was looked at. Raises LeaseLostError."""
    async with transaction(connection, epoch):
        await connection.execute(_SET_PERMISSION, channel_id, "granted" if granted else "missing")


async def threads_known_until(connection: Connection, channel_id: int) -> datetime:
    """Up to which moment the archived threads of a channel are known, or were not asked for."""
    until: datetime = await connection.fetchval(_THREADS_KNOWN_UNTIL, channel_id)
    return until


async def set_threads_checked(
    connection: Connection, channel_id: int, known_until: datetime, until: datetime, epoch: int | None
) -> None:
    """`known_until` is what threads_known_until gave before. Raises LeaseLostError as worker.db.lease.begin does."""
    async with transaction(connection, epoch):
        await connection.execute(_SET_THREADS_CHECKED, channel_id, known_until, until)


async def forbidden_channels(connection: Connection) -> set[int]:
    """Those whose history the bot could not read when that was looked at last."""
    return {row["channel_id"] for row in await connection.fetch(_FORBIDDEN)}
