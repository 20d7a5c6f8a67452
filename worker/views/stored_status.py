"""The state of what is stored, read from the database alone."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from asyncpg import Connection

from worker.db.lease import find_holder
from worker.db.migration.state import read_state
from worker.db.schema import HEAD
from worker.ingest.channels import LISTENS
from worker.ingest.coverage import Gap, find_gaps
from worker.ingest.gaps import OpenGap, open_gaps

_CHANNELS = f"""
SELECT c.channel_id, c.name, {LISTENS} AS listens, c.unreachable_since, c.parser,
       stored.messages, stored.last_message_id
  FROM discord_channels c
  LEFT JOIN discord_channels parent ON parent.channel_id = c.parent_id
 CROSS JOIN LATERAL (
       SELECT count(*) AS messages, max(message_id) AS last_message_id
         FROM discord_messages m
        WHERE m.channel_id = c.channel_id) AS stored
 ORDER BY listens DESC, c.name, c.channel_id
"""  # noqa: S608  a constant of ours

_PARSE_STATES = (
    "SELECT parse_state, count(*) AS messages FROM discord_messages GROUP BY parse_state ORDER BY parse_state"
)

_EVENTS = "SELECT max(id) AS last_id, count(*) AS kept FROM events"


@dataclass(frozen=True, slots=True)
class ChannelStatus:
    """`listens` holds too for a thread whose parent is listened to. `gaps` are those that a worker has found and that
    are open, `unnoticed` those that none has found yet, up to the last stored message, and nobody will of a channel
    that is gone; the newest first."""

    channel_id: int
    name: str
    listens: bool
    unreachable_since: datetime | None
    parser: str | None
    messages: int
    last_message_id: int | None
    gaps: tuple[OpenGap, ...] = ()
    unnoticed: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class Status:
    """`revisions` are those of the schema as it is, `head` that of the code; `worker` is the host and the process that
    ingest; `parse_states` counts messages."""

    server_version: str
    revisions: tuple[str, ...]
    head: str
    worker: str | None
    channels: tuple[ChannelStatus, ...]
    parse_states: dict[str, int]
    last_event_id: int | None
    events_kept: int
    event_retention_days: int


async def read_status(connection: Connection, *, event_retention_days: int) -> Status:
    events = await connection.fetchrow(_EVENTS)
    return Status(
        server_version=str(await connection.fetchval("SHOW server_version")),
        revisions=(await read_state(connection)).revisions,
        head=HEAD,
        worker=await find_holder(connection),
        channels=await _channels(connection),
        parse_states={row["parse_state"]: row["messages"] for row in await connection.fetch(_PARSE_STATES)},
        last_event_id=events["last_id"] if events else None,
        events_kept=events["kept"] if events else 0,
        event_retention_days=event_retention_days,
    )


async def _channels(connection: Connection) -> tuple[ChannelStatus, ...]:
    rows = await connection.fetch(_CHANNELS)
    gaps = defaultdict[int, list[OpenGap]](list)
    for gap in await open_gaps(connection):
        gaps[gap.channel_id].append(gap)
    newest = {
        row["channel_id"]: row["last_message_id"]
        for row in rows
        if row["listens"] and row["last_message_id"] and not row["unreachable_since"]
    }
    unnoticed = defaultdict[int, list[Gap]](list)
    for missing in await find_gaps(connection, newest):
        if not any(gap.first_id <= missing.last_id and missing.first_id <= gap.last_id for gap in gaps[missing[0]]):
            unnoticed[missing.channel_id].append(missing)
    return tuple(
        ChannelStatus(**row, gaps=tuple(gaps[row["channel_id"]]), unnoticed=tuple(unnoticed[row["channel_id"]]))
        for row in rows
    )
