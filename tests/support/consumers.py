"""Events to read, and readers that are in a hurry."""

import asyncio
from collections.abc import AsyncIterable
from typing import Any

from tests.support.sql import execute, fetch
from tests.support.waiting import LONGEST_SECONDS
from worker.db.connection import Database
from worker.events.reader import EventReader
from worker.events.stored import StoredEvent

CHANNEL, OTHER_CHANNEL = "bot:lifecycle", "channel:config"

_TELL = """
INSERT INTO events (channel, event_type, source, correlation_id, data)
SELECT $1, 'bot.disconnected', 'worker', gen_random_uuid(), '{"schema": 1}' FROM generate_series(1, $2)
RETURNING id
"""


async def tell_some(database: Database, number: int, *, channel: str = CHANNEL, notify: bool = False) -> list[int]:
    """Their ids."""
    ids = [row["id"] for row in await fetch(database, _TELL, channel, number)]
    if notify:
        await execute(database, "NOTIFY events")
    return ids


def reader(database: Database, consumer: str = "desk", **options: Any) -> EventReader:
    defaults: dict[str, Any] = {"channels": [CHANNEL], "retry_seconds": 0.001}
    return EventReader(consumer, dsn=database.dsn, **(defaults | options))


async def take(events: AsyncIterable[StoredEvent], number: int) -> list[int]:
    """The ids of the next events. The last one stays in hand."""
    taken: list[int] = []
    async with asyncio.timeout(LONGEST_SECONDS):
        async for event in events:
            taken.append(event.id)
            if len(taken) == number:
                break
    return taken


async def standing(database: Database, consumer: str = "desk") -> dict[str, Any]:
    """The consumer's row."""
    [row] = await fetch(database, "SELECT * FROM event_consumers WHERE name = $1", consumer)
    return dict(row)


async def letters(database: Database, consumer: str = "desk") -> list[tuple[int, str, int]]:
    """Event id, state and tries of each."""
    rows = await fetch(
        database, "SELECT event_id, state, tries FROM event_letters WHERE consumer = $1 ORDER BY event_id", consumer
    )
    return [tuple(row) for row in rows]


async def end_sessions(database: Database, purpose: str) -> int:
    """Ends the server sessions of that purpose, as an administrator would; returns how many there were."""
    rows = await fetch(
        database,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND application_name = $1",
        f"discord-plan-worker:{purpose}",
    )
    return len(rows)
