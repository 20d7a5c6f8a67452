"""What makes an import go wrong: zones, repeats, edits, rows that the database refuses, what is stored already."""

import json
from typing import Any

import pytest

from tests.support.legacy import (
    CHANNEL_ID,
    EVENTS,
    EVENTS_TYPE_IN_DATA,
    FIRST_DAY,
    SETUP_MESSAGES,
    SETUPS,
    create,
    insert,
    naive,
    plan_text,
    posting_time,
    snowflake,
)
from tests.support.legacy_run import imported
from tests.support.sql import execute, fetch
from worker.db.connection import Database, connected
from worker.legacy.ending import PreflightError
from worker.legacy.posts import digest_of
from worker.legacy.report import Report


async def fill(database: Database, shape: str, columns: str, rows: list[tuple[Any, ...]], **more: str) -> None:
    async with connected(database, purpose="test") as connection:
        await create(connection, shape, prefix="old_", **more)
        await insert(connection, shape.format(prefix="old_", data="").split()[2], columns, rows)


def assumed(report: Report, table: str) -> str:
    return "\n".join(one for plan in report.plan.tables if plan.table.name == table for one in plan.assumptions)


@pytest.mark.parametrize("zone", ["UTC", "America/Chicago"])
async def test_the_zone_of_times_is_told_by_the_ids_beside_them(migrated_database: Database, zone: str) -> None:
    ids = [(snowflake(posting_time(number)), posting_time(number)) for number in range(40)]
    events = [("x", json.dumps({"type": "e", "message_id": str(name)}), naive(at, zone)) for name, at in ids]
    events.append(("x", '{"type": "no id"}', naive(posting_time(40), zone)))
    await fill(migrated_database, EVENTS_TYPE_IN_DATA, "channel, data, created_at", events, data="jsonb")
    texts = [(FIRST_DAY, plan_text(0), naive(posting_time(41), zone))]
    await fill(migrated_database, SETUPS, "date, raw_text, created_at", texts)
    report = await imported(migrated_database, execute=True)
    last = "SELECT created_at FROM events WHERE data->>'type' = 'no id'"
    assert [row[0] for row in await fetch(migrated_database, last)] == [posting_time(40)]
    assert [row[0] for row in await fetch(migrated_database, "SELECT posted_at FROM discord_messages")] == [
        posting_time(41)
    ]
    assert f"taken as {zone} (40 rows looked at)" in assumed(report, "old_events")
    assert f"{zone}, as the other tables' times are" in assumed(report, "old_setups")


async def test_a_row_whose_id_contradicts_its_table_is_taken_by_its_id(migrated_database: Database) -> None:
    rows = [
        (
            "x",
            "e",
            json.dumps({"message_id": str(snowflake(at))}),
            naive(at, "America/Chicago" if number == 7 else "UTC"),
        )
        for number in range(20)
        for at in [posting_time(number)]
    ]
    shape = EVENTS.replace("timestamptz", "timestamp")
    await fill(migrated_database, shape, "channel, event_type, data, created_at", rows)
    report = await imported(migrated_database, execute=True)
    times = await fetch(migrated_database, "SELECT created_at FROM events WHERE id < 0 ORDER BY id")
    assert [row[0] for row in times] == [posting_time(number) for number in range(20)]
    assert "1 of them fit another zone" in assumed(report, "old_events")


async def test_one_text_on_one_day_is_one_message(migrated_database: Database) -> None:
    at = posting_time(0)
    rows = [
        (FIRST_DAY, plan_text(0), naive(at)),
        (FIRST_DAY, plan_text(0) + "\n", naive(posting_time(3))),
        (posting_time(1).date(), plan_text(0), naive(posting_time(1))),  # posted again a day later: another message
        (FIRST_DAY, plan_text(9), naive(at)),  # another text at the very same time
    ]
    await fill(migrated_database, SETUPS, "date, raw_text, created_at", rows)
    report = await imported(migrated_database, execute=True)
    assert report.run.tables["old_setups"].merged == 1
    mapped = await fetch(migrated_database, "SELECT old_key, new_id FROM legacy_map ORDER BY old_key::integer")
    ids = [row["new_id"] for row in mapped]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


async def test_two_texts_that_would_get_one_id_get_two(migrated_database: Database) -> None:
    """22 bits tell the texts of one millisecond apart; these two agree in them."""
    texts = ["text number 539", "text number 3814"]
    assert len({digest_of(text).int >> 106 for text in texts}) == 1
    rows = [(FIRST_DAY, text) for text in texts]
    await fill(migrated_database, SETUPS.replace("DEFAULT now()", ""), "date, raw_text", rows)
    report = await imported(migrated_database, execute=True)
    assert report.run.tables["old_setups"].inserted == 2
    [row] = await fetch(migrated_database, "SELECT count(DISTINCT text), count(*) FROM discord_messages")
    assert tuple(row) == (2, 2)


async def test_states_of_one_message_become_its_revisions(migrated_database: Database) -> None:
    at, name = posting_time(0), str(snowflake(posting_time(0)))
    later = [naive(posting_time(0)).replace(hour=20, minute=minute) for minute in range(5)]
    rows = [
        (1, FIRST_DAY, "first", later[0], name),
        (2, FIRST_DAY, "second", later[1], name),
        (3, FIRST_DAY, "third", later[2], name),
        (4, FIRST_DAY, "first", later[3], name),  # the same as before: nothing new
        (5, FIRST_DAY, "fourth, at no other time", later[2], name),
    ]
    await fill(migrated_database, SETUP_MESSAGES, "id, date, raw_text, created_at, message_id", rows)
    report = await imported(migrated_database, execute=True)
    progress = report.run.tables["old_setup_messages"]
    assert (progress.inserted, progress.merged, dict(progress.reasons)) == (1, 3, {"changed": 1})
    [message] = await fetch(migrated_database, "SELECT text, revision, posted_at FROM discord_messages")
    assert tuple(message) == ("third", 3, at)
    former = await fetch(migrated_database, "SELECT text FROM message_revisions ORDER BY edited_at NULLS FIRST")
    assert [row[0] for row in former] == ["first", "second"]


async def test_what_discord_told_stands_and_an_older_text_is_kept_beside_it(old_database: Database) -> None:
    name = snowflake(posting_time(7))
    await execute(
        old_database,
        "INSERT INTO discord_channels (channel_id, name, is_listen, kind) VALUES ($1, 'mine', false, 'forum')",
        CHANNEL_ID,
    )
    await execute(
        old_database,
        """
        INSERT INTO discord_messages (message_id, channel_id, content, text, posted_at, edited_at, origin, parse_state,
                                      raw, correlation_id)
        VALUES ($1, $2, 'told', 'told', now(), now(), 'live', 'not_a_plan', '{}', gen_random_uuid())
        """,
        name,
        CHANNEL_ID,
    )
    report = await imported(old_database, execute=True)
    assert report.run.tables["old_discord_messages"].already_there == 1
    [message] = await fetch(old_database, "SELECT text, origin FROM discord_messages WHERE message_id = $1", name)
    assert tuple(message) == ("told", "live")
    assert [
        row[0] for row in await fetch(old_database, "SELECT text FROM message_revisions WHERE message_id = $1", name)
    ] == [plan_text(7)]
    [channel] = await fetch(
        old_database, "SELECT name, is_listen, kind FROM discord_channels WHERE channel_id = $1", CHANNEL_ID
    )
    assert tuple(channel) == ("mine", False, "forum")
    assert report.run.tables["old_setup_channels"].already_there == 1


async def test_a_live_plan_that_an_imported_one_replaces_is_told_of(old_database: Database) -> None:
    """It is a fact about today's plan, so every reader has to hear of it; what replaced it stays in the past."""
    older = snowflake(posting_time(7)) - 1
    await execute(old_database, "INSERT INTO discord_channels (channel_id, name) VALUES ($1, 'plans')", CHANNEL_ID)
    [(plan_id,)] = await fetch(
        old_database,
        """
        WITH message AS (
          INSERT INTO discord_messages (message_id, channel_id, content, text, posted_at, origin, parse_state, raw,
                                        correlation_id)
          VALUES ($1, $2, 'a plan', 'a plan', now(), 'live', 'parsed', '{}', gen_random_uuid())
          RETURNING message_id, channel_id
        ), plan AS (
          INSERT INTO ticker_plans (message_id, channel_id, position, is_day_plan, ticker, trading_day,
                                    trading_day_source, fingerprint, state)
          SELECT message_id, channel_id, 0, true, 'SPY', $3, 'header', '', 'current' FROM message
          RETURNING id
        )
        INSERT INTO trade_setups (plan_id, position, kind, direction, raw_line, span, confidence, state)
        SELECT id, 0, 'breakout', 'long', 'line', '[0,4)', 1, 'current' FROM plan RETURNING plan_id
        """,
        older,
        CHANNEL_ID,
        posting_time(7).date(),
    )
    await imported(old_database, execute=True)
    told = await fetch(
        old_database,
        "SELECT event_type, source, data FROM events WHERE id > 0 AND channel = 'parsing:setup'",
    )
    assert [(row["event_type"], row["source"], row["data"]["plan_id"]) for row in told] == [
        ("setup.superseded", "worker", str(plan_id))
    ]
    assert told[0]["data"]["caused_by"] == str(snowflake(posting_time(7)))


async def test_a_row_that_the_database_refuses_costs_no_other(old_database: Database) -> None:
    """The refusal comes from PostgreSQL itself, in the middle of batches of every size."""
    await execute(
        old_database,
        "ALTER TABLE discord_messages ADD CONSTRAINT no_correction CHECK (text NOT LIKE '%614.20%');"
        "ALTER TABLE events ADD CONSTRAINT no_50 CHECK (data->>'n' IS DISTINCT FROM '50');"
        "ALTER TABLE discord_channels ADD CONSTRAINT no_news CHECK (kind <> 'news')",
    )
    report = await imported(old_database, execute=True)
    refused = await fetch(
        old_database, "SELECT old_table, detail FROM import_quarantine WHERE reason = 'refused' ORDER BY 1, 2"
    )
    assert [row["old_table"] for row in refused] == [
        "old_discord_messages",
        "old_events",
        "old_setup_channels",
        "old_setups",
    ]
    assert all("CheckViolationError" in row["detail"] for row in refused)
    assert report.run.tables["old_events"].inserted == 104
    assert all(found.holds for found in report.verifications.values())


async def test_quarantined_rows_are_tried_again(old_database: Database) -> None:
    await execute(old_database, "ALTER TABLE events ADD CONSTRAINT no_50 CHECK (data->>'n' IS DISTINCT FROM '50')")
    first = await imported(old_database, execute=True)
    assert first.run.tables["old_events"].reasons["refused"] == 1
    await execute(old_database, "ALTER TABLE events DROP CONSTRAINT no_50")
    left_alone = await imported(old_database, execute=True)
    assert left_alone.run.written == 0
    again = await imported(old_database, execute=True, retry=True)
    assert dict(again.run.tables["old_events"].reasons) == {"bad_time": 1, "no_event_type": 1}
    assert again.run.tables["old_events"].inserted == 1
    rows = await fetch(
        old_database,
        "SELECT row_number() OVER (ORDER BY id) = 51 AS is_in_place FROM events WHERE data ? 'n' AND id < 0 "
        "AND event_type = 'setup.created' AND data->>'n' = '50' AND source = 'legacy_import'",
    )
    assert len(rows) == 1
    assert not await fetch(old_database, "SELECT FROM import_quarantine WHERE reason = 'refused'")


async def test_a_row_that_changed_since_it_was_imported_is_set_aside(old_database: Database) -> None:
    await imported(old_database, execute=True)
    await execute(old_database, "UPDATE old_events SET data = '{\"n\": -1}' WHERE id = 5")
    await execute(old_database, "UPDATE old_setups SET raw_text = raw_text || ' and more' WHERE id = 3")
    await execute(
        old_database, "INSERT INTO old_events (channel, event_type, data, created_at) VALUES ('x','y','{}',now())"
    )
    report = await imported(old_database, execute=True)
    assert report.run.tables["old_events"].reasons["changed"] == 1
    assert report.run.tables["old_setups"].reasons["changed"] == 1
    assert report.run.tables["old_events"].inserted == 1
    assert all(found.holds for found in report.verifications.values())
    newest = "SELECT event_type FROM legacy_map JOIN events ON new_table = 'events' AND new_id = id ORDER BY id DESC"
    assert (await fetch(old_database, newest))[0][0] == "y"


@pytest.mark.parametrize(("id_of_second", "verb"), [(1, "ceased"), (2, "began")])
async def test_rows_that_go_by_other_keys_than_when_they_were_imported_are_refused(
    migrated_database: Database, id_of_second: int, verb: str
) -> None:
    """None of them would be recognised, and all of them told again."""
    shape = EVENTS.replace("serial PRIMARY KEY", "integer")
    at, columns = posting_time(0), "id, channel, event_type, data, created_at"
    rows = [(1, "x", "first", "{}", at), (3 - id_of_second, "x", "second", "{}", at)]
    await fill(migrated_database, shape, columns, rows)
    await imported(migrated_database, execute=True)
    before = await fetch(migrated_database, "SELECT id, event_type FROM events ORDER BY id")
    await execute(migrated_database, f"UPDATE old_events SET id = {id_of_second} WHERE event_type = 'second'")  # noqa: S608
    with pytest.raises(PreflightError, match=f"its column `id` {verb} to tell its rows apart"):
        await imported(migrated_database, execute=True)
    assert await fetch(migrated_database, "SELECT id, event_type FROM events ORDER BY id") == before
