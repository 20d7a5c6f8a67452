"""A whole import: a dry run says what will be, the import does it, and every row can be found again."""

from pathlib import Path

from tests.support.catalogue import read_catalogue, read_rows
from tests.support.legacy import CHANNEL_ID, GONE_CHANNEL_ID, posting_time, snowflake
from tests.support.legacy_run import imported, old_rows, rebuilt_rows, script, state_of
from tests.support.sql import execute, fetch
from worker.db.connection import Database, connect
from worker.events.catalogue import EVENT_TYPES
from worker.legacy.report import Report, counts

TABLES = (
    "old_setup_channels",
    "old_discord_messages",
    "old_setup_messages",
    "old_setups",
    "old_ingestion_status",
    "old_events",
)


def outcomes(report: Report) -> dict[str, tuple[int, int, int, int, int]]:
    """Read, inserted, already there, merged, quarantined."""
    return {
        label: (one.position, one.inserted, one.already_there, one.merged, one.quarantined)
        for label, one in report.run.tables.items()
    }


async def everything(database: Database) -> object:
    connection = await connect(database, purpose="test")
    try:
        return await read_catalogue(connection), await read_rows(connection)
    finally:
        await connection.close()


async def test_a_dry_run_writes_nothing_and_says_what_executing_will_do(old_database: Database, tmp_path: Path) -> None:
    before = await everything(old_database)
    dry = await script(old_database, report=tmp_path / "dry.json")
    assert dry.code == 2, dry
    assert await everything(old_database) == before
    done = await script(old_database, "--execute", report=tmp_path / "done.json")
    assert done.code == 2, done
    assert dry.report is not None
    assert done.report is not None
    assert dry.report | {"dry_run": False, "run_id": 1} == done.report
    assert "nothing was written" in dry.output
    assert "as UTC 1.0 s from the Discord ids' own time, as America/Chicago 6.0 h" in dry.output
    # On a terminal of any width nothing of a stranger's reaches it but what can be seen.
    assert "\x1b[31m" not in dry.output


async def test_every_row_is_accounted_for_and_can_be_rebuilt(old_database: Database) -> None:
    before = {table: await old_rows(old_database, table) for table in TABLES}
    report = await imported(old_database, execute=True)
    assert outcomes(report) == {
        "old_setup_channels": (5, 2, 0, 1, 2),
        "old_discord_messages": (19, 18, 0, 1, 0),
        "old_setup_messages": (6, 6, 0, 0, 0),
        "old_setups": (22, 4, 0, 15, 3),
        "old_ingestion_status": (4, 1, 0, 2, 1),
        "old_events": (107, 105, 0, 0, 2),
    }
    for table, rows in before.items():
        assert await old_rows(old_database, table) == rows
        assert await rebuilt_rows(old_database, table) == rows, table
    assert all(found.holds for found in report.verifications.values())
    reasons = {label: one["reasons"] for label, one in ((label, counts(p)) for label, p in report.run.tables.items())}
    assert reasons["old_setups"] == {"no_text": 2, "sample": 1}
    assert reasons["old_events"] == {"bad_time": 1, "no_event_type": 1}
    assert reasons["old_setup_channels"] == {"bad_id": 2}
    assert {table.name: table.rows for table in report.plan.unmapped} == {
        "old_trade_setups": 2,
        "old_parsed_levels": 1,
        "old_user_notes": 1,
    }


async def test_a_second_import_writes_nothing(old_database: Database) -> None:
    await imported(old_database, execute=True)
    before = await state_of(old_database)
    report = await imported(old_database, execute=True)
    assert await state_of(old_database) == before
    assert report.run.written == 0
    assert outcomes(report)["old_setups"] == (22, 0, 19, 0, 3)
    assert report.exit_code == 2


async def test_a_dry_run_after_the_import_finds_everything_there(old_database: Database) -> None:
    done = await imported(old_database, execute=True)
    dry = await imported(old_database)
    assert dry.run.written == 0
    assert {label: (read, there) for label, (read, _, there, _, _) in outcomes(dry).items()} == {
        label: (read, read - quarantined) for label, (read, _, _, _, quarantined) in outcomes(done).items()
    }


async def test_a_reader_that_starts_at_zero_sees_nothing_of_the_past(old_database: Database) -> None:
    await imported(old_database, execute=True)
    told = await fetch(old_database, "SELECT event_type, source FROM events WHERE id > 0 ORDER BY id")
    assert [row["event_type"] for row in told if row["event_type"] != "schema.migrated"] == ["channel.added"]
    changes = await fetch(old_database, "SELECT source, changed FROM channel_changes")
    assert [tuple(row) for row in changes] == [("command_line", {"is_listen": True, "is_active": True})]
    past = await fetch(
        old_database,
        "SELECT event_type, data->>'origin' AS origin FROM events WHERE id < 0 AND source = 'legacy_import'",
    )
    of_ours = {row["event_type"] for row in past if row["origin"] == "legacy"}
    assert of_ours == {
        "discord.message.stored",
        "discord.message.edited",
        "parsing.message.parsed",
        "setup.created",
        "setup.superseded",
        "setup.updated",
        "setup.withdrawn",
    }
    assert of_ours <= set(EVENT_TYPES)


async def test_old_events_keep_their_order_time_and_data(old_database: Database) -> None:
    await imported(old_database, execute=True)
    rows = await fetch(
        old_database,
        """
        SELECT o.data AS old_data, e.data AS data, o.created_at = e.created_at AS is_on_time, e.correlation_id,
               e.source, row_number() OVER (ORDER BY e.id) = row_number() OVER (ORDER BY o.id) AS is_in_order
          FROM old_events AS o
          JOIN legacy_map AS m ON m.old_table = 'old_events' AND m.old_key = o.id::text
          JOIN events AS e ON e.id = m.new_id AND e.id < 0
         WHERE o.event_type = 'setup.created'
        """,
    )
    assert len(rows) == 100
    assert all(row["is_on_time"] and row["is_in_order"] and row["old_data"] == row["data"] for row in rows)
    assert {row["source"] for row in rows} == {"legacy_import"}
    # One id follows a message, also through what the former application told of it.
    ids = {row["data"]["message_id"]: row["correlation_id"] for row in rows}
    stored = await fetch(old_database, "SELECT message_id::text, correlation_id FROM discord_messages")
    assert {name: ids[name] for name, _ in stored if name in ids} == {name: one for name, one in stored if name in ids}


async def test_messages_keep_their_ids_and_those_without_get_one_that_stays(old_database: Database) -> None:
    await imported(old_database, execute=True)
    stored = {
        row["message_id"]: row
        for row in await fetch(old_database, "SELECT message_id, channel_id, posted_at, text FROM discord_messages")
    }
    known = stored[snowflake(posting_time(6))]
    assert (known["channel_id"], known["posted_at"]) == (CHANNEL_ID, posting_time(6))
    surrogates = {name: row for name, row in stored.items() if name < 0}
    assert {row["channel_id"] for row in surrogates.values()} == {-1, CHANNEL_ID}
    in_order = [row["posted_at"] for _, row in sorted(surrogates.items())]
    assert in_order == sorted(in_order)
    legacy = await fetch(old_database, "SELECT kind, is_listen, is_active FROM discord_channels WHERE channel_id = -1")
    assert [tuple(row) for row in legacy] == [("legacy", False, False)]
    again = set(stored)
    await execute(old_database, "TRUNCATE discord_messages, events, legacy_map, import_quarantine, import_runs CASCADE")
    await imported(old_database, execute=True)
    assert {row[0] for row in await fetch(old_database, "SELECT message_id FROM discord_messages")} == again


async def test_how_far_history_was_read_is_a_hint_and_no_coverage(old_database: Database) -> None:
    await imported(old_database, execute=True)
    rows = await fetch(
        old_database, "SELECT channel_id, history_from, covered::text AS covered, is_listen FROM discord_channels"
    )
    channels = {row["channel_id"]: row for row in rows}
    assert {row["covered"] for row in rows} == {"{}"}
    assert channels[CHANNEL_ID]["history_from"] == posting_time(3)
    assert channels[CHANNEL_ID]["is_listen"]
    assert channels[GONE_CHANNEL_ID]["history_from"] == posting_time(4)
    assert not channels[GONE_CHANNEL_ID]["is_listen"]


async def test_posts_are_read_by_todays_parsers(old_database: Database) -> None:
    report = await imported(old_database, execute=True)
    made = report.run.tables["old_setup_messages"].made
    assert (made["parsed"], made["plans"], made["setups"]) == (6, 12, 60)
    states = await fetch(
        old_database,
        "SELECT parse_state, count(*) FROM discord_messages WHERE channel_id = -1 GROUP BY 1 ORDER BY 1",
    )
    assert {row[0]: row[1] for row in states} == {"parsed": 8, "not_a_plan": 3}
    # The correction of the first day's post stands, and the post that it corrects does not.
    standing = await fetch(
        old_database,
        "SELECT DISTINCT m.raw #>> '{legacy,table}' FROM current_setups JOIN discord_messages AS m USING (message_id) "
        "WHERE trading_day = '2025-01-06' AND ticker = 'SPY' AND current_setups.channel_id = -1",
    )
    assert [row[0] for row in standing] == ["old_setups"]
