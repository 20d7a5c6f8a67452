"""What retention removes, what it leaves, and that nobody waits for it."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from structlog.testing import capture_logs

from tests.support.consumers import CHANNEL, reader, take, tell_some
from tests.support.sql import execute, fetch
from worker.db.connection import Database, connected
from worker.events import retention
from worker.events.retention import remove_old_events

DAYS = 90
IMPORT_HISTORY = """
SET worker.import = 'on';
INSERT INTO events (id, channel, event_type, source, correlation_id, data, created_at)
SELECT -n, 'bot:lifecycle', 'bot.disconnected', 'legacy_import', gen_random_uuid(), '{"schema": 1}', '2020-01-01'
FROM generate_series(1, 500) AS n
"""


@pytest.fixture
async def connection(migrated_database: Database) -> AsyncIterator[asyncpg.Connection]:
    async with connected(migrated_database, purpose="retention") as connection:
        await connection.execute("TRUNCATE events")
        yield connection


async def age(database: Database, ids: list[int], days: int) -> None:
    statement = "UPDATE events SET created_at = now() - make_interval(days => $1) WHERE id = ANY($2::bigint[])"
    await execute(database, statement, days, ids)


async def kept(database: Database) -> list[int]:
    return [row["id"] for row in await fetch(database, "SELECT id FROM events ORDER BY id")]


async def test_the_oldest_beginning_goes_in_batches(
    migrated_database: Database, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 10)
    monkeypatch.setattr(retention, "PAUSE_SECONDS", 0)
    told = await tell_some(migrated_database, 40)
    await age(migrated_database, told[:25], DAYS + 1)
    # Later by id, older by its clock: what is cut is a beginning.
    await age(migrated_database, told[30:31], DAYS + 5)
    assert await remove_old_events(connection, days=DAYS) == 25
    assert await kept(migrated_database) == told[25:]
    assert await remove_old_events(connection, days=DAYS) == 0


async def test_an_imported_history_and_a_night_of_retention(
    migrated_database: Database, connection: asyncpg.Connection
) -> None:
    """A reader that starts at 0 sees nothing of the history, and all of it is still there."""
    await execute(migrated_database, IMPORT_HISTORY)
    told = await tell_some(migrated_database, 20)
    await age(migrated_database, told[:10], DAYS + 1)
    assert await remove_old_events(connection, days=DAYS) == 10
    async with reader(migrated_database) as events:
        assert await take(events, 10) == told[10:]
    assert await kept(migrated_database) == [*range(-500, 0), *told[10:]]


async def test_what_a_consumer_has_still_to_read_stays(
    migrated_database: Database, connection: asyncpg.Connection
) -> None:
    told = await tell_some(migrated_database, 20)
    await age(migrated_database, told, DAYS + 1)
    async with reader(migrated_database, "quick") as events:
        await take(events, 20)
    async with reader(migrated_database, "slow") as events:
        await take(events, 8)
    with capture_logs() as logs:
        assert await remove_old_events(connection, days=DAYS) == 7
    # The eighth was in hand: nobody knows whether it was handled.
    assert await kept(migrated_database) == told[7:]
    assert [line["consumers"] for line in logs if line["event"] == "events.retention_held"] == [["slow"]]
    async with reader(migrated_database, "slow") as events:
        assert await take(events, 13) == told[7:]


async def test_told_to_it_goes_past_consumers_and_says_so(
    migrated_database: Database, connection: asyncpg.Connection
) -> None:
    told = await tell_some(migrated_database, 20)
    await age(migrated_database, told[:15], DAYS + 1)
    async with reader(migrated_database, "slow") as events:
        await take(events, 8)
    with capture_logs() as logs:
        assert await remove_old_events(connection, days=DAYS, past_consumers=True) == 15
    assert [(line["consumers"], line["up_to"]) for line in logs if "past_consumers" in line["event"]] == [
        (["slow"], told[14])
    ]
    async with reader(migrated_database, "slow") as events:
        assert await take(events, 5) == told[15:]


async def test_a_writer_does_not_wait_for_it(migrated_database: Database, connection: asyncpg.Connection) -> None:
    """Not even for a batch that is not committed: neither locks what the other needs."""
    told = await tell_some(migrated_database, 1000)
    await age(migrated_database, told, DAYS + 1)
    await connection.execute("BEGIN")
    assert await connection.fetchval(retention.REMOVE_OLDEST, DAYS, 1000, False) == 1000
    async with connected(migrated_database, purpose="writer") as writer:
        await writer.execute("SET lock_timeout = '100ms'")
        await writer.execute(
            "INSERT INTO events (channel, event_type, source, correlation_id, data) "
            "VALUES ($1, 'told meanwhile', 'worker', gen_random_uuid(), '{}')",
            CHANNEL,
        )
    await connection.execute("COMMIT")
    assert len(await kept(migrated_database)) == 1


async def test_what_tells_about_removed_events_goes_with_them(
    migrated_database: Database, connection: asyncpg.Connection
) -> None:
    told = await tell_some(migrated_database, 3)
    async with reader(migrated_database) as events:
        await take(events, 3)
        async with events.transaction():
            pass
    await execute(
        migrated_database,
        "INSERT INTO event_letters (consumer, event_id, channel, event_type, source, correlation_id, data, created_at, "
        "state, changed_at) SELECT 'desk', id, channel, event_type, source, correlation_id, data, created_at, "
        "CASE WHEN id = $1 THEN 'dead' ELSE 'taken' END, now() - interval '91 days' FROM events",
        told[0],
    )
    await execute(migrated_database, "UPDATE event_acknowledgements SET acknowledged_at = now() - interval '91 days'")
    await remove_old_events(connection, days=DAYS)
    assert await fetch(migrated_database, "SELECT FROM event_acknowledgements") == []
    letters = await fetch(migrated_database, "SELECT event_id FROM event_letters")
    assert [row["event_id"] for row in letters] == told[:1]
