"""What the database knows that bears on one message: enough to say why it is stored, or why not."""

from dataclasses import dataclass
from datetime import datetime

from asyncpg import Connection

from worker import correlation
from worker.ingest.channel_changes import listened_with
from worker.ingest.channels import ASKED_SINCE, LISTENS
from worker.ingest.gaps import OpenGap, open_gaps

_MESSAGE = """
SELECT channel_id, origin, received_at, revision, edited_at, deleted_at, deletion_inferred, parse_state, parse_reason,
       parser, (SELECT count(*) FROM ticker_plans p WHERE p.message_id = m.message_id) AS plans
  FROM discord_messages m WHERE message_id = $1
"""

_CHANNEL = f"""
SELECT c.name, {LISTENS} AS listens,
       c.unreachable_since, c.permission_state, {ASKED_SINCE} AS since,
       c.covered @> $2::bigint AS is_covered, upper(c.covered) - 1 AS covered_up_to
  FROM discord_channels c LEFT JOIN discord_channels parent ON parent.channel_id = c.parent_id
 WHERE c.channel_id = $1
"""  # noqa: S608  constants of ours

_EVENTS = "SELECT id, event_type, created_at FROM events WHERE correlation_id = $1 ORDER BY id"

_VERIFIED_AT = """
SELECT max(verified_at) FROM channel_verifications WHERE channel_id = $1 AND $2 BETWEEN first_id AND last_id
"""


@dataclass(frozen=True, slots=True)
class StoredFacts:
    """A message's row, as far as it tells how it came and what became of it."""

    channel_id: int
    origin: str
    received_at: datetime
    revision: int
    edited_at: datetime | None
    deleted_at: datetime | None
    deletion_inferred: bool
    parse_state: str
    parse_reason: str | None
    parser: str | None
    plans: int


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """`since` is how far back messages are asked for; `covered_up_to` the newest id of which everything is known."""

    name: str
    listens: bool
    unreachable_since: datetime | None
    permission_state: str
    since: datetime
    is_covered: bool
    covered_up_to: int | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """`listened_with` is the channel that a thread is listened to with which is not by itself; `gap` the open one that
    the message lies in; `events` are ids, types and times."""

    message_id: int
    channel_id: int | None
    message: StoredFacts | None
    channel: ChannelFacts | None
    listened_with: int | None
    gap: OpenGap | None
    verified_at: datetime | None
    events: tuple[tuple[int, str, datetime], ...]


async def read_explanation(connection: Connection, channel_id: int | None, message_id: int) -> Explanation:
    """`channel_id` None: the message is known by its id alone."""
    row = await connection.fetchrow(_MESSAGE, message_id)
    message = StoredFacts(**dict(row)) if row else None
    channel_id = message.channel_id if message else channel_id
    found = await connection.fetchrow(_CHANNEL, channel_id, message_id) if channel_id else None
    gaps = [gap for gap in await open_gaps(connection) if gap.channel_id == channel_id]
    events = await connection.fetch(_EVENTS, correlation.of_message(message_id))
    return Explanation(
        message_id,
        channel_id,
        message,
        ChannelFacts(**dict(found)) if found else None,
        await listened_with(connection, channel_id) if channel_id else None,
        next((gap for gap in gaps if gap.first_id <= message_id <= gap.last_id), None),
        await connection.fetchval(_VERIFIED_AT, channel_id, message_id) if channel_id else None,
        tuple((event["id"], event["event_type"], event["created_at"]) for event in events),
    )
