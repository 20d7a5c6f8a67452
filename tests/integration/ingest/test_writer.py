"""What a write does beside its rows: channels that were not known, turns, numbers, and how it finds what is stored."""

import asyncio
from collections.abc import Callable
from itertools import count

from asyncpg import Connection

from tests.support.observations import GUILD_ID, Room
from tests.support.oracle import expected_messages
from tests.support.stored import assert_sound, stored_messages
from tests.support.waiting import until
from worker.ingest.observation import Covered
from worker.ingest.writer import Writer

PLAN = "day plan 2025-05-15\nSPY\nbounce - 580 > 585"
SCANS = """
SELECT relname, seq_scan, idx_scan FROM pg_stat_user_tables
 WHERE relname IN ('discord_messages', 'ticker_plans', 'trade_setups', 'parsed_levels', 'message_revisions', 'events')
"""

rooms = map(Room, count())


async def test_a_channel_that_was_not_known_is_added_with_its_guild(connection: Connection, writer: Writer) -> None:
    room = next(rooms)
    covered = Covered(room.channel_id, room.message_id(0), room.message_id(1))
    await writer.write([room.posted(1, "hello")], [covered])
    (row,) = await connection.fetch("SELECT guild_id, is_listen, covered FROM discord_channels")
    assert (row["guild_id"], row["is_listen"], len(row["covered"])) == (GUILD_ID, False, 1)


async def test_coverage_alone_makes_its_channel_known(connection: Connection, writer: Writer) -> None:
    room = next(rooms)
    await writer.write([], [Covered(room.channel_id, 1, 5)])
    assert await connection.fetchval("SELECT covered::text FROM discord_channels") == "{[2,6)}"


async def test_nothing_to_write_is_written(connection: Connection, writer: Writer) -> None:
    assert (await writer.write([])).observations == 0


async def test_a_write_counts_what_it_changed(writer: Writer) -> None:
    room = next(rooms)
    written = await writer.write([room.posted(1, PLAN), room.posted(2, "hello"), room.deleted(3), room.posted(1, PLAN)])
    assert (written.observations, written.stored, written.edited, written.deleted) == (4, 2, 0, 1)
    assert (written.plans, written.events, written.readings) == (1, 5, {"parsed": 1, "not_a_plan": 1})
    written = await writer.write([room.posted(1, "never mind", edited=1), room.deleted(2), room.deleted(2)])
    assert (written.stored, written.edited, written.deleted, written.plans) == (0, 1, 1, 0)
    assert (written.events, written.readings) == (3, {"not_a_plan": 1})


async def test_several_tasks_take_turns(connection: Connection, writer: Writer) -> None:
    room = next(rooms)
    observations = [room.posted(place, PLAN) for place in range(1, 30)]
    await asyncio.gather(*(writer.write([one]) for one in reversed(observations)))
    assert await stored_messages(connection, room) == expected_messages(observations)
    await assert_sound(connection, room)


async def test_a_table_that_has_grown_is_not_scanned(connection: Connection, new_writer: Callable[[], Writer]) -> None:
    """A session keeps the plans of its statements, which are made while a new database is empty."""
    room, writer = next(rooms), new_writer()
    before = {row["relname"]: row["seq_scan"] for row in await connection.fetch(SCANS)}
    for place in range(1, 200, 5):
        page = [room.posted(place + more, f"{PLAN}\nTSLA\nbounce - 3{place} > 400") for more in range(5)]
        await writer.write(page)
        await writer.write([room.posted(place, PLAN, edited=1), room.deleted(place + 1)])
    await writer.close()

    async def told() -> bool:
        """A session hands in its numbers at its end."""
        rows = await connection.fetch(SCANS)
        return any(row["idx_scan"] > 100 for row in rows if row["relname"] == "discord_messages")

    await until(told, "the numbers of the session")
    assert {row["relname"]: row["seq_scan"] for row in await connection.fetch(SCANS)} == before
