"""The consumers of events as an operator sees them: how far behind each is and why, and what it set aside."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from asyncpg import Connection

from worker import metrics
from worker.events.wakeup import NOTIFY_CHANNEL
from worker.exits import ConfigError, NotFoundError

Cause = Literal["none", "no reader", "handler fails", "handler is busy"]

_LIST = """
SELECT c.name, c.channels, c.position, c.reason,
       CASE WHEN c.lease_until >= clock_timestamp() THEN c.lease_holder END AS holder,
       behind.events AS lag_events,
       coalesce(extract(epoch FROM clock_timestamp() - behind.oldest), 0)::float8 AS lag_seconds,
       CASE WHEN behind.events = 0 THEN 'none'
            WHEN c.lease_until IS NULL OR c.lease_until < clock_timestamp() THEN 'no reader'
            WHEN c.reason IS NOT NULL THEN 'handler fails'
            ELSE 'handler is busy' END AS cause,
       letter.dead AS dead_letters, letter.waiting AS waiting_letters
  FROM event_consumers AS c
 CROSS JOIN LATERAL (
       SELECT count(*) AS events, min(e.created_at) AS oldest
         FROM events AS e
        WHERE e.id > c.position AND (c.channels = '{}' OR e.channel = ANY(c.channels))) AS behind
 CROSS JOIN LATERAL (
       SELECT count(*) FILTER (WHERE l.state = 'dead') AS dead, count(*) FILTER (WHERE l.state = 'waiting') AS waiting
         FROM event_letters AS l
        WHERE l.consumer = c.name) AS letter
 ORDER BY c.name
"""

_DEAD = """
SELECT event_id, event_type, correlation_id, tries, reason, changed_at
  FROM event_letters
 WHERE consumer = $1 AND state = 'dead'
 ORDER BY event_id
"""

_REQUEUE = """
UPDATE event_letters
   SET state = 'waiting', tries = 0, retry_at = NULL, changed_at = clock_timestamp()
 WHERE consumer = $1 AND state = 'dead' AND ($2::bigint[] = '{}' OR event_id = ANY($2))
"""

# A reader at work would write its own position over it.
_MOVE = """
UPDATE event_consumers
   SET position = $2, started_after = least(started_after, $2), tries = 0, failed_up_to = NULL, reason = NULL,
       retry_at = NULL
 WHERE name = $1 AND (lease_until IS NULL OR lease_until < clock_timestamp())
RETURNING position
"""


@dataclass(frozen=True, slots=True)
class ConsumerStatus:
    """`lag_events` are told and not done; `lag_seconds` is how long ago the oldest of them was told.

    `holder` is the reader at work, as host:process:number; `reason` is why the last try failed."""

    name: str
    channels: tuple[str, ...]
    position: int
    reason: str | None
    holder: str | None
    lag_events: int
    lag_seconds: float
    cause: Cause
    dead_letters: int
    waiting_letters: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that a consumer failed on after its last try, at `changed_at`."""

    event_id: int
    event_type: str
    correlation_id: str
    tries: int
    reason: str
    changed_at: datetime


async def list_consumers(connection: Connection) -> list[ConsumerStatus]:
    return [
        ConsumerStatus(**{**row, "channels": tuple(row["channels"])})
        for row in map(dict, await connection.fetch(_LIST))
    ]


async def measure_consumers(connection: Connection) -> None:
    """Sets the gauges of the consumers that there are now."""
    for gauge in (metrics.CONSUMER_LAG_EVENTS, metrics.CONSUMER_LAG_SECONDS, metrics.DEAD_LETTERS):
        gauge.clear()
    for consumer in await list_consumers(connection):
        metrics.CONSUMER_LAG_EVENTS.labels(consumer.name).set(consumer.lag_events)
        metrics.CONSUMER_LAG_SECONDS.labels(consumer.name, consumer.cause).set(consumer.lag_seconds)
        metrics.DEAD_LETTERS.labels(consumer.name).set(consumer.dead_letters)


async def dead_letters(connection: Connection, consumer: str) -> list[DeadLetter]:
    """Raises NotFoundError if nothing is known of the consumer."""
    await require_consumer(connection, consumer)
    return [
        DeadLetter(**{**row, "correlation_id": str(row["correlation_id"])})
        for row in map(dict, await connection.fetch(_DEAD, consumer))
    ]


async def requeue(connection: Connection, consumer: str, event_ids: Sequence[int] = ()) -> int:
    """Has dead letters, or all of them, handed over again, with all their tries; returns how many.

    Raises NotFoundError if nothing is known of the consumer."""
    await require_consumer(connection, consumer)
    status = await connection.execute(_REQUEUE, consumer, event_ids)
    await connection.execute(f"NOTIFY {NOTIFY_CHANNEL}")
    return int(status.rpartition(" ")[2])


async def move_consumer(connection: Connection, consumer: str, after: int) -> None:
    """Has a consumer go on after this event: further on it skips what lies between, further back it reads it again.

    Raises NotFoundError if nothing is known of it, ConfigError while a reader is at work."""
    await require_consumer(connection, consumer)
    if await connection.fetchval(_MOVE, consumer, after) is None:
        raise ConfigError(f"A reader of {consumer} is at work: stop it first, so that it does not write its position.")


async def remove_consumer(connection: Connection, consumer: str) -> None:
    """Forgets a consumer, its letters included. A reader of that name begins anew.

    Raises NotFoundError if nothing is known of it."""
    await require_consumer(connection, consumer)
    await connection.execute("DELETE FROM event_consumers WHERE name = $1", consumer)


async def require_consumer(connection: Connection, consumer: str) -> None:
    """Raises NotFoundError, naming those that there are, if nothing is known of the consumer."""
    known = [row["name"] for row in await connection.fetch("SELECT name FROM event_consumers ORDER BY name")]
    if consumer not in known:
        names = f"there are {', '.join(known)}" if known else "none has read yet"
        raise NotFoundError(f"There is no consumer {consumer}: {names}.")
