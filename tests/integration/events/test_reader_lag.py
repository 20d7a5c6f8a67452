"""How far behind a consumer is, and why: as a list and as metrics."""

import pytest
from prometheus_client import generate_latest

from tests.support.consumers import OTHER_CHANNEL, letters, reader, take, tell_some
from tests.support.sql import execute
from worker.db.connection import Database, connected
from worker.events.consumers import (
    ConsumerStatus,
    dead_letters,
    list_consumers,
    measure_consumers,
    move_consumer,
    remove_consumer,
    requeue,
)
from worker.exits import ConfigError, NotFoundError
from worker.metrics import REGISTRY


async def status(database: Database) -> ConsumerStatus:
    async with connected(database, purpose="test") as connection:
        [found] = await list_consumers(connection)
    return found


def lag(found: ConsumerStatus) -> tuple[str, int, bool]:
    return found.cause, found.lag_events, found.lag_seconds > 0


async def fail(database: Database, *, tries: int = 5) -> None:
    async def read() -> None:
        async with reader(database, tries=tries) as events:
            async for _ in events:
                raise ValueError("no ticker")

    with pytest.raises(ValueError, match="no ticker"):
        await read()


async def test_the_cause_of_a_lag(migrated_database: Database) -> None:
    async with reader(migrated_database) as events:
        assert lag(await status(migrated_database)) == ("none", 0, False)
        await tell_some(migrated_database, 2, channel=OTHER_CHANNEL)
        assert lag(await status(migrated_database)) == ("none", 0, False)
        await tell_some(migrated_database, 3)
        await take(events, 1)
        assert lag(await status(migrated_database)) == ("handler is busy", 3, True)
    assert lag(await status(migrated_database)) == ("no reader", 3, True)
    await fail(migrated_database)
    async with reader(migrated_database, retry_seconds=1000) as events:
        await take(events, 1)
        found = await status(migrated_database)
        assert lag(found) == ("handler fails", 3, True)
        assert found.reason == "ValueError: no ticker"
        assert await take(events, 2)
        async with events.transaction():
            pass
    assert lag(await status(migrated_database)) == ("none", 0, False)


async def test_a_dead_letter_is_counted_and_told_with_its_reason(migrated_database: Database) -> None:
    [event_id] = await tell_some(migrated_database, 1)
    await fail(migrated_database, tries=1)
    found = await status(migrated_database)
    assert (found.lag_events, found.dead_letters, found.waiting_letters) == (0, 1, 0)
    async with connected(migrated_database, purpose="test") as connection:
        [letter] = await dead_letters(connection, "desk")
        assert (letter.event_id, letter.tries, letter.reason) == (event_id, 1, "ValueError: no ticker")
        assert await requeue(connection, "desk", [event_id + 1]) == 0
        assert await requeue(connection, "desk", [event_id]) == 1
    found = await status(migrated_database)
    assert (found.dead_letters, found.waiting_letters) == (0, 1)


async def test_the_metrics_are_those_of_the_consumers_there_are(migrated_database: Database) -> None:
    await tell_some(migrated_database, 4)
    await fail(migrated_database, tries=1)
    async with connected(migrated_database, purpose="test") as connection:
        await measure_consumers(connection)
        shown = generate_latest(REGISTRY).decode()
        assert 'worker_consumer_lag_events{consumer="desk"} 3.0' in shown
        assert 'worker_consumer_lag_seconds{cause="no reader",consumer="desk"} ' in shown
        assert 'worker_dead_letters{consumer="desk"} 1.0' in shown
        await remove_consumer(connection, "desk")
        await measure_consumers(connection)
    assert 'consumer="desk"' not in generate_latest(REGISTRY).decode()
    assert await letters(migrated_database) == []


async def test_a_consumer_can_be_moved_while_nobody_reads(migrated_database: Database) -> None:
    told = await tell_some(migrated_database, 6)
    await fail(migrated_database)
    async with connected(migrated_database, purpose="test") as connection:
        await move_consumer(connection, "desk", told[3])
        async with reader(migrated_database) as events:
            # Neither what was skipped nor the pause after the failure is left.
            assert await take(events, 1) == told[4:5]
            with pytest.raises(ConfigError, match="A reader of desk is at work"):
                await move_consumer(connection, "desk", 0)
        await move_consumer(connection, "desk", told[0] - 1)
        async with reader(migrated_database) as events:
            assert await take(events, 6) == told
        with pytest.raises(NotFoundError, match="no consumer archive"):
            await move_consumer(connection, "archive", 0)


async def test_a_consumer_that_is_not_known_is_a_sentence(migrated_database: Database) -> None:
    async with connected(migrated_database, purpose="test") as connection:
        with pytest.raises(NotFoundError, match="There is no consumer desk: none has read yet"):
            await requeue(connection, "desk")
        await execute(
            migrated_database, "INSERT INTO event_consumers (name, started_after, position) VALUES ('archive', 0, 0)"
        )
        with pytest.raises(NotFoundError, match="There is no consumer desk: there are archive"):
            await dead_letters(connection, "desk")
        with pytest.raises(NotFoundError, match="desk"):
            await remove_consumer(connection, "desk")
