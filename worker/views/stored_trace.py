"""The whole way of a message, or of another fact, read from the database by its correlation id."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from asyncpg import Connection, Record

from worker import correlation
from worker.events.stored import COLUMNS, StoredEvent
from worker.exits import NotFoundError

TakingState = Literal["taken", "not yet taken", "dead letter", "waits to be taken again"]

_EVENTS = f"SELECT {COLUMNS}, false FROM events WHERE correlation_id = $1 ORDER BY id"  # noqa: S608  constants

# When a consumer took an event is when it had dealt with everything up to it.
_TAKINGS = """
SELECT e.id AS event_id, c.name AS consumer, c.position >= e.id AS is_passed, done.acknowledged_at,
       letter.state, letter.is_replay, letter.tries, letter.reason, letter.changed_at
  FROM events AS e
  JOIN event_consumers AS c ON e.id > c.started_after AND (c.channels = '{}' OR e.channel = ANY(c.channels))
  LEFT JOIN LATERAL (
       SELECT acknowledged_at FROM event_acknowledgements AS a
        WHERE a.consumer = c.name AND a.up_to >= e.id ORDER BY a.up_to LIMIT 1) AS done ON true
  LEFT JOIN event_letters AS letter ON letter.consumer = c.name AND letter.event_id = e.id
 WHERE e.correlation_id = $1
 ORDER BY e.id, c.name
"""

_MESSAGE = """
SELECT m.message_id, m.channel_id, m.guild_id, c.name AS channel_name, m.origin, m.revision, m.posted_at,
       m.received_at, m.edited_at, m.deleted_at, m.parse_state, m.parse_reason, m.parser, m.parser_version
  FROM discord_messages AS m
  JOIN discord_channels AS c USING (channel_id)
 WHERE m.message_id = $1
"""

_MESSAGE_ID = "SELECT message_id FROM discord_messages WHERE correlation_id = $1"

_SETUPS = """
SELECT s.id AS setup_id, p.ticker, p.trading_day, s.kind, s.strategy, s.direction, s.state, s.raw_line
  FROM trade_setups AS s
  JOIN ticker_plans AS p ON p.id = s.plan_id
 WHERE p.message_id = $1
 ORDER BY p.position, s.position, s.id
"""


@dataclass(frozen=True, slots=True)
class TracedMessage:
    """The message as it is stored now; the fields are those of its row."""

    message_id: int
    channel_id: int
    guild_id: int | None
    channel_name: str
    origin: str
    revision: int
    posted_at: datetime
    received_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None
    parse_state: str
    parse_reason: str | None
    parser: str | None
    parser_version: int | None


@dataclass(frozen=True, slots=True)
class TracedSetup:
    """A setup of the message as it stands now."""

    setup_id: int
    ticker: str | None
    trading_day: date
    kind: str
    strategy: str | None
    direction: str
    state: str
    raw_line: str


@dataclass(frozen=True, slots=True)
class Taking:
    """What became of an event at one consumer: `at` is when, if it is known, `reason` why it is a dead letter."""

    consumer: str
    state: TakingState
    at: datetime | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class TracedEvent:
    event: StoredEvent
    takings: tuple[Taking, ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """Events past their retention are missing; the message and its setups stay."""

    correlation_id: UUID
    message: TracedMessage | None
    setups: tuple[TracedSetup, ...]
    events: tuple[TracedEvent, ...]


async def read_trace(connection: Connection, name: UUID | int) -> Trace:
    """The trace of a correlation id or of a message id. Raises NotFoundError if there is nothing of it."""
    correlation_id = name if isinstance(name, UUID) else correlation.of_message(name)
    events = [StoredEvent._make(row) for row in await connection.fetch(_EVENTS, correlation_id)]
    message_id = name if isinstance(name, int) else await _message_id(connection, correlation_id, events)
    row = None if message_id is None else await connection.fetchrow(_MESSAGE, message_id)
    if row is None and not events:
        raise NotFoundError(f"Nothing is stored under {name}; `events tail` shows ids that there are.")
    setups = await connection.fetch(_SETUPS, message_id) if row else []
    takings = defaultdict[int, list[Taking]](list)
    for taking in await connection.fetch(_TAKINGS, correlation_id):
        takings[taking["event_id"]].append(_taking(taking))
    return Trace(
        correlation_id,
        TracedMessage(**dict(row)) if row else None,
        tuple(TracedSetup(**dict(setup)) for setup in setups),
        tuple(TracedEvent(event, tuple(takings[event.id])) for event in events),
    )


async def _message_id(connection: Connection, correlation_id: UUID, events: list[StoredEvent]) -> int | None:
    """The events name it; where they are gone, all messages are looked through."""
    for event in events:
        if message_id := event.data.get("message_id"):
            return int(message_id)
    found: int | None = None if events else await connection.fetchval(_MESSAGE_ID, correlation_id)
    return found


def _taking(row: Record) -> Taking:
    consumer, state = row["consumer"], row["state"]
    if state == "dead":
        return Taking(consumer, "dead letter", row["changed_at"], row["reason"])
    if state == "waiting":
        return Taking(consumer, "waits to be taken again")
    if state == "taken" and not row["is_replay"]:
        return Taking(consumer, "taken", row["changed_at"])
    if row["is_passed"]:
        return Taking(consumer, "taken", row["acknowledged_at"])
    return Taking(consumer, "not yet taken")
