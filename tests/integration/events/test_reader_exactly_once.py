"""Effects in the reader's own transaction happen exactly once, whatever is lost on the way."""

import asyncio

import pytest

from tests.support.consumers import end_sessions, letters, reader, standing, take, tell_some
from tests.support.sql import execute, fetch
from tests.support.waiting import LONGEST_SECONDS, until
from tests.support.wire import wire_to
from worker.db.connection import Database
from worker.events.reader import StalledError
from worker.events.stored import StoredEvent

EFFECTS = "CREATE TABLE effects (number bigint GENERATED ALWAYS AS IDENTITY, event_id bigint)"


@pytest.fixture
async def database(migrated_database: Database) -> Database:
    await execute(migrated_database, EFFECTS)
    return migrated_database


async def effects(database: Database) -> list[int]:
    return [row["event_id"] for row in await fetch(database, "SELECT event_id FROM effects ORDER BY number")]


async def test_the_effect_and_the_cursor_commit_together(database: Database) -> None:
    told = await tell_some(database, 3)
    async with reader(database) as events:
        async for event in events:
            async with events.transaction() as connection:
                await connection.execute("INSERT INTO effects (event_id) VALUES ($1)", event.id)
            assert (await standing(database))["position"] == event.id
            if event.id == told[-1]:
                break
    assert await effects(database) == told
    async with reader(database) as events:
        more = await tell_some(database, 1)
        assert await take(events, 1) == more


async def test_a_failure_undoes_both(database: Database) -> None:
    told = await tell_some(database, 1)
    before = (await standing_of_new(database))["position"]

    async def fail() -> None:
        async with reader(database) as events:
            async for event in events:
                async with events.transaction() as connection:
                    await connection.execute("INSERT INTO effects (event_id) VALUES ($1)", event.id)
                    raise ValueError("no such ticker")

    with pytest.raises(ValueError, match="no such ticker"):
        await fail()
    assert await effects(database) == []
    assert (await standing(database))["position"] == before
    async with reader(database) as events:
        assert await take(events, 1) == told


async def standing_of_new(database: Database) -> dict[str, object]:
    async with reader(database):
        return await standing(database)


async def test_a_batch_commits_as_one(database: Database) -> None:
    told = await tell_some(database, 250)
    sizes = []
    async with reader(database) as events, asyncio.timeout(LONGEST_SECONDS):
        async for batch in events.batches(100):
            async with events.transaction() as connection:
                await connection.executemany(
                    "INSERT INTO effects (event_id) VALUES ($1)", [(event.id,) for event in batch]
                )
            sizes.append(len(batch))
            if batch[-1].id == told[-1]:
                break
    assert sizes == [100, 100, 50]
    assert await effects(database) == told


async def test_an_answer_to_commit_that_gets_lost_does_not_double_anything(database: Database) -> None:
    told = await tell_some(database, 60)
    async with wire_to(database) as (wire, wired), reader(wired, prefetch=7) as events:

        async def insert(event: StoredEvent) -> None:
            if event.id % 20 == 0:
                wire.lose_answer_to(b"COMMIT")
            async with events.transaction() as connection:
                await connection.execute("INSERT INTO effects (event_id) VALUES ($1)", event.id)

        handling = asyncio.create_task(events.handle(insert))

        async def is_done() -> bool:
            assert not handling.done(), handling.result()
            return len(await effects(database)) >= len(told)

        await until(is_done, "all effects")
        handling.cancel()
        await asyncio.wait([handling])
        assert wire.lost == 3
    assert await effects(database) == told
    assert await letters(database) == []


async def test_connections_that_are_ended_cost_no_event_a_try(database: Database) -> None:
    told = await tell_some(database, 30)
    seen: list[int] = []
    async with reader(database, tries=2) as events:

        async def insert(event: StoredEvent) -> None:
            seen.append(event.id)
            async with events.transaction() as connection:
                await connection.execute("INSERT INTO effects (event_id) VALUES ($1)", event.id)
                if event.id == told[10] and seen.count(event.id) < 4:
                    await end_sessions(database, "reader:desk")

        handling = asyncio.create_task(events.handle(insert))

        async def is_done() -> bool:
            return len(await effects(database)) >= len(told)

        await until(is_done, "all effects")
        handling.cancel()
        await asyncio.wait([handling])
    assert seen.count(told[10]) == 4
    assert await effects(database) == told
    assert await letters(database) == []


async def test_a_transaction_that_stands_still_is_ended_and_counts(database: Database) -> None:
    told = await tell_some(database, 2)
    async with reader(database, tries=2, lease_seconds=0.5) as events:

        async def sleep(event: StoredEvent) -> None:
            async with events.transaction() as connection:
                await connection.execute("INSERT INTO effects (event_id) VALUES ($1)", event.id)
                if event.id == told[0]:
                    ended = asyncio.Event()
                    connection.add_termination_listener(lambda _: ended.set())
                    await ended.wait()

        handling = asyncio.create_task(events.handle(sleep))

        async def is_done() -> bool:
            return len(await effects(database)) >= 1

        await until(is_done, "the other event's effect")
        handling.cancel()
        await asyncio.wait([handling])
    assert await effects(database) == told[1:]
    assert await letters(database) == [(told[0], "dead", 2)]
    [row] = await fetch(database, "SELECT reason FROM event_letters")
    assert StalledError.__name__ in row["reason"]


async def test_without_an_event_in_hand_there_is_nothing_to_commit(database: Database) -> None:
    async with reader(database) as events:
        with pytest.raises(RuntimeError, match="no event in hand"):
            async with events.transaction():
                pass
