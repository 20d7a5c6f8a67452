"""Events handed over once more: which, marked how, and never in the way of the stream."""

import asyncio
from datetime import UTC, datetime

import pytest

from tests.support.consumers import CHANNEL, OTHER_CHANNEL, letters, reader, take, tell_some
from tests.support.sql import execute, fetch
from tests.support.waiting import until
from worker.db.connection import Database, connected
from worker.events.replay import Selection, count_selected, read_selected, send_selected
from worker.exits import NotFoundError

MONDAY, TUESDAY, WEDNESDAY = (datetime(2025, 5, day, tzinfo=UTC) for day in (12, 13, 14))


async def selected(database: Database, selection: Selection, consumer: str | None = None) -> list[tuple[object, ...]]:
    async with connected(database, purpose="test") as connection:
        found = await count_selected(connection, selection, consumer)
    return [(part.event_type, part.events, part.first_id, part.last_id) for part in found]


async def ids(database: Database, selection: Selection) -> list[int]:
    async with connected(database, purpose="test") as connection:
        events = [event async for event in read_selected(connection, selection)]
    assert all(event.is_replay for event in events)
    return [event.id for event in events]


async def send(database: Database, selection: Selection) -> int:
    async with connected(database, purpose="test") as connection:
        return await send_selected(connection, selection, "desk")


async def read_all(database: Database, number: int) -> None:
    async with reader(database) as events:
        await take(events, number)
        async with events.transaction():
            pass


async def test_by_range_channel_correlation_and_time(migrated_database: Database) -> None:
    await execute(migrated_database, "TRUNCATE events")
    told = await tell_some(migrated_database, 1200)
    others = await tell_some(migrated_database, 5, channel=OTHER_CHANNEL)
    await execute(
        migrated_database,
        "UPDATE events SET created_at = CASE WHEN id <= $1 THEN $2::timestamptz ELSE $3::timestamptz END",
        *(told[9], MONDAY, TUESDAY),
    )
    [row] = await fetch(migrated_database, "SELECT correlation_id FROM events WHERE id = $1", told[3])
    assert await ids(migrated_database, Selection()) == told + others
    assert await ids(migrated_database, Selection(after=told[4], up_to=told[700])) == told[5:701]
    assert await ids(migrated_database, Selection(channels=(OTHER_CHANNEL,))) == others
    assert await ids(migrated_database, Selection(correlation_id=row["correlation_id"])) == told[3:4]
    assert await ids(migrated_database, Selection(until=TUESDAY)) == told[:10]
    assert await ids(migrated_database, Selection(since=TUESDAY, until=WEDNESDAY)) == told[10:] + others
    assert await selected(migrated_database, Selection(since=TUESDAY)) == [
        ("bot.disconnected", 1195, told[10], others[-1])
    ]


async def test_imported_history_only_by_a_negative_beginning(migrated_database: Database) -> None:
    await execute(
        migrated_database,
        "SET worker.import = 'on'; INSERT INTO events (id, channel, event_type, source, correlation_id, data) "
        "VALUES (-3, 'bot:lifecycle', 'bot.disconnected', 'legacy_import', gen_random_uuid(), '{}')",
    )
    assert -3 not in await ids(migrated_database, Selection())
    assert await ids(migrated_database, Selection(after=-10, up_to=0)) == [-3]


async def test_a_consumer_takes_it_marked_and_once(migrated_database: Database) -> None:
    told = await tell_some(migrated_database, 20)
    await read_all(migrated_database, 20)
    assert await send(migrated_database, Selection(after=told[4], up_to=told[8])) == 4
    async with reader(migrated_database) as events:
        assert [(event.id, event.is_replay) for event in [await anext(events) for _ in range(4)]] == [
            (event_id, True) for event_id in told[5:9]
        ]
        told += await tell_some(migrated_database, 1)
        assert await take(events, 1) == told[-1:]
    assert await letters(migrated_database) == [(event_id, "taken", 0) for event_id in told[5:9]]
    assert await send(migrated_database, Selection(after=told[4], up_to=told[5])) == 1
    assert await letters(migrated_database) == [
        (told[5], "waiting", 0),
        *((event_id, "taken", 0) for event_id in told[6:9]),
    ]


async def test_a_live_event_does_not_wait_for_the_end_of_a_replay(migrated_database: Database) -> None:
    told = await tell_some(migrated_database, 100)
    await read_all(migrated_database, 100)
    assert await send(migrated_database, Selection(after=told[0] - 1)) == 100
    async with reader(migrated_database) as events:
        replayed = [await anext(events)]
        [live] = await tell_some(migrated_database, 1)
        while replayed[-1].is_replay:
            replayed.append(await anext(events))
        assert replayed[-1].id == live
        assert len(replayed) < 50
        assert await take(events, 100 - len(replayed) + 1) == told[len(replayed) - 1 :]


async def test_only_what_the_consumer_has_passed_and_reads(migrated_database: Database) -> None:
    told = await tell_some(migrated_database, 4)
    await tell_some(migrated_database, 3, channel=OTHER_CHANNEL)
    await read_all(migrated_database, 4)
    await tell_some(migrated_database, 5)
    everything = Selection()
    assert await selected(migrated_database, everything, "desk") == [("bot.disconnected", 4, told[0], told[3])]
    assert await send(migrated_database, everything) == 4
    assert [event_id for event_id, *_ in await letters(migrated_database)] == told


async def test_a_dead_letter_is_no_replay(migrated_database: Database) -> None:
    first, second = await tell_some(migrated_database, 2)

    async def fail() -> None:
        async with reader(migrated_database, tries=1) as events:
            async for _ in events:
                raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await fail()
    await read_all(migrated_database, 1)
    assert await send(migrated_database, Selection(channels=(CHANNEL,))) == 2
    rows = await fetch(migrated_database, "SELECT event_id, is_replay FROM event_letters ORDER BY event_id")
    assert [tuple(row) for row in rows] == [(first, False), (second, True)]


async def test_a_reader_at_work_takes_it(migrated_database: Database) -> None:
    told = await tell_some(migrated_database, 1)
    async with reader(migrated_database) as events:
        assert await take(events, 1) == told
        waiting = asyncio.create_task(anext(events))

        async def is_passed() -> bool:
            [row] = await fetch(migrated_database, "SELECT position FROM event_consumers")
            return bool(row["position"] >= told[0])

        await until(is_passed, "the first event to be done")
        assert await send(migrated_database, Selection(after=told[0] - 1)) == 1
        event = await waiting
        assert (event.id, event.is_replay) == (told[0], True)


async def test_to_a_consumer_that_is_not_known_nothing_is_sent(migrated_database: Database) -> None:
    with pytest.raises(NotFoundError, match="no consumer desk"):
        await send(migrated_database, Selection())
