"""The trigger that makes the ids of events come in commit order."""

import asyncio

from tests.support.sql import fetch
from tests.support.waiting import LONGEST_SECONDS, until
from worker.db.connection import Database, connect
from worker.db.schema import EVENTS_ORDER_LOCK

INSERT = """
INSERT INTO events (channel, event_type, source, correlation_id, data)
VALUES ('bot:lifecycle', $1, 'worker', gen_random_uuid(), '{}') RETURNING id
"""
WAITING = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid::bigint = $1::bigint & 4294967295"


async def test_the_second_writer_draws_its_id_after_the_first_one_committed(migrated_database: Database) -> None:
    first, second = [await connect(migrated_database, purpose="writer") for _ in range(2)]
    try:
        await first.execute("BEGIN")
        await first.fetchval(INSERT, "first")
        later = asyncio.create_task(second.fetchval(INSERT, "second"))
        await until(lambda: first.fetch(WAITING, EVENTS_ORDER_LOCK), "the second writer at the lock")
        await first.fetchval(INSERT, "first again")
        await first.execute("COMMIT")
        await later
    finally:
        await first.close()
        await second.close()
    told = await fetch(migrated_database, "SELECT event_type FROM events WHERE source = 'worker' ORDER BY id")
    assert [row["event_type"] for row in told][-3:] == ["first", "first again", "second"]


async def test_an_import_with_ids_of_its_own_neither_waits_nor_keeps_others_waiting(
    migrated_database: Database,
) -> None:
    writer, importer = [await connect(migrated_database, purpose="writer") for _ in range(2)]
    try:
        await writer.execute("BEGIN")
        await writer.fetchval(INSERT, "live")
        await importer.execute("SET worker.import = 'on'")
        async with asyncio.timeout(LONGEST_SECONDS):
            await importer.execute(
                "INSERT INTO events (id, channel, event_type, source, correlation_id, data) "
                "VALUES (-1, 'discord:message', 'old', 'legacy_import', gen_random_uuid(), '{}')"
            )
        await writer.execute("COMMIT")
    finally:
        await writer.close()
        await importer.close()
    told = await fetch(migrated_database, "SELECT event_type FROM events WHERE id < 0")
    assert [row["event_type"] for row in told] == ["old"]
