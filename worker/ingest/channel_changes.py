"""What is configured of a channel, changed here only: with each change one event, and a row that says who made it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from asyncpg import Connection

from worker import correlation
from worker.db.lease import transaction
from worker.events.catalogue import ChannelAdded, ChannelChanged, ChannelFact, ChannelRemoved, Event, as_json
from worker.events.outbox import commit_events
from worker.exits import InputError, NotFoundError, NotListenedToError
from worker.ingest.channels import COLUMNS, LISTENS, Channel
from worker.ingest.observation import DISCORD_EPOCH
from worker.words import ChangeSource

_ADD_CHANNELS = """
INSERT INTO discord_channels (channel_id, guild_id) SELECT id, $2 FROM unnest($1::bigint[]) AS id
ON CONFLICT (channel_id) DO NOTHING
"""

# In the order of their ids, as the writers do.
_LOCK_CHANNELS = f"""
SELECT {COLUMNS} FROM discord_channels
 WHERE channel_id = ANY($1::bigint[])
    OR channel_id = (SELECT announce_to FROM discord_channels WHERE channel_id = $2)
 ORDER BY channel_id FOR NO KEY UPDATE
"""  # noqa: S608  a constant of ours

# Without being asked for more, history begins when the channel is listened to. Threads that were archived before are
# asked for as well where other than before is asked for, since the gaps of those that were found may be cancelled.
_SET_CHANNEL = """
UPDATE discord_channels
   SET is_listen = $2, is_active = $3, parser = $4, announce_to = $5,
       threads_checked_at = CASE WHEN (is_listen, is_active, includes_threads) = ($2, $3, $6)
                                       AND history_from IS NOT DISTINCT FROM $7
                                 THEN threads_checked_at END,
       includes_threads = $6, history_from = coalesce($7, now()), updated_at = now()
 WHERE channel_id = $1
"""

_LISTENED_WITH = f"""
SELECT parent.channel_id FROM discord_channels c JOIN discord_channels parent ON parent.channel_id = c.parent_id
 WHERE c.channel_id = $1 AND NOT c.is_listen AND {LISTENS}
"""  # noqa: S608  a constant of ours

_SET_ANNOUNCE = """
UPDATE discord_channels target SET is_announce = NOT is_announce, updated_at = now()
 WHERE channel_id = ANY($1::bigint[])
   AND is_announce <> EXISTS (SELECT FROM discord_channels WHERE announce_to = target.channel_id AND is_listen)
"""

_RECORD = """
INSERT INTO channel_changes (channel_id, source, changed_by, changed, correlation_id) VALUES ($1, $2, $3, $4::jsonb, $5)
"""

_ALARM_CHANNEL = "SELECT alarm_channel_id FROM guild_settings WHERE guild_id = $1 FOR NO KEY UPDATE"

_SET_ALARM_CHANNEL = """
INSERT INTO guild_settings (guild_id, alarm_channel_id) VALUES ($1, $2)
ON CONFLICT (guild_id) DO UPDATE SET alarm_channel_id = excluded.alarm_channel_id, updated_at = now()
"""


@dataclass(frozen=True, slots=True)
class ChangedBy:
    """Who changes the configuration; `user_id` and `correlation_id` are of the user and the interaction in Discord."""

    source: ChangeSource
    user_id: int | None = None
    correlation_id: UUID | None = None

    def __str__(self) -> str:
        return f"discord:{self.user_id}" if self.user_id is not None else self.source.replace("_", " ")


COMMAND_LINE = ChangedBy("command_line")
SETTING = ChangedBy("setting")


NOWHERE = 0


@dataclass(frozen=True, slots=True)
class Options:
    """What may be chosen of a channel; what is left out stays as it is. `parser` empty: detect; `announce_to` may be
    NOWHERE; `history_from` only goes back."""

    parser: str | None = None
    history_from: datetime | None = None
    includes_threads: bool | None = None
    announce_to: int | None = None

    def applied(self, channel: Channel) -> Channel:
        # No id is older than Discord, and none can be made of such a moment.
        asked, has = self.history_from and max(self.history_from, DISCORD_EPOCH), channel.history_from
        return replace(
            channel,
            parser=channel.parser if self.parser is None else self.parser or None,
            history_from=asked if asked is not None and (has is None or asked < has) else has,
            includes_threads=channel.includes_threads if self.includes_threads is None else self.includes_threads,
            announce_to=channel.announce_to if self.announce_to is None else self.announce_to or None,
        )


async def add_channel(
    connection: Connection,
    channel_id: int,
    *,
    by: ChangedBy,
    options: Options = Options(),
    guild_id: int | None = None,
    epoch: int | None = None,
) -> bool:
    """Listens to a channel from now on. False: it did so already, and as it is asked for.

    Raises InputError for options that contradict each other, and LeaseLostError as worker.db.lease.begin does."""

    def wanted(channel: Channel) -> Channel:
        return replace(options.applied(channel), is_listen=True, is_active=True)

    return await _change(connection, channel_id, wanted, by, epoch, target=options.announce_to, adds_to=guild_id or 0)


async def set_channel(
    connection: Connection,
    channel_id: int,
    options: Options,
    *,
    by: ChangedBy,
    guild_id: int | None = None,
    epoch: int | None = None,
) -> bool:
    """Changes what was chosen of a channel that is listened to. False: it was so already.

    Raises NotListenedToError for a channel that is not, NotFoundError for one that nothing is known of, and what
    add_channel raises."""

    def wanted(channel: Channel) -> Channel | None:
        return options.applied(channel) if channel.is_listen else None

    return await _change(connection, channel_id, wanted, by, epoch, target=options.announce_to, adds_to=guild_id)


async def set_active(
    connection: Connection, channel_id: int, *, active: bool, by: ChangedBy, epoch: int | None = None
) -> bool:
    """Pauses a channel, or goes on with it. False: it was so already. Raises as set_channel does."""

    def wanted(channel: Channel) -> Channel | None:
        return replace(channel, is_active=active) if channel.is_listen else None

    return await _change(connection, channel_id, wanted, by, epoch)


async def remove_channel(connection: Connection, channel_id: int, *, by: ChangedBy, epoch: int | None = None) -> bool:
    """Listens to a channel no longer; what is stored of it stays. False: it was not listened to.

    Raises NotListenedToError for a thread that is listened to with its channel alone, NotFoundError for a channel that
    nothing is known of, and LeaseLostError."""
    changed = await _change(connection, channel_id, lambda channel: replace(channel, is_listen=False), by, epoch)
    if not changed and (parent_id := await listened_with(connection, channel_id)) is not None:
        raise NotListenedToError(channel_id, parent_id)
    return changed


async def listened_with(connection: Connection, channel_id: int) -> int | None:
    """The channel that a thread is listened to with, where it is not listened to by itself."""
    parent_id: int | None = await connection.fetchval(_LISTENED_WITH, channel_id)
    return parent_id


async def ask_for_history(
    connection: Connection, channel_id: int, since: datetime, *, by: ChangedBy, epoch: int | None = None
) -> bool:
    """Asks for a channel's messages from that moment on. False: they were asked for already.

    Raises as set_channel does, also for a channel that is paused."""

    def wanted(channel: Channel) -> Channel | None:
        return Options(history_from=since).applied(channel) if channel.listens else None

    return await _change(connection, channel_id, wanted, by, epoch)


async def cancel_history(
    connection: Connection, channel_id: int, back_to: datetime, *, by: ChangedBy, epoch: int | None = None
) -> bool:
    """Asks for a channel's messages only from that moment on; what is stored stays. False: for no more was asked.

    Raises as set_channel does."""

    def wanted(channel: Channel) -> Channel | None:
        if not channel.is_listen:
            return None
        has = channel.history_from
        return replace(channel, history_from=back_to if has is None or has < back_to else has)

    return await _change(connection, channel_id, wanted, by, epoch)


async def set_alarm_channel(
    connection: Connection, guild_id: int, channel_id: int | None, *, by: ChangedBy, epoch: int | None = None
) -> bool:
    """Where a guild's admins hear of alarms; None: nowhere. False: it was so already. Raises LeaseLostError."""
    async with transaction(connection, epoch):
        before = await connection.fetchval(_ALARM_CHANNEL, guild_id)
        if before == channel_id:
            await connection.execute("ROLLBACK")
            return False
        await connection.execute(_SET_ALARM_CHANNEL, guild_id, channel_id)
        changes = {one: {"is_alarm": one == channel_id} for one in (before, channel_id) if one is not None}
        await connection.execute(_ADD_CHANNELS, sorted(changes), guild_id)
        events = []
        for one, changed in sorted(changes.items()):
            name = _correlation_id(one, by)
            await record_change(connection, one, changed, by, name)
            about = {"channel_id": str(one), "guild_id": str(guild_id), "changed_by": str(by)}
            events.append(Event(ChannelChanged(**about, changed=changed), name))
        await commit_events(connection, events)
    return True


async def record_change(
    connection: Connection, channel_id: int, changed: Mapping[str, Any], by: ChangedBy, correlation_id: UUID
) -> None:
    """The row that says who made a change, in the transaction that makes it. `changed` as the event tells it."""
    await connection.execute(_RECORD, channel_id, by.source, by.user_id, as_json(changed), correlation_id)


async def _change(
    connection: Connection,
    channel_id: int,
    wanted: Callable[[Channel], Channel | None],
    by: ChangedBy,
    epoch: int | None,
    *,
    target: int | None = None,
    adds_to: int | None = None,
) -> bool:
    """Writes and tells what is other than before, in one transaction. `wanted` is None of a channel that is not
    listened to and would have to be.

    `target` is the channel that is to be announced in; `adds_to` is the guild that rows are added to, 0 for an unknown
    one, and None where the channel has to be there."""
    async with transaction(connection, epoch):
        if adds_to is not None:
            await connection.execute(_ADD_CHANNELS, sorted({channel_id, target or channel_id}), adds_to or None)
        rows = await connection.fetch(_LOCK_CHANNELS, [channel_id, target or channel_id], channel_id)
        locked = {row["channel_id"]: Channel(**dict(row)) for row in rows}
        before = locked.get(channel_id)
        if before is None:
            raise NotFoundError(f"Nothing is known of a channel {channel_id}; `channels list` shows those that are.")
        after = wanted(before)
        if after is None:
            raise NotListenedToError(channel_id, await listened_with(connection, channel_id))
        _check(after, locked)
        changed = _told({name: value for name, value in _chosen(after) if value != getattr(before, name)})
        if not changed:
            await connection.execute("ROLLBACK")
            return False
        await connection.execute(_SET_CHANNEL, channel_id, *(value for _, value in _chosen(after)))
        await connection.execute(_SET_ANNOUNCE, [one.announce_to or 0 for one in (before, after)])
        name = _correlation_id(channel_id, by)
        await record_change(connection, channel_id, changed, by, name)
        await commit_events(connection, [Event(_fact(before, after, changed, by), name)])
    return True


# In the order of the parameters of _SET_CHANNEL.
_CHOSEN = ("is_listen", "is_active", "parser", "announce_to", "includes_threads", "history_from")


def _chosen(channel: Channel) -> list[tuple[str, Any]]:
    return [(name, getattr(channel, name)) for name in _CHOSEN]


def _check(channel: Channel, known: Mapping[int, Channel]) -> None:
    """Raises InputError for what contradicts itself."""
    if channel.announce_to == channel.channel_id:
        raise InputError("A channel's plans cannot be announced in the channel itself: choose another one.")
    target = known.get(channel.announce_to or 0)
    if target is not None and None not in (guilds := {target.guild_id, channel.guild_id}) and len(guilds) > 1:
        raise InputError("Plans are announced in a channel of the same server: choose another one.")
    if channel.kind == "forum" and not channel.includes_threads:
        raise InputError("A forum consists of threads: it cannot be listened to without them.")


def _fact(before: Channel, after: Channel, changed: dict[str, Any], by: ChangedBy) -> ChannelFact:
    about = {
        "channel_id": str(before.channel_id),
        "guild_id": str(before.guild_id) if before.guild_id else None,
        "changed_by": str(by),
    }
    if before.is_listen and not after.is_listen:
        return ChannelRemoved(**about)
    if after.is_listen and not before.is_listen:
        return ChannelAdded(**about)
    return ChannelChanged(**about, changed=changed)


def _told(changed: Mapping[str, Any]) -> dict[str, Any]:
    """As it stands in JSON: ids are strings, because JSON's numbers lose digits."""

    def told(value: Any) -> Any:
        if isinstance(value, datetime):
            return value.isoformat()
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    return {name: told(value) for name, value in changed.items()}


def _correlation_id(channel_id: int, by: ChangedBy) -> UUID:
    return by.correlation_id or correlation.of_name(f"channel:config:{channel_id}:{datetime.now(UTC).isoformat()}")
