"""What was stored without having been read is read once, and an edit in between wins."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from itertools import count

import pytest
from asyncpg import Connection
from structlog.typing import EventDict

from parsers.reading import Reading
from tests.support import notation
from tests.support.observations import GUILD_ID, MORNING, Room
from tests.support.stored import assert_sound, stored_plans, told
from tests.support.waiting import until
from worker import correlation
from worker.db.connection import Database, connected
from worker.ingest.sweep import read_pending
from worker.ingest.writer import Writer

PLAN = "day plan 2025-05-15\nSPY\nbounce - 580 > 585"
OTHER = "day plan 2025-05-15\nSPY\nbreakout aggressive 590 > 595"
REFUSED = "day plan 2025-05-15\nTSLA\nbounce recklessly 310 > 315"

rooms = map(Room, count())


@pytest.fixture
async def sweeping(migrated_database: Database) -> AsyncIterator[Connection]:
    async with connected(migrated_database, purpose="sweep") as connection:
        yield connection


async def store(connection: Connection, room: Room, place: int, text: str, *, is_deleted: bool = False) -> None:
    """As another program does that cannot read plans."""
    message_id = room.message_id(place)
    await connection.execute(
        "INSERT INTO discord_channels (channel_id, guild_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        room.channel_id,
        GUILD_ID,
    )
    await connection.execute(
        """
        INSERT INTO discord_messages
               (message_id, channel_id, content, text, posted_at, deleted_at, origin, correlation_id)
        VALUES ($1, $2, $3, $3, $4, $5, 'legacy', $6)
        """,
        message_id,
        room.channel_id,
        text,
        MORNING,
        MORNING if is_deleted else None,
        correlation.of_message(message_id),
    )


async def sweep(connection: Connection) -> int:
    return await read_pending(connection, notation.read, lambda _: None)


async def parse_states(connection: Connection, room: Room) -> list[str]:
    rows = await connection.fetch(
        "SELECT parse_state FROM discord_messages WHERE channel_id = $1 ORDER BY message_id", room.channel_id
    )
    return [row["parse_state"] for row in rows]


async def types(connection: Connection, room: Room) -> list[str]:
    return [event.event_type for event in await told(connection, room)]


async def test_pending_texts_are_read_once(connection: Connection, sweeping: Connection) -> None:
    room = next(rooms)
    await store(connection, room, 1, PLAN)
    await store(connection, room, 2, "good morning")
    await store(connection, room, 3, OTHER)
    assert await sweep(sweeping) == 3
    assert await parse_states(connection, room) == ["parsed", "not_a_plan", "parsed"]
    assert [plan.state for plan in await stored_plans(connection, room)] == ["superseded", "current"]
    assert await types(connection, room) == [
        "parsing.message.parsed",
        "setup.created",
        "setup.superseded",
        "parsing.message.parsed",
        "setup.created",
    ]
    assert {event.data["origin"] for event in await told(connection, room)} == {"legacy"}
    assert await sweep(sweeping) == 0
    await assert_sound(connection, room)


async def test_more_than_a_batch(connection: Connection, sweeping: Connection) -> None:
    room = next(rooms)
    for place in range(1, 450):
        await store(connection, room, place, "good morning")
    assert await sweep(sweeping) == 449
    assert set(await parse_states(connection, room)) == {"not_a_plan"}


async def test_a_deleted_message_keeps_its_plans_to_itself(connection: Connection, sweeping: Connection) -> None:
    room = next(rooms)
    await store(connection, room, 1, PLAN, is_deleted=True)
    assert await sweep(sweeping) == 1
    assert await stored_plans(connection, room) == []
    assert await types(connection, room) == ["parsing.message.parsed"]
    await assert_sound(connection, room)


async def test_what_cannot_be_stored_holds_nobody_up(
    connection: Connection, sweeping: Connection, logged: list[EventDict]
) -> None:
    room = next(rooms)
    await store(connection, room, 1, PLAN)
    await store(connection, room, 2, REFUSED)
    await store(connection, room, 3, "day plan 2025-05-15\nSPY\nbounce - soon > later")
    await store(connection, room, 4, OTHER)
    assert await sweep(sweeping) == 4
    assert await parse_states(connection, room) == ["parsed", "failed", "failed", "parsed"]
    assert (await types(connection, room)).count("parsing.message.failed") == 2
    assert {line["event"] for line in logged if line["log_level"] == "error"} == {"sweep.refused", "parsing.failed"}
    assert await sweep(sweeping) == 0
    await assert_sound(connection, room)


async def test_an_edit_in_between_wins(
    connection: Connection, sweeping: Connection, writer: Writer, migrated_database: Database
) -> None:
    room = next(rooms)
    await store(connection, room, 1, PLAN)
    async with connected(migrated_database, purpose="locking") as locking, locking.transaction():
        await locking.execute("SELECT FROM discord_channels WHERE channel_id = $1 FOR UPDATE", room.channel_id)
        writing = asyncio.create_task(writer.write([room.posted(1, OTHER, edited=1)]))
        await waiting_for_a_lock(connection, "writer")
        sweep_task = asyncio.create_task(sweep(sweeping))
        await waiting_for_a_lock(connection, "sweep")
    assert (await writing).edited == 1
    assert await sweep_task == 0
    assert await parse_states(connection, room) == ["parsed"]
    (plan,) = await stored_plans(connection, room)
    assert plan.setups[0].kind == "breakout"
    assert (await types(connection, room)).count("parsing.message.parsed") == 1
    await assert_sound(connection, room)


async def test_two_sweeps_at_once_tell_once(
    connection: Connection, sweeping: Connection, migrated_database: Database
) -> None:
    room = next(rooms)
    await store(connection, room, 1, PLAN)
    async with (
        connected(migrated_database, purpose="second") as second,
        connected(migrated_database, purpose="locking") as locking,
    ):
        async with locking.transaction():
            await locking.execute("SELECT FROM discord_channels WHERE channel_id = $1 FOR UPDATE", room.channel_id)
            sweeps = [asyncio.create_task(sweep(one)) for one in (sweeping, second)]
            await waiting_for_a_lock(connection, "sweep")
            await waiting_for_a_lock(connection, "second")
        assert sorted(await asyncio.gather(*sweeps)) == [0, 1]
    assert await types(connection, room) == ["parsing.message.parsed", "setup.created"]


async def waiting_for_a_lock(connection: Connection, purpose: str) -> None:
    query = "SELECT FROM pg_stat_activity WHERE application_name LIKE '%:' || $1 AND wait_event_type = 'Lock'"
    await until(lambda: connection.fetch(query, purpose), f"the {purpose} to wait")


async def test_the_same_text_seen_again_leaves_it_to_be_read(
    connection: Connection, sweeping: Connection, writer: Writer
) -> None:
    room = next(rooms)
    await store(connection, room, 1, PLAN)
    await writer.write([room.posted(1, PLAN, origin="history")])
    assert await parse_states(connection, room) == ["pending"]
    assert await sweep(sweeping) == 1
    assert [plan.state for plan in await stored_plans(connection, room)] == ["current"]


async def test_the_parser_of_the_channel_is_asked(connection: Connection, sweeping: Connection) -> None:
    room = next(rooms)
    await store(connection, room, 1, PLAN)
    asked: list[str | None] = []

    def reader(text: str, posted_at: datetime, parser: str | None) -> Reading:
        asked.append(parser)
        return notation.read(text, posted_at)

    await read_pending(sweeping, reader, lambda channel_id: "aplus" if channel_id == room.channel_id else None)
    assert asked == ["aplus"]
