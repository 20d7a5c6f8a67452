"""A write that is cut off anywhere and done again ends in the same rows, and its facts are told once."""

import asyncio
import functools
from collections.abc import Callable
from itertools import count

import pytest
from asyncpg import Connection

from tests.support import notation
from tests.support.cut_line import CutLine, Fault, cut_line
from tests.support.observations import Room
from tests.support.oracle import expected_messages, expected_plans
from tests.support.stored import assert_sound, stored_messages, stored_plans, told
from tests.support.waiting import until
from worker.db.connection import Database, connect
from worker.ingest.message_rows import RacedError
from worker.ingest.observation import Covered, Observation
from worker.ingest.writer import PASSING, Writer

PLAN = "day plan 2025-05-15\nSPY\nbreakout aggressive 582.54 > 586.25\nbounce - 570 > 575"
EDITED = "day plan 2025-05-15\nSPY\nbreakout aggressive 582.54 > 587\nrejection - 600 > 595"

rooms = map(Room, count())


def stood(room: Room) -> list[Observation]:
    return [room.posted(1, PLAN), room.posted(2, "day plan 2025-05-15\nTSLA\nbounce - 310 > 315"), room.posted(3, "hi")]


def changes(room: Room) -> list[Observation]:
    """Every kind of statement that a write can need."""
    return [
        room.posted(1, EDITED, edited=2),
        room.posted(1, "day plan 2025-05-15\nSPY\nbounce - 571 > 575", edited=1),
        room.deleted(2),
        room.posted(3, "hi there", edited=1),
        room.posted(4, PLAN),
        room.deleted(5),
        room.posted(5, PLAN, origin="history"),
    ]


def writer_on(database: Database) -> Writer:
    return Writer(functools.partial(connect, database, purpose="writer"), notation.read, lambda _: None)


async def change(writer: Writer, room: Room) -> None:
    await writer.write(changes(room), [Covered(room.channel_id, room.message_id(0), room.message_id(5))])


async def change_until_done(writer: Writer, room: Room) -> int:
    """As the queue does it; returns how many attempts failed."""
    failures = 0
    while True:
        try:
            await change(writer, room)
            return failures
        except PASSING:
            failures += 1


async def steps_of_a_write(line: CutLine, writer: Writer, room: Room) -> int:
    await writer.write(stood(room))
    before = line.steps
    await change(writer, room)
    return line.steps - before


@pytest.mark.parametrize("fault", ["cut before", "cut after"])
async def test_cut_at_every_step(migrated_database: Database, connection: Connection, fault: Fault) -> None:
    """The last step is the events with COMMIT: cut after it, the client does not know that it is done."""
    async with cut_line(migrated_database) as (line, database):
        writer = writer_on(database)
        await steps_of_a_write(line, writer, next(rooms))  # from now on every statement is prepared
        steps = await steps_of_a_write(line, writer, next(rooms))
        assert steps > 15
        for step in range(steps):
            room = next(rooms)
            await writer.write(stood(room))
            line.arm(fault, step)
            assert await change_until_done(writer, room) == 1
            assert line.is_hit.is_set()
            await assert_done_once(connection, room)
        await writer.close()


async def assert_done_once(connection: Connection, room: Room) -> None:
    observations = stood(room) + changes(room)
    messages = expected_messages(observations)
    assert await stored_messages(connection, room) == messages
    assert await stored_plans(connection, room) == expected_plans(messages)
    await assert_sound(connection, room)
    events = [event.event_type for event in await told(connection, room)]
    assert events.count("discord.message.stored") == 5
    assert events.count("discord.message.edited") == 2
    assert events.count("discord.message.deleted") == 2
    covered = await connection.fetchval("SELECT covered FROM discord_channels WHERE channel_id = $1", room.channel_id)
    assert [(span.lower, span.upper) for span in covered] == [(room.message_id(0) + 1, room.message_id(5) + 1)]


async def test_a_writer_that_is_held_at_any_step_holds_up_nobody_else(
    migrated_database: Database, new_writer: Callable[[], Writer]
) -> None:
    """What it keeps locked is its own channel. The lock that orders events is taken and given back in one step."""
    other = new_writer()
    async with cut_line(migrated_database) as (line, database):
        held = writer_on(database)
        await steps_of_a_write(line, held, next(rooms))  # from now on every statement is prepared
        steps = await steps_of_a_write(line, held, next(rooms))
        for step in range(steps):
            room, elsewhere = next(rooms), next(rooms)
            await held.write(stood(room))
            line.arm("hold", step)
            writing = asyncio.create_task(change(held, room))
            await line.is_hit.wait()
            async with asyncio.timeout(60):
                assert (await other.write(stood(elsewhere))).stored == 3
            line.release()
            with pytest.raises(PASSING):
                await writing
            await change(held, room)


@pytest.mark.parametrize("when", ["idle", "waiting for the channel"])
async def test_a_session_that_the_server_ends(
    connection: Connection, writer: Writer, migrated_database: Database, when: str
) -> None:
    room = next(rooms)
    await writer.write(stood(room))
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '%:writer'"
    if when == "idle":
        await connection.execute(end)
        assert await change_until_done(writer, room) <= 1  # the driver may have noticed already
    else:
        locking = await connect(migrated_database, purpose="locking")
        async with locking.transaction():
            await locking.execute("SELECT FROM discord_channels WHERE channel_id = $1 FOR UPDATE", room.channel_id)
            writing = asyncio.create_task(change(writer, room))
            waiting = "SELECT FROM pg_stat_activity WHERE application_name LIKE '%:writer' AND wait_event_type = 'Lock'"
            await until(lambda: connection.fetch(waiting), "the writer to wait")
            await connection.execute(end)
            with pytest.raises(PASSING):
                await writing
        await locking.close()
        assert await change_until_done(writer, room) == 0
    messages = expected_messages(stood(room) + changes(room))
    assert await stored_messages(connection, room) == messages
    await assert_sound(connection, room)


async def test_an_id_that_another_channel_takes_at_the_same_moment(
    connection: Connection, writer: Writer, migrated_database: Database
) -> None:
    """Writers lock channels, so this is the one way in which a row can appear between the look and the insert."""
    room, other = next(rooms), next(rooms)
    await connection.execute("INSERT INTO discord_channels (channel_id) VALUES ($1)", other.channel_id)
    taking = await connect(migrated_database, purpose="taking")
    async with taking.transaction():
        await taking.execute(
            """
            INSERT INTO discord_messages (message_id, channel_id, posted_at, origin, correlation_id, content, text)
            VALUES ($1, $2, now(), 'live', gen_random_uuid(), 'theirs', 'theirs')
            """,
            room.message_id(1),
            other.channel_id,
        )
        writing = asyncio.create_task(writer.write([room.posted(1, "ours")]))
        waiting = "SELECT FROM pg_stat_activity WHERE application_name LIKE '%:writer' AND wait_event_type = 'Lock'"
        await until(lambda: connection.fetch(waiting), "the writer to wait")
    with pytest.raises(RacedError):
        await writing
    await taking.close()
    assert isinstance(RacedError(), PASSING)
    assert (await writer.write([room.posted(1, "ours")])).stored == 0


async def test_a_write_that_is_cancelled_leaves_no_transaction(connection: Connection, writer: Writer) -> None:
    room = next(rooms)
    await writer.write(stood(room))
    for _ in range(20):
        writing = asyncio.create_task(change(writer, room))
        for _ in range(3):
            await asyncio.sleep(0)
        writing.cancel()
        await asyncio.wait([writing])
    assert (await writer.write([room.posted(7, "hello")])).stored == 1
    assert await connection.fetch("SELECT FROM discord_messages WHERE message_id = $1", room.message_id(7))
    await assert_sound(connection, room)
