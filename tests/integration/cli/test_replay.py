"""Replaying exports into a real database: everything that can be read is stored, once."""

import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from asyncpg import Connection

from tests.support.command_line import ROOT, worker
from worker.db.connection import Database, connected
from worker.exits import ExitCode
from worker.ingest import replay as replaying
from worker.ingest.replay import Replayed, ReplayOptions, replay

EXPORTS = ROOT / "tests" / "data" / "exports"
EXPORT = EXPORTS / "day_plans.json"
LINES = EXPORTS / "messages.jsonl"


async def replayed(database: Database, *paths: Path, channel_id: int | None = None) -> Replayed:
    options = ReplayOptions(channel_id, "America/Chicago", wait_seconds=10)
    return await replay(database, paths, options, lambda _: None)


@pytest.fixture
async def connection(migrated_database: Database) -> AsyncIterator[Connection]:
    async with connected(migrated_database, purpose="test") as session:
        yield session


def numbers(result: Replayed) -> tuple[int, ...]:
    return result.read, result.stored, result.already_there, result.edited, result.plans, result.failed


def message(message_id: int, content: str, **more: Any) -> dict[str, Any]:
    return {"id": str(message_id), "channel_id": "7", "content": content, "author": {"id": "1", "username": "a"}} | more


def lines_file(folder: Path, messages: Sequence[dict[str, Any]]) -> Path:
    path = folder / "messages.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in messages), encoding="utf-8")
    return path


async def test_what_is_replayed_twice_is_stored_once(migrated_database: Database, connection: Connection) -> None:
    first = await replayed(migrated_database, EXPORT, LINES)
    assert numbers(first) == (9, 9, 0, 0, 7, 0)
    assert first.problems == []
    events = await connection.fetchval("SELECT count(*) FROM events")
    again = await replayed(migrated_database, EXPORT, LINES)
    assert numbers(again) == (9, 0, 9, 0, 0, 0)
    assert await connection.fetchval("SELECT count(*) FROM events") == events
    rows = await connection.fetch("SELECT DISTINCT origin, revision FROM discord_messages")
    assert [tuple(row) for row in rows] == [("replay", 1)]


async def test_an_unknown_channel_gets_its_name_and_is_not_listened_to(
    migrated_database: Database, connection: Connection
) -> None:
    await replayed(migrated_database, EXPORT, LINES)
    rows = await connection.fetch(
        "SELECT channel_id, guild_id, name, kind, is_listen, covered FROM discord_channels ORDER BY channel_id"
    )
    assert [tuple(row) for row in rows] == [
        (900000000000000002, 900000000000000001, "day-plans", "text", False, []),
        (900000000000000005, 900000000000000001, "", "unknown", False, []),
    ]


async def test_a_known_channel_keeps_what_discord_said_of_it(
    migrated_database: Database, connection: Connection
) -> None:
    await connection.execute(
        "INSERT INTO discord_channels (channel_id, name, kind, is_listen) VALUES ($1, 'renamed', 'news', true)",
        900000000000000002,
    )
    await replayed(migrated_database, EXPORT)
    row = await connection.fetchrow("SELECT name, kind, is_listen FROM discord_channels")
    assert row
    assert tuple(row) == ("renamed", "news", True)


async def test_a_message_that_changed_between_two_exports_is_edited(
    migrated_database: Database, connection: Connection, tmp_path: Path
) -> None:
    await replayed(migrated_database, lines_file(tmp_path, [message(5 << 22, "first")]))
    newer = message(5 << 22, "second", edited_timestamp="2025-06-18T13:00:00+00:00")
    assert numbers(await replayed(migrated_database, lines_file(tmp_path, [newer]))) == (1, 0, 0, 1, 0, 0)
    assert await connection.fetchval("SELECT content FROM discord_messages") == "second"
    assert await connection.fetchval("SELECT content FROM message_revisions") == "first"


async def test_awkward_messages_are_stored_and_flagged(
    migrated_database: Database, connection: Connection, tmp_path: Path
) -> None:
    nested: Any = "x"
    for _ in range(200):
        nested = [nested]
    given = {
        1 << 22: message(1 << 22, "x" * 4000),
        2 << 22: message(2 << 22, "nul \x00 here"),
        3 << 22: message(3 << 22, "half \ud83d an emoji"),
        4 << 22: message(4 << 22, "deep", embeds=[{"fields": [{"value": nested}]}]),
        5 << 22: message(5 << 22, "not a number", nonce=float("nan")),
    }
    result = await replayed(migrated_database, lines_file(tmp_path, list(given.values())))
    assert numbers(result) == (5, 5, 0, 0, 0, 0)
    rows = await connection.fetch("SELECT message_id, content, text_flags FROM discord_messages ORDER BY message_id")
    assert [(row["content"], row["text_flags"]) for row in rows] == [
        ("x" * 4000, None),
        ("nul \ufffd here", ["nul"]),
        ("half \ufffd an emoji", ["surrogate"]),
        ("deep", None),
        ("not a number", ["number"]),
    ]


async def test_an_export_with_a_lone_surrogate_is_read_to_its_end(
    migrated_database: Database, connection: Connection, tmp_path: Path
) -> None:
    export = json.loads(EXPORT.read_text(encoding="utf-8"))
    export["messages"][1]["content"] = "half \ud83d an emoji \x00"
    path = tmp_path / "export.json"
    path.write_text(json.dumps(export), encoding="utf-8")
    assert numbers(await replayed(migrated_database, path))[:2] == (6, 6)
    assert await connection.fetchval("SELECT count(*) FROM discord_messages WHERE text_flags IS NOT NULL") == 1


async def test_what_was_read_before_a_file_breaks_is_kept_over_many_batches(
    migrated_database: Database, connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "BATCH_SIZE", 4)
    export = json.loads(EXPORT.read_text(encoding="utf-8"))
    first = export["messages"][1]
    export["messages"] = [first | {"id": str(number << 22)} for number in range(1, 11)]
    path = tmp_path / "export.json"
    path.write_text(json.dumps(export)[:-60], encoding="utf-8")
    result = await replayed(migrated_database, path, LINES)
    assert numbers(result) == (12, 12, 0, 0, 3, 0)
    (problem,) = result.problems
    assert problem.startswith(f"{path} breaks off or is damaged after message {9 << 22} (9 in the file)")
    assert await connection.fetchval("SELECT count(*) FROM discord_messages") == 12


async def test_the_command_tells_what_came_of_it(migrated_database: Database, tmp_path: Path) -> None:
    bad = lines_file(tmp_path, [message(1 << 22, "fine")])
    with bad.open("a", encoding="utf-8") as file:
        file.write("no json\n" * 7)
    ended = await worker("replay", str(EXPORT), str(bad), database=migrated_database)
    assert ended.code == ExitCode.DATA
    shown = [line.rsplit(maxsplit=1) for line in ended.out.splitlines()]
    assert {name.strip(): int(number) for name, number in shown if "Unread" not in name} == {
        "Read": 14,
        "Stored": 7,
        "Already there": 0,
        "Edited": 0,
        "Plans": 4,
        "Parser failed": 0,
        "Failed": 7,
    }
    lines = ended.err.splitlines()
    assert json.loads(lines[-2])["event"] == "replay.completed"
    assert lines[-1] == (
        f"{bad} has 7 that could not be read: line 2 is no JSON, line 3 is no JSON, line 4 is no JSON, "
        "line 5 is no JSON, line 6 is no JSON and 2 more; the others are stored."
    )
    again = await worker("replay", str(EXPORT), database=migrated_database)
    assert again.code == ExitCode.OK
    assert "Stored                0\n" in again.out
