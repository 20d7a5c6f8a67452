"""People who asked to be erased are gone from what an import kept, and no import brings them back."""

import functools
import json

from tests.support.dump import dump
from tests.support.legacy import CHANNEL_ID, EVENTS, MESSAGES, create, snowflake
from tests.support.legacy_run import imported
from tests.support.sql import fetch
from worker.db.connection import Database, connected
from worker.ingest.erasure import ask_for_erasure, erase_asked
from worker.ingest.observation import snowflake_time

WORD, NAME, PERSON = "mockingbird", "atticus-finch", 700_000_000_000_000_042
FIRST, SECOND, OTHER = (snowflake(snowflake_time(1_300_000_000_000_000_000), number) for number in (1, 2, 3))


async def make_old_tables(database: Database) -> None:
    """What the person said with their id in a column, with it in a payload, and named in an event; and another one."""
    payload = {"id": str(SECOND), "content": WORD, "author": {"id": str(PERSON), "username": NAME}}
    rows = [
        (str(FIRST), str(PERSON), f"{WORD} one", None),
        (str(SECOND), None, f"{WORD} two", json.dumps(payload)),
        (f"no id {WORD}", str(PERSON), f"{WORD} without an id of Discord's", None),
        (str(OTHER), "5", "of another one", None),
    ]
    facts = [
        {"message_id": str(FIRST), "raw_text": WORD},
        {"author": NAME, "note": WORD},
        {"author_id": str(PERSON), "note": WORD},
        {"author": "scout", "note": "stays"},
    ]
    async with connected(database, purpose="test") as connection:
        await create(connection, MESSAGES, EVENTS)
        await connection.executemany(
            "INSERT INTO old_discord_messages (message_id, channel_id, author_id, content, raw_data, timestamp,"
            " created_at) VALUES ($1, $2, $3, $4, $5, '2025-01-06 12:00Z', '2025-01-06 12:00')",
            [(message_id, str(CHANNEL_ID), *more) for message_id, *more in rows],
        )
        await connection.executemany(
            "INSERT INTO old_events (channel, event_type, data, created_at)"
            " VALUES ('discord', 'message.created', $1, '2025-01-06 12:00Z')",
            [(json.dumps(fact),) for fact in facts],
        )


async def erase(database: Database) -> int:
    use = functools.partial(connected, database, purpose="test")
    async with use() as connection:
        await ask_for_erasure(connection, PERSON, {NAME}, asked_by=1, epoch=None)
    return (await erase_asked(use, epoch=None))[PERSON].imported


async def assert_gone(database: Database) -> None:
    """But for the old tables, which are not the worker's."""
    lines = (await dump(database, without="old_*")).lower().splitlines()
    assert [line for line in lines if WORD in line or NAME in line] == []
    kept = await fetch(database, "SELECT content FROM discord_messages WHERE content <> ''")
    assert [row["content"] for row in kept] == ["of another one"]
    assert len(await fetch(database, "SELECT FROM events WHERE id < 0 AND data->>'note' = 'stays'")) == 1


async def test_what_was_imported_is_erased_and_stays_away(migrated_database: Database) -> None:
    await make_old_tables(migrated_database)
    await imported(migrated_database, execute=True)
    assert (await dump(migrated_database, without="old_*")).count(WORD) > 8
    assert await erase(migrated_database) >= 6
    await assert_gone(migrated_database)
    for retry in (False, True):
        report = await imported(migrated_database, execute=True, retry=retry)
        assert all(found.holds for found in report.verifications.values())
        await assert_gone(migrated_database)


async def test_a_first_import_takes_nothing_of_somebody_who_was_erased_before(migrated_database: Database) -> None:
    await make_old_tables(migrated_database)
    await erase(migrated_database)
    report = await imported(migrated_database, execute=True)
    assert all(found.holds for found in report.verifications.values())
    reasons = await fetch(
        migrated_database, "SELECT old_table, row::text, detail FROM import_quarantine WHERE reason = 'erased'"
    )
    assert {(row["row"], row["detail"]) for row in reasons} == {("{}", "")}
    assert sorted(row["old_table"] for row in reasons) == ["old_discord_messages"] * 3 + ["old_events"] * 3
    await assert_gone(migrated_database)
