"""What several tasks bring while a transaction is under way goes into the next one, and each hears of its own."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from typing import cast

import pytest
from asyncpg import Connection
from structlog.typing import EventDict

from tests.support.observations import Room
from tests.support.oracle import expected_messages
from tests.support.stored import assert_sound, stored_messages, told
from tests.support.waiting import until
from worker.db.connection import Database, connect
from worker.ingest.message_writer import Written
from worker.ingest.observation import Covered, Observation
from worker.ingest.writer import OBSERVATION_LIMIT, PASSING, Writer
from worker.words import Origin

CANCELLATIONS = 40
PLAN = "day plan 2025-05-15\nSPY\nbounce - 580 > 585"

rooms = map(Room, count())


def page(room: Room, number: int = 3) -> list[Observation]:
    return [room.posted(1, PLAN), *(room.posted(place, "hello") for place in range(2, number + 1))]


def write(writer: Writer, room: Room, seen: Sequence[Observation]) -> asyncio.Task[Written]:
    covered = Covered(room.channel_id, room.message_id(0), seen[-1].message_id)
    return asyncio.create_task(writer.write(seen, [covered]))


@asynccontextmanager
async def held(database: Database, connection: Connection, writer: Writer) -> AsyncIterator[asyncio.Task[Written]]:
    """A write that stands in the midst of its transaction for as long as the block lasts."""
    room = next(rooms)
    await writer.write(page(room))
    locking = await connect(database, purpose="locking")
    async with locking.transaction():
        await locking.execute("SELECT FROM discord_channels WHERE channel_id = $1 FOR UPDATE", room.channel_id)
        writing = write(writer, room, [room.posted(9, "held")])
        waiting = "SELECT FROM pg_stat_activity WHERE application_name LIKE '%:writer' AND wait_event_type = 'Lock'"
        await until(lambda: connection.fetch(waiting), "the writer to wait")
        yield writing
    await locking.close()


async def ready(writer: Writer, number: int) -> None:
    async def are_waiting() -> bool:
        return len(writer._waiting) == number + 1

    await until(are_waiting, "the pages to wait")


async def transactions(connection: Connection, written: Sequence[Room]) -> int:
    ids = [room.channel_id for room in written]
    return cast(
        int,
        await connection.fetchval(
            "SELECT count(DISTINCT xmin::text) FROM discord_messages WHERE channel_id = ANY($1)", ids
        ),
    )


async def assert_stored_once(connection: Connection, room: Room, seen: Sequence[Observation]) -> None:
    assert await stored_messages(connection, room) == expected_messages(list(seen))
    await assert_sound(connection, room)
    events = [event.event_type for event in await told(connection, room)]
    assert events.count("discord.message.stored") == len(seen)
    covered = await connection.fetchval("SELECT covered FROM discord_channels WHERE channel_id = $1", room.channel_id)
    assert [(span.lower, span.upper) for span in covered] == [(room.message_id(0) + 1, seen[-1].message_id + 1)]


async def test_one_transaction_for_what_waits(
    migrated_database: Database, connection: Connection, writer: Writer
) -> None:
    waiting = [next(rooms) for _ in range(5)]
    async with held(migrated_database, connection, writer):
        writes = [write(writer, room, page(room, 2 + place)) for place, room in enumerate(waiting)]
        await ready(writer, len(waiting))
    for place, (room, writing) in enumerate(zip(waiting, writes, strict=True)):
        written = await writing
        assert (written.observations, written.stored, written.plans) == (2 + place, 2 + place, 1)
        assert written.events == len(await told(connection, room))
        assert written.readings == {"parsed": 1, "not_a_plan": 1 + place}
        await assert_stored_once(connection, room, page(room, 2 + place))
    assert await transactions(connection, waiting) == 1


async def test_no_more_than_live_messages_may_wait_for(
    migrated_database: Database, connection: Connection, writer: Writer
) -> None:
    waiting = [next(rooms) for _ in range(5)]
    async with held(migrated_database, connection, writer):
        writes = [write(writer, room, page(room, OBSERVATION_LIMIT // 4)) for room in waiting]
        await ready(writer, len(waiting))
    await asyncio.gather(*writes)
    assert await transactions(connection, waiting) == 2


async def test_one_that_is_refused_costs_the_others_nothing(
    migrated_database: Database, connection: Connection, writer: Writer, logged: list[EventDict]
) -> None:
    before, bad, after = (next(rooms) for _ in range(3))
    hearsay = replace(bad.posted(2, "bad"), origin=cast(Origin, "hearsay"))
    async with held(migrated_database, connection, writer):
        writes = [
            write(writer, before, page(before)),
            write(writer, bad, [bad.posted(1, PLAN), hearsay]),
            write(writer, after, page(after)),
        ]
        await ready(writer, 3)
    numbers = [(written.stored, written.unstorable) for written in await asyncio.gather(*writes)]
    assert numbers == [(3, 0), (1, 1), (3, 0)]
    for room in (before, after):
        await assert_stored_once(connection, room, page(room))
    assert sorted(await stored_messages(connection, bad)) == [bad.message_id(1)]
    assert not await connection.fetchval("SELECT covered FROM discord_channels WHERE channel_id = $1", bad.channel_id)
    assert [line["event"] for line in logged].count("ingest.unstorable") == 1
    # Together once, and then the one that is refused by itself.
    assert [line["observations"] for line in logged if line["event"] == "ingest.split"] == [8, 2]


async def test_one_whose_channel_is_locked_does_not_hold_the_others_back_again(
    migrated_database: Database, connection: Connection, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.ingest.writer.TRANSACTION_SECONDS", 1)
    locked, others = next(rooms), [next(rooms) for _ in range(3)]
    await writer.write(page(locked))
    locking = await connect(migrated_database, purpose="locking")
    async with locking.transaction():
        await locking.execute("SELECT FROM discord_channels WHERE channel_id = $1 FOR UPDATE", locked.channel_id)
        writes = [write(writer, room, page(room)) for room in (*others, locked)]
        results = await asyncio.gather(*writes, return_exceptions=True)
    await locking.close()
    assert [isinstance(result, PASSING) for result in results] == [False, False, False, True]
    for room in others:
        await assert_stored_once(connection, room, page(room))


async def test_the_same_message_in_two_pages_is_told_once(
    migrated_database: Database, connection: Connection, writer: Writer
) -> None:
    room = next(rooms)
    async with held(migrated_database, connection, writer):
        writes = [write(writer, room, page(room)) for _ in range(3)]
        await ready(writer, 3)
    written = await asyncio.gather(*writes)
    assert sum(one.stored for one in written) == 3
    await assert_stored_once(connection, room, page(room))


@pytest.mark.parametrize("cancelled", ["the one in the transaction", "one that waits"])
async def test_a_cancelled_write_takes_nothing_from_the_others(
    migrated_database: Database, connection: Connection, writer: Writer, cancelled: str
) -> None:
    waiting = [next(rooms) for _ in range(3)]
    async with held(migrated_database, connection, writer) as holding:
        writes = [write(writer, room, page(room)) for room in waiting]
        await ready(writer, 3)
        gone = holding if cancelled == "the one in the transaction" else writes.pop(0)
        gone.cancel()
        await asyncio.wait([gone])
        assert gone.cancelled()
    await asyncio.gather(*writes)
    for room in waiting[-len(writes) :]:
        await assert_stored_once(connection, room, page(room))


@pytest.mark.parametrize("seed", range(3))
async def test_writes_that_are_cancelled_at_any_moment_and_done_again_are_told_once(
    connection: Connection, writer: Writer, seed: int
) -> None:
    """Cancelled once or twice: the second time can meet the rollback."""
    chance = random.Random(seed)
    under_way: set[asyncio.Task[Written]] = set()

    async def until_written(room: Room) -> None:
        while True:
            writing = write(writer, room, page(room))
            under_way.add(writing)
            await asyncio.wait([writing])
            under_way.discard(writing)
            if not writing.cancelled() and not isinstance(writing.exception(), PASSING):
                await writing
                return

    async def cancel() -> None:
        for _ in range(CANCELLATIONS):
            await asyncio.sleep(chance.random() * 0.02)
            if under_way:
                chosen = chance.choice(list(under_way))
                chosen.cancel()
                for _ in range(chance.randrange(6)):
                    await asyncio.sleep(0)
                chosen.cancel()

    several = [next(rooms) for _ in range(60)]
    cancelling = asyncio.create_task(cancel())
    for first in range(0, len(several), 6):
        await asyncio.gather(*(until_written(room) for room in several[first : first + 6]))
    cancelling.cancel()
    for room in several:
        await assert_stored_once(connection, room, page(room))


async def test_a_session_that_ends_costs_only_the_write_that_used_it(
    migrated_database: Database, connection: Connection, writer: Writer
) -> None:
    waiting = [next(rooms) for _ in range(3)]
    async with held(migrated_database, connection, writer) as holding:
        writes = [write(writer, room, page(room)) for room in waiting]
        await ready(writer, 3)
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '%:writer'"
        )
        with pytest.raises(PASSING):
            await holding
    await asyncio.gather(*writes)
    for room in waiting:
        await assert_stored_once(connection, room, page(room))
