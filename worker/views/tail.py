"""Reading events in their order, page by page, and waiting for more."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import structlog

from worker.db.connection import Database, connect, wait_until_ready
from worker.events.session import LOST
from worker.events.stored import COLUMNS, StoredEvent
from worker.events.wakeup import NOTIFY_CHANNEL
from worker.faults import named
from worker.waiting import happened

PAGE_SIZE = 500  # events a statement
FIRST_SHOWN = 20  # events that a tail without a beginning starts with
ANSWER_SECONDS = 30.0  # the longest wait for a page: a dead connection can look like a slow one
POLL_SECONDS = 1.0  # a notification can be lost, so it only makes the wait shorter

_WHERE = "($1::text[] = '{}' OR channel = ANY($1)) AND ($2::uuid IS NULL OR correlation_id = $2)"

_PAGE = f"""
SELECT {COLUMNS}, false
  FROM events
 WHERE id > $3 AND {_WHERE}
 ORDER BY id
 LIMIT $4
"""  # noqa: S608  put together from constants

_START = f"""
SELECT coalesce(min(id) - 1, 0)
  FROM (SELECT id FROM events WHERE {_WHERE} ORDER BY id DESC LIMIT $3) AS newest
"""  # noqa: S608  put together from constants

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Without channels and correlation id every event passes."""

    channels: Sequence[str] = ()
    correlation_id: UUID | None = None


EVERY_EVENT = EventFilter()


async def read_events(
    connection: asyncpg.Connection, *, after: int, wanted: EventFilter = EVERY_EVENT
) -> list[StoredEvent]:
    """The next events after an id, at most PAGE_SIZE."""
    rows = await connection.fetch(
        _PAGE, wanted.channels, wanted.correlation_id, after, PAGE_SIZE, timeout=ANSWER_SECONDS
    )
    return [StoredEvent._make(row) for row in rows]


async def tail(
    database: Database, wanted: EventFilter, *, after: int | None, follow: bool, wait_seconds: float
) -> AsyncIterator[StoredEvent]:
    """The events after an id, or the newest FIRST_SHOWN; following, then for ever those that come.

    A connection that is lost is made anew, and reading goes on where it was. Raises UnavailableError when the database
    stays away for longer than `wait_seconds`."""
    while True:
        try:
            connection = await connect(database, purpose="events")
            try:
                if after is None:
                    after = await connection.fetchval(_START, wanted.channels, wanted.correlation_id, FIRST_SHOWN)
                async for event in _read(connection, wanted, after, follow=follow):
                    after = event.id
                    yield event
                return
            finally:
                # close() raises on a connection that is gone, and that error would take a cancellation's place.
                connection.terminate()
        except LOST as error:
            log.warning("events.reconnecting", after=after, reason=named(error))
        await wait_until_ready(database, wait_seconds=wait_seconds)


async def _read(
    connection: asyncpg.Connection, wanted: EventFilter, after: int, *, follow: bool
) -> AsyncIterator[StoredEvent]:
    woken = asyncio.Event()
    if follow:
        await connection.add_listener(NOTIFY_CHANNEL, lambda *_: woken.set())
        connection.add_termination_listener(lambda _: woken.set())
    while True:
        woken.clear()
        events = await read_events(connection, after=after, wanted=wanted)
        for event in events:
            after = event.id
            yield event
        if len(events) == PAGE_SIZE:
            continue
        if not follow:
            return
        await happened(woken, POLL_SECONDS)
