"""What another application left under our names is renamed with all that hangs on it, and comes back to the letter."""

import asyncpg
import pytest
from alembic import command

from tests.support.alembic import REVISIONS, alembic, move
from tests.support.catalogue import snapshot
from tests.support.migrated import migrate_fully
from tests.support.sql import execute
from worker.db.connection import Database, connect
from worker.db.migrate import plan
from worker.exits import ConfigError

LONGEST = "an_index_whose_name_is_already_as_long_as_postgresql_permits_ok"
LONGEST_IN_BYTES = "än_index_whose_näme_in_bytes_is_as_long_as_postgresql_permits"


async def test_nothing_is_lost_up_and_down(foreign_database: Database) -> None:
    before = await snapshot(foreign_database)
    for _ in range(2):
        await move(foreign_database, command.upgrade, "head")
        await move(foreign_database, command.downgrade, "base")
        assert await snapshot(foreign_database) == before


async def test_boot_sets_the_names_aside_and_keeps_every_row(foreign_database: Database) -> None:
    _, rows = await snapshot(foreign_database)
    assert await migrate_fully(foreign_database) == REVISIONS
    _, rows_after = await snapshot(foreign_database)
    for name, present_name in {
        "alembic_version": "old_alembic_version",
        "events": "old_events_2",
        "old_events": "old_events",
        "events_id_seq": "old_events_id_seq_2",
        "discord_channels": "old_discord_channels",
        "discord_channels_id_seq": "old_discord_channels_id_seq",
        "trade_setups": "old_trade_setups",
        "schema_floor": "old_schema_floor",
        "set_aside": "old_set_aside",
        "parsed_levels_2025": "parsed_levels_2025",
        "legacy_map": "old_legacy_map",
        "discord_messages": "old_discord_messages",
        "elsewhere": "elsewhere",
    }.items():
        assert rows_after[present_name] == rows[name], name


async def test_indexes_constraints_and_sequences_go_with_their_table(foreign_database: Database) -> None:
    assert len(LONGEST) == len(LONGEST_IN_BYTES.encode()) == 63
    await migrate_fully(foreign_database)
    catalogue, _ = await snapshot(foreign_database)
    old = {"old_events_2", "old_discord_channels", "old_trade_setups", "old_parsed_levels", "old_ticker_plans"}
    indexes = {row[1] for row in catalogue["indexes"] if row[0] in old}
    constraints = {row[1] for row in catalogue["constraints"] if row[0] in old}
    names = {str(name) for name in indexes | constraints}
    assert "old_pk_discord_channels" in names
    assert "old_fk_trade_setups_plan_id" in names
    assert f"old_{LONGEST}"[:63] in names
    assert f"old_{LONGEST_IN_BYTES}"[:61] in names
    assert all(name.startswith("old_") and len(name.encode()) <= 63 for name in names)


async def test_the_default_of_a_serial_column_still_draws_from_its_sequence(foreign_database: Database) -> None:
    await migrate_fully(foreign_database)
    connection = await connect(foreign_database, purpose="test")
    try:
        assert await connection.fetchval("INSERT INTO old_events_2 (channel) VALUES ('x') RETURNING id") == 4712
        assert await connection.fetchval("SELECT channel FROM old_current_setups") == "discord:message"
    finally:
        await connection.close()


async def test_what_was_dropped_meanwhile_does_not_keep_the_rest_from_coming_back(foreign_database: Database) -> None:
    await migrate_fully(foreign_database)
    await execute(foreign_database, "DROP TABLE old_trade_setups CASCADE; DROP INDEX old_ix_events_correlation_id")
    await alembic(foreign_database, "downgrade", "base")
    catalogue, _ = await snapshot(foreign_database)
    names = {row[0] for row in catalogue["relations"]}
    assert {"events", "events_id_seq", "ix_events_channel_id", "alembic_version", "old_events"} <= names
    assert "trade_setups" not in names


async def test_a_foreign_version_is_told_by_the_floor_that_is_missing_not_by_its_name(empty_database: Database) -> None:
    await execute(
        empty_database,
        "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);"
        "INSERT INTO alembic_version VALUES ('0003')",
    )
    assert await migrate_fully(empty_database) == REVISIONS
    _, rows = await snapshot(empty_database)
    assert rows["old_alembic_version"] == [("(0003)",)]


async def test_only_an_upgrade_changes_anything_beside_a_foreign_version(foreign_database: Database) -> None:
    before = await snapshot(foreign_database)
    assert (await alembic(foreign_database, "current")).output == ""
    assert "set aside" in (await alembic(foreign_database, "history", "--indicate-current")).output
    assert "not up to date" in (await alembic(foreign_database, "check", fails=True)).errors
    for arguments in (("downgrade", "base"), ("stamp", "head")):
        assert "Can't locate revision" in (await alembic(foreign_database, *arguments, fails=True)).errors
    assert await snapshot(foreign_database) == before


async def test_the_plan_lists_what_would_be_set_aside(foreign_database: Database) -> None:
    before = await snapshot(foreign_database)
    planned = await plan(foreign_database)
    assert [step.revision for step in planned.steps] == list(REVISIONS)
    assert set(planned.set_aside) == {
        *("alembic_version", "set_aside", "discord_channels", "discord_messages", "ticker_plans", "trade_setups"),
        *("parsed_levels", "events", "schema_floor", "legacy_map", "current_setups"),
    }
    assert await snapshot(foreign_database) == before


async def test_only_the_first_schema_of_the_search_path_is_touched(foreign_database: Database) -> None:
    before = await snapshot(foreign_database)
    connection = await connect(foreign_database, purpose="test")
    try:
        name = await connection.fetchval("SELECT current_database()")
        await connection.execute("CREATE SCHEMA worker")
        await connection.execute(f'ALTER DATABASE "{name}" SET search_path = worker, public')
        await connection.close()
        assert await migrate_fully(foreign_database) == REVISIONS
        connection = await connect(foreign_database, purpose="test")
        assert await connection.fetchval("SELECT count(*) FROM worker.set_aside") == 0
        await connection.execute(f'ALTER DATABASE "{name}" RESET search_path')
    finally:
        await connection.close()
    assert await snapshot(foreign_database) == before


async def test_our_own_tables_are_never_set_aside_when_the_version_is_lost(migrated_database: Database) -> None:
    await execute(migrated_database, "DELETE FROM alembic_version")
    before = await snapshot(migrated_database)
    with pytest.raises(ConfigError, match="alembic stamp"):
        await migrate_fully(migrated_database)
    assert "alembic stamp" in (await alembic(migrated_database, "upgrade", "head", fails=True)).errors
    assert await snapshot(migrated_database) == before
    await execute(migrated_database, "DROP TABLE alembic_version")
    with pytest.raises(ConfigError, match="alembic stamp"):
        await migrate_fully(migrated_database)
    await alembic(migrated_database, "stamp", "head")
    assert await migrate_fully(migrated_database) == ()


async def test_a_user_without_the_right_is_told_so(foreign_database: Database) -> None:
    connection = await connect(foreign_database, purpose="test")
    try:
        await connection.execute("CREATE ROLE visitor LOGIN")
        dsn = foreign_database.dsn.replace("://postgres@", "://visitor@")
        result = await alembic(Database(dsn, dsn), "upgrade", "head", fails=True)
        await connection.execute("DROP ROLE visitor")
    finally:
        await connection.close()
    assert "may not change the schema" in result.errors
    assert "Traceback" not in result.errors


async def test_the_foreign_script_is_read_as_it_was_meant(foreign_database: Database) -> None:
    connection = await connect(foreign_database, purpose="test")
    try:
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute("INSERT INTO discord_messages VALUES (1000, 'inherits its check')")
    finally:
        await connection.close()
