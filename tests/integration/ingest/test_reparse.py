"""Stored texts read by another parser version, and what stood at a moment."""

import functools
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import pytest
from asyncpg import Connection

import parsers
from parsers.reading import NOT_A_PLAN, Reading
from tests.support.observations import MORNING, Room
from worker.db.connection import Database, connect
from worker.exits import NotFoundError
from worker.ingest.prepared import Read
from worker.ingest.reparse import Difference, reparse
from worker.ingest.sweep import read_pending
from worker.ingest.writer import Writer
from worker.views.former_plans import plans_as_of

DAY = date(2025, 5, 15)
PLAN = """A+ Trade Setups — Thu May 15

SPY
Rejection Near 586.49 (584.20, 582.00, 579.70)
Aggressive Breakout Above 588.10 (589.00, 591.20)
⚠️ Bullish above 584.20
"""


def today(text: str, posted_at: datetime, parser: str | None) -> Reading:
    return parsers.parse(text, posted_at, format=parser)


def yesterday(text: str, posted_at: datetime, parser: str | None) -> Reading:
    """A former version: it knew nothing of rejections, and read no more than one target."""
    former = text.replace("Rejection", "# ").replace("(589.00, 591.20)", "(589.00)")
    return today(former, posted_at, parser)


def long_ago(_text: str, _posted_at: datetime, _parser: str | None) -> Reading:
    return NOT_A_PLAN


async def write(database: Database, read: Read, *observations: object) -> None:
    opened = functools.partial(connect, database, purpose="writer", idle_in_transaction_timeout="2s")
    writer = Writer(opened, read, lambda _: None)
    await writer.write(list(observations))  # type: ignore[arg-type]
    await writer.close()


async def differences(connection: Connection, read: Read, *, execute: bool = False) -> list[Difference]:
    batches = [batch async for batch in reparse(connection, read, lambda _: None, execute=execute)]
    return [difference for batch in batches for difference in batch.differences]


@pytest.fixture
async def connection(migrated_database: Database) -> AsyncIterator[Connection]:
    connection = await connect(migrated_database, purpose="test")
    yield connection
    await connection.close()


async def events(connection: Connection, after: int = 0) -> list[str]:
    rows = await connection.fetch("SELECT event_type FROM events WHERE id > $1 ORDER BY id", after)
    return [row["event_type"] for row in rows]


async def test_a_reparse_shows_first_writes_when_told_to_and_has_nothing_left_to_do(
    migrated_database: Database, connection: Connection
) -> None:
    room = Room(1)
    await write(migrated_database, long_ago, room.posted(1, PLAN), room.posted(2, "good morning"))
    before = await connection.fetchval("SELECT max(id) FROM events")

    shown = await differences(connection, today)
    assert [difference.stored.message_id for difference in shown] == [room.message_id(1)]
    assert len(shown[0].changes[0].setups) == 2
    assert not await events(connection, before)
    assert not await connection.fetchval("SELECT count(*) FROM trade_setups")

    assert len(await differences(connection, today, execute=True)) == 1
    assert await events(connection, before) == ["parsing.message.parsed", "setup.created", "setup.created"]
    assert await connection.fetchval("SELECT count(*) FROM current_setups") == 2
    assert not await differences(connection, today, execute=True)
    assert len(await events(connection, before)) == 3


async def test_what_another_version_reads_otherwise_keeps_its_id(
    migrated_database: Database, connection: Connection
) -> None:
    await write(migrated_database, yesterday, Room(1).posted(1, PLAN))
    kept = await connection.fetchval("SELECT id FROM trade_setups WHERE kind = 'breakout'")
    before = await connection.fetchval("SELECT max(id) FROM events")
    await differences(connection, today, execute=True)
    assert await events(connection, before) == ["parsing.message.parsed", "setup.created", "setup.updated"]
    assert await connection.fetchval("SELECT id FROM trade_setups WHERE kind = 'breakout'") == kept
    # And back: what is no longer read is withdrawn, not deleted.
    await differences(connection, yesterday, execute=True)
    assert (await events(connection, before))[3:] == ["parsing.message.parsed", "setup.updated", "setup.withdrawn"]
    states = await connection.fetch("SELECT kind, state FROM trade_setups ORDER BY kind")
    assert [tuple(row) for row in states] == [("breakout", "current"), ("rejection", "withdrawn")]


async def test_a_deleted_message_never_stands_again(migrated_database: Database, connection: Connection) -> None:
    room = Room(1)
    await write(migrated_database, long_ago, room.posted(1, PLAN), room.deleted(1))
    assert len(await differences(connection, today, execute=True)) == 1
    assert not await connection.fetchval("SELECT count(*) FROM current_setups")
    assert not await differences(connection, today, execute=True)


async def test_pending_texts_are_read_once(migrated_database: Database, connection: Connection) -> None:
    await write(migrated_database, long_ago, Room(1).posted(1, PLAN), Room(1).posted(2, "good morning"))
    await connection.execute("UPDATE discord_messages SET parse_state = 'pending'")
    assert await read_pending(connection, today, lambda _: None) == 2
    assert await connection.fetchval("SELECT count(*) FROM current_setups") == 2
    assert await read_pending(connection, today, lambda _: None) == 0


async def test_every_former_state_can_be_asked_for(migrated_database: Database, connection: Connection) -> None:
    async def now() -> datetime:
        moment: datetime = await connection.fetchval("SELECT clock_timestamp()")
        return moment

    room = Room(1)
    await write(migrated_database, today, room.posted(1, PLAN))
    first = await now()
    await write(migrated_database, today, room.posted(1, PLAN.replace("589.00, 591.20", "590.00"), edited=1))
    second = await now()
    await write(migrated_database, today, room.deleted(1))

    async def breakout_targets(moment: datetime) -> list[str]:
        (plan,) = await plans_as_of(connection, "$spy", day=DAY, moment=moment)
        assert {setup.kind for setup in plan.setups} == {"rejection", "breakout"}
        (breakout,) = [setup for setup in plan.setups if setup.kind == "breakout"]
        return [str(level.low) for level in breakout.of_role("target")]

    assert await breakout_targets(first) == ["589.00", "591.20"]
    assert await breakout_targets(second) == ["590.00"]
    for moment in (MORNING, await now(), datetime(2001, 1, 1, tzinfo=UTC)):
        with pytest.raises(NotFoundError, match="SPY"):
            await plans_as_of(connection, "SPY", day=DAY, moment=moment)
