"""Events become visible with the rows they tell about, in the order in which they committed."""

import asyncio
import json
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import pytest
from asyncpg import Connection

from tests.support.sql import execute, fetch
from tests.support.waiting import until
from worker.db.connection import Database, connect, connected
from worker.db.schema import EVENTS_TRIGGER
from worker.events.catalogue import BotDisconnected, ChannelChanged, Event
from worker.events.outbox import commit_events, tell

AWKWARD = "it's a \\'quote\\', {braces}, %s, $1, \"double\"; COMMIT; -- 😀\n\r\t\u2028"


@pytest.fixture
async def connection(migrated_database: Database) -> AsyncIterator[Connection]:
    async with connected(migrated_database, purpose="writer") as connection:
        await connection.execute("TRUNCATE events")
        await connection.execute("CREATE TABLE facts (n integer PRIMARY KEY)")
        yield connection


def changed(name: str) -> Event:
    return Event(ChannelChanged(channel_id="1", guild_id=None, changed_by="setting", changed={"name": name}), uuid4())


async def kept(database: Database) -> tuple[list[int], int]:
    rows = await fetch(database, "SELECT n FROM facts ORDER BY n")
    return [row["n"] for row in rows], len(await fetch(database, "SELECT FROM events"))


async def test_rows_and_events_commit_together(migrated_database: Database, connection: Connection) -> None:
    await connection.execute("BEGIN")
    await connection.execute("INSERT INTO facts VALUES (1)")
    await commit_events(connection, [changed("a"), changed("b")])
    assert not connection.is_in_transaction()
    assert await kept(migrated_database) == ([1], 2)


async def test_a_transaction_without_events_commits_too(migrated_database: Database, connection: Connection) -> None:
    await connection.execute("BEGIN")
    await connection.execute("INSERT INTO facts VALUES (1)")
    await commit_events(connection, [])
    assert await kept(migrated_database) == ([1], 0)


async def test_an_event_that_is_refused_takes_the_rows_with_it(
    migrated_database: Database, connection: Connection
) -> None:
    await connection.execute("BEGIN")
    await connection.execute("INSERT INTO facts VALUES (1)")
    with pytest.raises(asyncpg.PostgresError):
        await commit_events(connection, [changed("a"), changed("\x00")])
    await connection.execute("ROLLBACK")
    assert await kept(migrated_database) == ([], 0)


async def test_a_check_that_fails_at_commit_takes_the_events_with_it(
    migrated_database: Database, connection: Connection
) -> None:
    await connection.execute("CREATE TABLE later (n integer REFERENCES facts DEFERRABLE INITIALLY DEFERRED)")
    await connection.execute("BEGIN")
    await connection.execute("INSERT INTO later VALUES (9)")
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await commit_events(connection, [changed("a")])
    assert not connection.is_in_transaction()
    assert await kept(migrated_database) == ([], 0)


async def test_events_outside_a_transaction_are_an_error(migrated_database: Database, connection: Connection) -> None:
    with pytest.raises(RuntimeError):
        await commit_events(connection, [changed("a")])
    assert await kept(migrated_database) == ([], 0)


async def test_what_is_told_arrives_letter_by_letter(migrated_database: Database, connection: Connection) -> None:
    event = changed(AWKWARD)
    await tell(connection, [event])
    (row,) = await fetch(migrated_database, "SELECT channel, event_type, source, correlation_id, data FROM events")
    assert tuple(row)[:4] == ("channel:config", "channel.changed", "worker", UUID(str(event.correlation_id)))
    assert row["data"] == json.loads(event.data)
    assert row["data"]["changed"] == {"name": AWKWARD}


@pytest.mark.parametrize("is_ordered", [True, False], ids=["with the trigger", "without it"])
async def test_a_lower_id_is_never_seen_later(
    migrated_database: Database, connection: Connection, is_ordered: bool
) -> None:
    """Without the trigger a reader that goes on after the highest id it saw misses what commits later."""
    if not is_ordered:
        await execute(migrated_database, f"DROP TRIGGER {EVENTS_TRIGGER} ON events")
    slow = await connect(migrated_database, purpose="slow")
    await slow.execute("BEGIN")
    await slow.execute(
        """
        INSERT INTO events (channel, event_type, source, correlation_id, data)
        VALUES ('bot:lifecycle', 'bot.disconnected', 'worker', gen_random_uuid(), '{"schema": 1}')
        """
    )
    quick = asyncio.create_task(tell(connection, [Event(BotDisconnected(), uuid4())]))
    waiting = "SELECT FROM pg_stat_activity WHERE application_name LIKE '%:writer' AND wait_event = 'advisory'"

    async def has_come_through_or_waits() -> bool:
        return quick.done() or bool(await fetch(migrated_database, waiting))

    await until(has_come_through_or_waits, "the second writer to commit or to wait")
    seen = [row["id"] for row in await fetch(migrated_database, "SELECT id FROM events ORDER BY id")]
    await slow.execute("COMMIT")
    await slow.close()
    await quick
    later = await fetch(migrated_database, "SELECT id FROM events WHERE id > $1 ORDER BY id", max(seen, default=0))
    assert (len(seen) + len(later) == 2) == is_ordered
    assert bool(seen) != is_ordered
