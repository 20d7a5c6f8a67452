"""What boot does, by where the database stands."""

import asyncio
import logging
import os
import sys
from asyncio.subprocess import PIPE

import pytest
from structlog.testing import capture_logs

from tests.support.alembic import REVISIONS, ROOT
from tests.support.migrated import migrate_fully
from tests.support.sql import execute, fetch
from worker.correlation import of_name
from worker.db.connection import Database, connect
from worker.db.migrate import MigrationPlan, migrate, plan, sql, verify_schema
from worker.db.schema import EVENTS_TRIGGER, HEAD, MIGRATION_LOCK, SCHEMA_LEVEL
from worker.exits import ConfigError, ExitCode, OutdatedError

FIRE_NO_TRIGGERS = """
DO $$
BEGIN
    EXECUTE format('ALTER DATABASE %I SET session_replication_role = replica', current_database());
END
$$
"""


async def test_an_empty_database_is_brought_to_head(empty_database: Database) -> None:
    assert await migrate_fully(empty_database) == REVISIONS
    assert await migrate_fully(empty_database) == ()
    assert [row["version_num"] for row in await fetch(empty_database, "SELECT version_num FROM alembic_version")] == [
        HEAD
    ]


async def test_each_revision_is_recorded_and_told_once(migrated_database: Database) -> None:
    await migrate_fully(migrated_database)
    runs = await fetch(migrated_database, "SELECT * FROM migration_runs ORDER BY id")
    assert [(run["revision"], run["direction"], run["is_told"]) for run in runs] == [
        (revision, "upgrade", True) for revision in REVISIONS
    ]
    assert all(run["duration_milliseconds"] >= 0 and run["lock_wait_milliseconds"] == 0 for run in runs)
    assert all(f"process {os.getpid()}" in run["applied_by"] for run in runs)
    told = await fetch(migrated_database, "SELECT * FROM events ORDER BY id")
    assert [(event["event_type"], event["data"]["revision"], event["correlation_id"]) for event in told] == [
        ("schema.migrated", run["revision"], of_name(f"schema:migrated:{run['id']}")) for run in runs
    ]


async def test_runs_that_nobody_told_are_told_by_the_next_boot(migrated_database: Database) -> None:
    """A process that is killed between the two transactions leaves such runs, and so does SQL that was written out."""
    await execute(
        migrated_database, "UPDATE migration_runs SET is_told = false WHERE revision > '0002'; TRUNCATE events"
    )
    await asyncio.gather(*(migrate_fully(migrated_database) for _ in range(4)))
    told = await fetch(migrated_database, "SELECT data ->> 'revision' AS revision FROM events ORDER BY id")
    assert [row["revision"] for row in told] == list(REVISIONS[2:])


async def test_at_head_neither_a_lock_is_taken_nor_alembic_imported(migrated_database: Database) -> None:
    holder = await connect(migrated_database, purpose="test")
    try:
        await holder.fetchval("SELECT pg_advisory_lock($1)", MIGRATION_LOCK)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.support.boot", migrated_database.dsn, "5"),
            cwd=ROOT,
            stdout=PIPE,
        )
        output, _ = await process.communicate()
    finally:
        await holder.close()
    assert process.returncode == 0
    assert output.decode().splitlines()[-1] == '{"applied": [], "imported": []}'


@pytest.mark.parametrize(
    ("floor", "runs"), [(SCHEMA_LEVEL, True), (SCHEMA_LEVEL - 1, True), (SCHEMA_LEVEL + 1, False), (None, False)]
)
async def test_the_floor_decides_on_a_newer_database(
    migrated_database: Database, floor: int | None, runs: bool
) -> None:
    await execute(migrated_database, "UPDATE alembic_version SET version_num = '9999'; DELETE FROM schema_floor")
    if floor is not None:
        await execute(migrated_database, "INSERT INTO schema_floor (floor) VALUES ($1)", floor)
    if runs:
        with capture_logs() as logs:
            assert await migrate_fully(migrated_database) == ()
        assert [line["event"] for line in logs] == ["migration.database_is_newer"]
        assert await plan(migrated_database) == MigrationPlan(("9999",), HEAD, (), (), is_newer=True)
        return
    for act in (migrate_fully, plan, sql):
        with pytest.raises(OutdatedError, match="newer than this code") as raised:
            await act(migrated_database)
        assert raised.value.exit_code is ExitCode.OUTDATED


async def test_a_floor_above_this_code_stops_it_before_the_release_has_taken_its_first_step(
    migrated_database: Database,
) -> None:
    await execute(migrated_database, "UPDATE schema_floor SET floor = $1", SCHEMA_LEVEL + 1)
    with pytest.raises(OutdatedError):
        await migrate_fully(migrated_database)


@pytest.mark.parametrize(
    "harm",
    [
        f"ALTER TABLE events DISABLE TRIGGER {EVENTS_TRIGGER}",
        f"ALTER TABLE events ENABLE REPLICA TRIGGER {EVENTS_TRIGGER}",
        f"DROP TRIGGER {EVENTS_TRIGGER} ON events",
        FIRE_NO_TRIGGERS,
    ],
)
async def test_boot_refuses_without_the_trigger_that_orders_events(migrated_database: Database, harm: str) -> None:
    await execute(migrated_database, harm)
    with pytest.raises(ConfigError, match=EVENTS_TRIGGER):
        await migrate_fully(migrated_database)
    connection = await connect(migrated_database, purpose="test")
    try:
        with pytest.raises(ConfigError, match=EVENTS_TRIGGER):
            await verify_schema(connection)
    finally:
        await connection.close()


async def test_a_trigger_that_always_fires_will_do(migrated_database: Database) -> None:
    await execute(migrated_database, f"ALTER TABLE events ENABLE ALWAYS TRIGGER {EVENTS_TRIGGER}")
    assert await migrate_fully(migrated_database) == ()


async def test_the_plan_and_the_sql_of_an_empty_database(empty_database: Database) -> None:
    planned = await plan(empty_database)
    assert (planned.revisions, planned.head, planned.set_aside, planned.is_newer) == ((), HEAD, (), False)
    assert [(step.revision, step.title) for step in planned.steps][:2] == [("0001", "set aside"), ("0002", "store")]
    script = await sql(empty_database)
    assert script.startswith("DO $set_aside$")
    assert "CREATE INDEX CONCURRENTLY ix_events_correlation_id" in script
    assert await fetch(empty_database, "SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace") == []


async def test_there_is_no_plan_and_no_sql_at_head(migrated_database: Database) -> None:
    assert await plan(migrated_database) == MigrationPlan((HEAD,), HEAD, (), (), is_newer=False)
    assert await sql(migrated_database) == ""


async def test_a_schema_that_is_not_there_is_a_plain_sentence(empty_database: Database) -> None:
    dsn = empty_database.dsn + "&options=-csearch_path%3Dnowhere"
    with pytest.raises(ConfigError, match="search_path"):
        await migrate(Database(dsn, dsn), budget_seconds=5, lock_timeout_milliseconds=200)


async def test_a_migration_leaves_the_loggers_of_others_alone(empty_database: Database) -> None:
    """Alembic's own env.py calls fileConfig, which disables every logger there is."""
    root, other = logging.getLogger(), logging.getLogger("somebody.else")
    before = (root.level, root.handlers[:], other.disabled)
    await migrate_fully(empty_database)
    assert (root.level, root.handlers, other.disabled) == before
