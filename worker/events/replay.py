"""Handing events over once more: to a consumer, beside its stream, or to whoever reads the output."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Connection

from worker.events.consumers import require_consumer
from worker.events.stored import COLUMNS, StoredEvent
from worker.events.wakeup import NOTIFY_CHANNEL

PAGE_SIZE = 500  # events a statement

_SELECTED = """
e.id > $1 AND ($2::bigint IS NULL OR e.id <= $2) AND ($3::uuid IS NULL OR e.correlation_id = $3)
AND ($4::text[] = '{}' OR e.channel = ANY($4))
AND ($5::timestamptz IS NULL OR e.created_at >= $5) AND ($6::timestamptz IS NULL OR e.created_at < $6)
"""

# What a consumer has still to come to, it is handed anyway; and only what it reads is for it.
_FOR_CONSUMER = """
AND ($7::text IS NULL OR EXISTS (
    SELECT FROM event_consumers AS c
     WHERE c.name = $7 AND e.id <= c.position AND (c.channels = '{}' OR e.channel = ANY(c.channels))))
"""

_COUNT = f"""
SELECT e.event_type, count(*) AS events, min(e.id) AS first_id, max(e.id) AS last_id
  FROM events AS e
 WHERE {_SELECTED} {_FOR_CONSUMER}
 GROUP BY e.event_type
 ORDER BY e.event_type
"""  # noqa: S608  put together from constants

_PAGE = f"""
SELECT {COLUMNS}, true FROM events AS e WHERE {_SELECTED} ORDER BY id LIMIT {PAGE_SIZE}
"""  # noqa: S608  put together from constants

# A dead letter was never handled, so that it is no replay.
_SEND = f"""
INSERT INTO event_letters (
       consumer, event_id, channel, event_type, source, correlation_id, data, created_at, state, is_replay)
SELECT $7, e.id, e.channel, e.event_type, e.source, e.correlation_id, e.data, e.created_at, 'waiting', true
  FROM events AS e
 WHERE {_SELECTED} {_FOR_CONSUMER}
ON CONFLICT (consumer, event_id)
DO UPDATE SET state = 'waiting', tries = 0, retry_at = NULL, changed_at = clock_timestamp(),
              is_replay = event_letters.is_replay OR event_letters.state = 'taken'
"""  # noqa: S608  put together from constants


@dataclass(frozen=True, slots=True)
class Selection:
    """Which events; what is None does not matter. `up_to` and `since` are included, `after` and `until` are not.

    Imported history has negative ids, so it is selected only by a negative `after`."""

    after: int = 0
    up_to: int | None = None
    correlation_id: UUID | None = None
    channels: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    def arguments(self) -> tuple[object, ...]:
        return self.after, self.up_to, self.correlation_id, self.channels, self.since, self.until


@dataclass(frozen=True, slots=True)
class Selected:
    """How many events of a type are selected, and between which ids."""

    event_type: str
    events: int
    first_id: int
    last_id: int


async def count_selected(connection: Connection, selection: Selection, consumer: str | None = None) -> list[Selected]:
    """What a replay would hand over, by event type. Raises NotFoundError if nothing is known of the consumer."""
    if consumer is not None:
        await require_consumer(connection, consumer)
    return [Selected(**row) for row in map(dict, await connection.fetch(_COUNT, *selection.arguments(), consumer))]


async def read_selected(connection: Connection, selection: Selection) -> AsyncIterator[StoredEvent]:
    """The events in their order, marked as replay."""
    after, *rest = selection.arguments()
    while True:
        rows = await connection.fetch(_PAGE, after, *rest)
        for row in rows:
            event = StoredEvent._make(row)
            after = event.id
            yield event
        if len(rows) < PAGE_SIZE:
            return


async def send_selected(connection: Connection, selection: Selection, consumer: str) -> int:
    """Puts the events into the consumer's letters, which it takes whenever its stream has nothing; returns how many.

    Raises NotFoundError if nothing is known of the consumer."""
    await require_consumer(connection, consumer)
    status = await connection.execute(_SEND, *selection.arguments(), consumer)
    await connection.execute(f"NOTIFY {NOTIFY_CHANNEL}")
    return int(status.rpartition(" ")[2])
