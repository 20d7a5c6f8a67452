"""Writers side by side: none waits for what another one waits for, and every task hears of its own."""

import asyncio
from collections.abc import AsyncIterator, Callable
from itertools import count

import pytest
from asyncpg import Connection

from tests.support.observations import Room
from tests.support.oracle import expected_messages
from tests.support.stored import assert_sound, stored_messages, told
from tests.support.waiting import until
from worker.db.connection import Database, connect
from worker.ingest.observation import Covered
from worker.ingest.writer import Writer
from worker.ingest.writers import Writers

PLAN = "day plan 2025-05-15\nSPY\nbounce - 580 > 585"
WAITING = "SELECT FROM pg_stat_activity WHERE application_name LIKE '%:writer' AND wait_event_type = 'Lock'"

rooms = map(Room, count(5000))


@pytest.fixture
async def writers(new_writer: Callable[[], Writer]) -> AsyncIterator[Writers]:
    writers = Writers(new_writer)
    yield writers
    await writers.close()


async def test_a_channel_that_is_locked_leaves_a_writer_to_the_others(
    migrated_database: Database, connection: Connection, writers: Writers
) -> None:
    locked, others = next(rooms), [next(rooms) for _ in range(6)]
    await writers.write([locked.posted(1, "hello")])
    locking = await connect(migrated_database, purpose="locking")
    async with locking.transaction():
        await locking.execute("SELECT FROM discord_channels WHERE channel_id = $1 FOR UPDATE", locked.channel_id)
        waits = asyncio.create_task(writers.write([locked.posted(2, PLAN)]))
        await until(lambda: connection.fetch(WAITING), "a writer to wait")
        for room in others:
            assert (await writers.write([room.posted(1, PLAN)])).stored == 1
        assert not waits.done()
    await locking.close()
    assert (await waits).stored == 1
    for room in others:
        assert await stored_messages(connection, room) == expected_messages([room.posted(1, PLAN)])


async def test_many_channels_page_after_page(connection: Connection, writers: Writers) -> None:
    pages, length = 6, 20

    async def write(room: Room) -> None:
        for page in range(pages):
            first = page * length
            seen = [room.posted(first + 1, PLAN)]
            seen += [room.posted(first + place, f"hello {room.number}") for place in range(2, length + 1)]
            covered = Covered(room.channel_id, room.message_id(first), seen[-1].message_id)
            written = await writers.write(seen, [covered])
            assert (written.observations, written.stored) == (length, length)
            assert written.readings == {"parsed": 1, "not_a_plan": length - 1}

    used = [next(rooms) for _ in range(20)]
    await asyncio.gather(*map(write, used))
    for room in used:
        await assert_sound(connection, room)
        stored = [event for event in await told(connection, room) if event.event_type == "discord.message.stored"]
        assert len(stored) == pages * length
        spans = await connection.fetchval("SELECT covered FROM discord_channels WHERE channel_id = $1", room.channel_id)
        assert [(span.lower, span.upper) for span in spans] == [
            (room.message_id(0) + 1, room.message_id(pages * length) + 1)
        ]


async def test_one_channel_through_several_of_them(connection: Connection, writers: Writers) -> None:
    """They wait for each other, and what both bring is stored and told once."""
    room = next(rooms)
    seen = [room.posted(1, PLAN), *(room.posted(place, f"hello {place}") for place in range(2, 40))]
    written = await asyncio.gather(*(writers.write(seen) for _ in range(8)))
    assert sum(one.stored for one in written) == len(seen)
    assert sum(one.events for one in written) == len(await told(connection, room))
    assert await stored_messages(connection, room) == expected_messages(seen)
    await assert_sound(connection, room)
