"""How the worker does, as far as a guild's members want to know: quick to ask, however much is stored."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from asyncpg import Connection

from worker.db.migration.state import read_state
from worker.ingest.observation import snowflake_at

ALARMS_OF = timedelta(days=7)

_CHANNELS = """
SELECT c.channel_id, c.is_active, c.parser, c.includes_threads, c.announce_to, c.history_from, c.unreachable_since,
       c.permission_state, upper(c.covered) - 1 AS covered_up_to,
       (SELECT max(message_id) FROM discord_messages m WHERE m.channel_id = c.channel_id) AS last_message_id,
       open.gaps, open.gap_since
  FROM discord_channels c
 CROSS JOIN LATERAL (
       SELECT count(*) AS gaps, min(g.opened_at) AS gap_since
         FROM ingestion_gaps g JOIN discord_channels part USING (channel_id)
        WHERE g.closed_at IS NULL AND c.channel_id IN (part.channel_id, part.parent_id)) AS open
 WHERE c.guild_id = $1 AND c.is_listen
 ORDER BY c.name, c.channel_id
"""

_NOT_READ = """
SELECT count(*) FROM discord_messages
 WHERE message_id >= $2 AND channel_id = ANY($1::bigint[]) AND parse_state IN ('empty', 'failed')
   AND deleted_at IS NULL
"""

_ALARM_CHANNEL = "SELECT alarm_channel_id FROM guild_settings WHERE guild_id = $1"


@dataclass(frozen=True, slots=True)
class ListenedChannel:
    """A channel of the guild that is listened to or paused. `covered_up_to` is the newest id up to which something is
    known of it; `gaps` of it and of its threads are open, the oldest for as long as `gap_since` tells."""

    channel_id: int
    is_active: bool
    parser: str | None
    includes_threads: bool
    announce_to: int | None
    history_from: datetime | None
    unreachable_since: datetime | None
    permission_state: str
    covered_up_to: int | None
    last_message_id: int | None
    gaps: int
    gap_since: datetime | None


@dataclass(frozen=True, slots=True)
class GuildStatus:
    """`not_read` counts the plans of the last days that nothing could be read from."""

    server_version: str
    revisions: tuple[str, ...]
    channels: tuple[ListenedChannel, ...]
    not_read: int
    alarm_channel_id: int | None


async def listened_channels(
    connection: Connection, guild_id: int, visible: Collection[int]
) -> tuple[ListenedChannel, ...]:
    """Those of a guild that are among the visible ones."""
    rows = await connection.fetch(_CHANNELS, guild_id)
    return tuple(ListenedChannel(**dict(row)) for row in rows if row["channel_id"] in visible)


async def read_guild_status(connection: Connection, guild_id: int, visible: Collection[int]) -> GuildStatus:
    channels = await listened_channels(connection, guild_id, visible)
    alarm_channel_id = await connection.fetchval(_ALARM_CHANNEL, guild_id)
    since = snowflake_at(datetime.now(UTC) - ALARMS_OF)
    return GuildStatus(
        server_version=str(await connection.fetchval("SHOW server_version")),
        revisions=(await read_state(connection)).revisions,
        channels=channels,
        not_read=await connection.fetchval(_NOT_READ, list(visible), since),
        alarm_channel_id=alarm_channel_id if alarm_channel_id in visible else None,
    )
