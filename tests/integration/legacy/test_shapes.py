"""Each old table in each shape that is known, under its own name and under old_."""

from typing import Any

import pytest

from tests.support.legacy import (
    CHANNEL_ID,
    CHANNELS_AS_NUMBERS,
    EVENTS_TYPE_IN_DATA,
    EVENTS_WITH_PAYLOAD,
    FIRST_DAY,
    GUILD_ID,
    MESSAGES,
    SETUP_MESSAGES,
    SETUPS,
    SETUPS_ONE_A_ROW,
    SETUPS_WATCH_LEVELS,
    create,
    insert,
    naive,
    plan_text,
    posting_time,
    snowflake,
)
from tests.support.legacy_run import imported, old_rows, rebuilt_rows
from tests.support.sql import fetch
from worker import correlation
from worker.db.connection import Database, connected
from worker.legacy.report import Report, counts


async def bring(database: Database, shape: str, columns: str, rows: list[tuple[Any, ...]], **more: str) -> Report:
    """An import of one table of this shape; every row of it can be rebuilt afterwards."""
    async with connected(database, purpose="test") as connection:
        await create(connection, shape, prefix="old_", **more)
        name = shape.format(prefix="old_", data="").split()[2]
        await insert(connection, name, columns, rows)
    report = await imported(database, execute=True)
    assert await rebuilt_rows(database, name) == await old_rows(database, name)
    assert [found.holds for found in report.verifications.values()] == [True]
    return report


def only(report: Report) -> dict[str, Any]:
    [progress] = report.run.tables.values()
    return counts(progress)


@pytest.mark.parametrize(
    ("shape", "columns", "row"),
    [
        (
            SETUPS_ONE_A_ROW,
            "ticker, date, entry_price, stop_price, target_price, direction, status, source, created_at",
            ("SPY", FIRST_DAY, 612.4, float("nan"), float("inf"), "long", "open", "parsed", naive(posting_time(0))),
        ),
        (
            SETUPS_WATCH_LEVELS,
            "ticker, setup_type, watch_levels, trading_day, created_at, active",
            ("SPY", "breakout", "[612.40, 610.80]", FIRST_DAY, posting_time(0), True),
        ),
    ],
)
async def test_setups_that_hold_no_posts_are_kept_whole(
    migrated_database: Database, shape: str, columns: str, row: tuple[Any, ...]
) -> None:
    """A parser has nothing to read in them, and a post that nobody posted is not made up."""
    report = await bring(migrated_database, shape, columns, [row, row])
    assert only(report)["reasons"] == {"no_text": 2}
    kept = await fetch(migrated_database, "SELECT row->>'ticker', row->>'stop_price' FROM import_quarantine")
    assert {row[0] for row in kept} == {"SPY"}
    assert report.exit_code == 2


async def test_channels_with_numbers_for_ids(migrated_database: Database) -> None:
    last = snowflake(posting_time(5))
    columns = "guild_id, guild_name, channel_id, channel_name, type, is_monitored, last_message_id, message_count"
    report = await bring(
        migrated_database,
        CHANNELS_AS_NUMBERS,
        columns,
        [
            (GUILD_ID, "Traders", CHANNEL_ID, "plans", "announcement", True, str(last), 12),
            (GUILD_ID, "Traders", CHANNEL_ID + 1, None, "something new", None, None, None),
        ],
    )
    assert only(report)["inserted"] == 2
    rows = await fetch(
        migrated_database,
        "SELECT guild_id, name, kind, is_listen, history_from FROM discord_channels ORDER BY channel_id",
    )
    assert [tuple(row) for row in rows] == [
        (GUILD_ID, "plans", "news", True, posting_time(5)),
        (GUILD_ID, "", "unknown", False, None),
    ]


@pytest.mark.parametrize("kind", ["json", "text", "jsonb"])
async def test_events_with_their_type_in_data_and_times_without_zone(migrated_database: Database, kind: str) -> None:
    at = posting_time(0)
    data = f'{{"event_type" : "setup.created", "message_id": "{snowflake(at)}", "price": 612.40, "n": 1e2}}'
    rows: list[tuple[Any, ...]] = [("parsing:setup", data, naive(at)), ("parsing:setup", '{"type":"x"}', naive(at))]
    if kind != "jsonb":
        rows.append(("odd", '{"type": "nul", "text": "a\\u0000b\\ud800"}', naive(at)))
    if kind == "text":
        rows.append(("odd", '{"type": "python", "price": NaN}', naive(at)))
        rows.append(("odd", "not json at all", naive(at)))
        rows.append(("odd", '{"type": "beyond numeric", "price": 1e999999}', naive(at)))
        rows.append(("odd", "[" * 100_000, naive(at)))
    report = await bring(migrated_database, EVENTS_TYPE_IN_DATA, "channel, data, created_at", rows, data=kind)
    assert only(report)["inserted"] == {"jsonb": 2, "json": 3, "text": 4}[kind]
    assert only(report)["reasons"] == ({"bad_json": 2, "refused": 1} if kind == "text" else {})
    events = await fetch(
        migrated_database,
        "SELECT event_type, correlation_id, created_at, data::text AS data FROM events WHERE id < 0 ORDER BY id",
    )
    assert [row["event_type"] for row in events][:3] == ["setup.created", "x", "nul"][: len(events)]
    assert events[0]["correlation_id"] == correlation.of_message(snowflake(at))
    assert events[0]["created_at"] == at
    assert '"price": 612.40' in events[0]["data"]


async def test_events_with_payload_and_ids_of_their_own(migrated_database: Database) -> None:
    at = posting_time(0)
    given = "2be987a2-c698-587d-8bb3-1136e4fb29f0"
    columns = 'id, channel, event_type, payload, source, correlation_id, "timestamp", created_at'
    report = await bring(
        migrated_database,
        EVENTS_WITH_PAYLOAD,
        columns,
        [
            (7, "a", "first", '{"k":1,   "k": 2}', "bot", given, at, naive(at)),
            (9, "a", "second", '"a string"', "bot", "job-7", at, naive(at)),
            (8, "a", "third", '"{\\"type\\": \\"an object in a string\\"}"', None, None, at, naive(at)),
            (9, "a", "second", '"a string"', "bot", "job-7", at, naive(at)),  # the same row twice, for want of a key
            (9, "a", "not the second", "{}", "bot", "job-7", at, naive(at)),
            (10, "b" * 51, "too long a channel", "{}", None, None, at, naive(at)),
            (11, "b", "no data that fits", f'"{"x" * 70_000}"', None, None, at, naive(at)),
        ],
    )
    told = only(report)
    assert (told["inserted"], told["merged"], told["reasons"]) == (4, 1, {"too_long": 2})
    events = await fetch(
        migrated_database, "SELECT event_type, correlation_id, data, source FROM events WHERE id < 0 ORDER BY id"
    )
    assert {row["source"] for row in events} == {"legacy_import"}
    by_type = {row["event_type"]: row for row in events}
    assert [row["event_type"] for row in events if row["event_type"] != "not the second"] == [
        "first",
        "third",
        "second",
    ]
    assert str(by_type["first"]["correlation_id"]) == given
    assert by_type["second"]["correlation_id"] == by_type["not the second"]["correlation_id"]
    assert by_type["second"]["data"] == {"value": "a string"}
    assert by_type["third"]["data"] == {"type": "an object in a string"}


async def test_setup_messages_find_the_message_that_they_are_about(migrated_database: Database) -> None:
    at = posting_time(0)
    async with connected(migrated_database, purpose="test") as connection:
        await create(connection, MESSAGES, prefix="old_")
        await insert(
            connection,
            "old_discord_messages",
            "message_id, channel_id, content, timestamp",
            [(str(snowflake(at)), str(CHANNEL_ID), plan_text(0) + " \n", at)],
        )
        await create(connection, SETUP_MESSAGES, SETUPS, prefix="old_")
        await insert(
            connection,
            "old_setup_messages",
            "id, date, raw_text, created_at, message_id",
            [(1, FIRST_DAY, plan_text(0), naive(at), None), (2, FIRST_DAY, "another", None, None)],
        )
        await insert(connection, "old_setups", "date, raw_text", [(FIRST_DAY, plan_text(0).replace("\n", "\r\n"))])
    report = await imported(migrated_database, execute=True)
    merged = {label: (one.inserted, one.merged) for label, one in report.run.tables.items()}
    assert merged == {"old_discord_messages": (1, 0), "old_setup_messages": (1, 1), "old_setups": (0, 1)}
    assert [row[0] for row in await fetch(migrated_database, "SELECT DISTINCT message_id FROM ticker_plans")] == [
        snowflake(at)
    ]


async def test_a_message_id_that_is_the_key_of_the_table(migrated_database: Database) -> None:
    at = posting_time(0)
    shape = "CREATE TABLE {prefix}discord_messages (id bigint PRIMARY KEY, content text, raw json)"
    forwarded = '{"content": "", "message_snapshots": [{"message": {"content": "as it was forwarded"}}]}'
    report = await bring(migrated_database, shape, "id, content, raw", [(snowflake(at), "shown", forwarded)])
    assert only(report)["inserted"] == 1
    [row] = await fetch(migrated_database, "SELECT message_id, text, content FROM discord_messages")
    assert tuple(row) == (snowflake(at), "as it was forwarded", "")


async def test_a_table_without_any_row_or_any_column_that_is_known(migrated_database: Database) -> None:
    shape = "CREATE TABLE {prefix}event_bus (topic text, body text)"
    report = await bring(migrated_database, shape, "topic, body", [("a", "b")])
    assert only(report)["reasons"] == {"bad_time": 1}
