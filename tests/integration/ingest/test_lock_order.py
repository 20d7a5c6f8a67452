"""What else locks channels and plans locks them in the writer's order, so that neither waits for the other for ever."""

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from itertools import count

import pytest
from asyncpg import Connection

from tests.support.observations import Room
from tests.support.waiting import until
from worker.db.connection import Database, connect, connected
from worker.ingest.erasure import ask_for_erasure, erase_asked
from worker.ingest.writer import Writer

PLAN = "day plan 2025-05-15\nSPY\nbounce - 580 > 585"
OTHER_PLAN = "day plan 2025-05-15\nSPY\nbounce - 581 > 586"
AUTHOR = {"id": "71", "username": "x", "global_name": "x"}
WAITING = "SELECT count(*) >= $1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"

rooms = map(Room, count(7000))


@asynccontextmanager
async def held(database: Database, statement: str, *arguments: object) -> AsyncIterator[None]:
    """Rows that another session has locked for as long as the block lasts."""
    holding = await connect(database, purpose="holding")
    async with holding.transaction():
        await holding.execute(statement, *arguments)
        yield
    await holding.close()


async def begun(connection: Connection, works: int, work: Awaitable[object]) -> "asyncio.Future[object]":
    """The work as a task, once so many wait for a lock."""
    task = asyncio.ensure_future(work)
    await until(lambda: connection.fetchval(WAITING, works), "a lock to be waited for")
    return task


@pytest.mark.parametrize("_time", range(4))
async def test_a_plan_that_is_superseded_while_its_author_is_erased(
    migrated_database: Database, connection: Connection, writer: Writer, _time: int
) -> None:
    room = next(rooms)
    await writer.write([room.posted(1, PLAN, author=AUTHOR)])
    use = functools.partial(connected, migrated_database, purpose="erasure")
    async with use() as session:
        await ask_for_erasure(session, int(AUTHOR["id"]), {"x"}, asked_by=1, epoch=None)
    async with held(migrated_database, "SELECT FROM trade_setups FOR NO KEY UPDATE"):
        erasing = await begun(connection, 1, erase_asked(use, epoch=None))
        writing = await begun(connection, 2, writer.write([room.posted(2, OTHER_PLAN)]))
    await asyncio.gather(erasing, writing)
