"""Past events, which are packed for COPY by hand, arrive as they were."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import asyncpg
import pytest

from worker.db.connection import Database, connected
from worker.legacy.target import PastEvent, tell_past

FIRST = -(10**15)
NAMESPACE = UUID(int=7)
TEXTS = ("", "plain", "é \u2028 \U0001f4c8", "tab\t, line\nand \\ backslash", "x" * 50)
DATA = (
    "{}",
    '{"price": 612.40, "n": 1e400}',
    '{"text": "é \\" \\\\ \\n \U0001f4c8"}',
    '{"long": "' + "y" * 9000 + '"}',
)
TIMES = (
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2000, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
)


def past_event(number: int) -> PastEvent:
    """With each combination of values some time."""
    return PastEvent(
        FIRST + number,
        TEXTS[number % 5],
        TEXTS[number % 3],
        "legacy_import",
        uuid5(NAMESPACE, str(number)),
        DATA[number % 4],
        TIMES[number // 4 % 4] + timedelta(microseconds=-number if number // 4 % 4 == 3 else number),
    )


async def test_past_events_arrive_as_they_were(migrated_database: Database) -> None:
    """More of them than go in one piece, also in the same transaction as others."""
    events = [past_event(number) for number in range(1000)]
    async with connected(migrated_database, purpose="test") as connection:
        await connection.execute("BEGIN; SET LOCAL worker.import = 'on'")
        await tell_past(connection, [])
        await tell_past(connection, events[:1])
        await tell_past(connection, events[1:])
        await connection.execute("COMMIT")
        stored = await connection.fetch(
            "SELECT id, channel, event_type, source, correlation_id, data::text, created_at FROM events "
            "WHERE id < 0 ORDER BY id"
        )
        as_stored = dict(zip(DATA, await connection.fetchval("SELECT $1::text[]::jsonb[]::text[]", DATA), strict=True))
    assert [tuple(row) for row in stored] == [tuple(one._replace(data=as_stored[one.data])) for one in events]


async def test_a_row_that_is_refused_leaves_the_connection_in_order(migrated_database: Database) -> None:
    """It is the last one of many pieces, and the server says so when it comes to it."""
    events = [past_event(number) for number in range(2000)]
    events.append(past_event(2000)._replace(data='{"nul": "\\u0000"}'))
    async with connected(migrated_database, purpose="test") as connection:
        with pytest.raises(asyncpg.DataError):
            await tell_past(connection, events)
        assert await connection.fetchval("SELECT count(*) FROM events WHERE id < 0") == 0


async def test_a_write_that_is_cancelled_writes_nothing(migrated_database: Database) -> None:
    events = [past_event(number) for number in range(20_000)]
    async with connected(migrated_database, purpose="test") as connection:
        writing = asyncio.create_task(tell_past(connection, events))
        await asyncio.sleep(0)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        assert await connection.fetchval("SELECT count(*) FROM events WHERE id < 0") == 0
