"""What `--sql` writes out does, on a bare session, what the command itself does."""

from alembic import command

from tests.support.alembic import REVISIONS, alembic, move
from tests.support.catalogue import snapshot
from tests.support.migrated import migrate_fully
from tests.support.postgres import fresh_database
from tests.support.sql import execute, fetch, run_script
from worker.db.connection import Database
from worker.db.embedded import EmbeddedServer
from worker.db.migrate import sql


async def test_the_sql_comes_to_the_same_schema(empty_database: Database, migrated_database: Database) -> None:
    await run_script(empty_database, (await alembic(None, "upgrade", "head", "--sql")).output)
    assert (await snapshot(empty_database))[0] == (await snapshot(migrated_database))[0]


async def test_the_sql_of_a_downgrade_leads_back(empty_database: Database) -> None:
    await migrate_fully(empty_database)
    await run_script(empty_database, (await alembic(None, "downgrade", "head:base", "--sql")).output)
    (catalogue, rows) = await snapshot(empty_database)
    assert rows == {"alembic_version": []}
    assert catalogue["functions"] == []


async def test_the_sql_sets_aside_and_gives_back(foreign_database: Database) -> None:
    before = await snapshot(foreign_database)
    script = await sql(foreign_database)
    assert await snapshot(foreign_database) == before
    await run_script(foreign_database, script)
    assert await migrate_fully(foreign_database) == ()
    names = {row["relname"] for row in await fetch(foreign_database, "SELECT relname FROM pg_class")}
    assert {"old_events_2", "old_alembic_version", "old_trade_setups", "events", "trade_setups"} <= names
    await run_script(foreign_database, (await alembic(None, "downgrade", "head:base", "--sql")).output)
    assert await snapshot(foreign_database) == before


async def test_the_sql_runs_where_a_downgrade_left_an_empty_version(migrated_database: Database) -> None:
    before, _ = await snapshot(migrated_database)
    await move(migrated_database, command.downgrade, "base")
    await run_script(migrated_database, await sql(migrated_database))
    assert (await snapshot(migrated_database))[0] == before


async def test_the_sql_goes_on_where_the_database_stands(postgres: EmbeddedServer, migrated_database: Database) -> None:
    async with fresh_database(postgres) as database:
        await alembic(database, "upgrade", "0002")
        script = await sql(database)
        assert "CREATE TABLE events" in script
        assert "set_aside" not in script
        await run_script(database, script)
        assert (await snapshot(database))[0] == (await snapshot(migrated_database))[0]


async def test_what_the_sql_applied_is_recorded_and_told_by_the_next_boot(empty_database: Database) -> None:
    await run_script(empty_database, await sql(empty_database))
    await migrate_fully(empty_database)
    runs = await fetch(empty_database, "SELECT * FROM migration_runs ORDER BY id")
    assert [(run["revision"], run["duration_milliseconds"], run["is_told"]) for run in runs] == [
        (revision, None, True) for revision in REVISIONS
    ]
    assert all("written out by version" in run["applied_by"] for run in runs)
    assert len(await fetch(empty_database, "SELECT FROM events WHERE event_type = 'schema.migrated'")) == len(REVISIONS)


async def test_the_sql_of_a_stamp_touches_the_version_alone(migrated_database: Database) -> None:
    await execute(migrated_database, "DROP TABLE alembic_version")
    await run_script(migrated_database, (await alembic(None, "stamp", "head", "--sql")).output)
    assert await migrate_fully(migrated_database) == ()
