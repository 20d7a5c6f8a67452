"""Every revision goes up, down and up again on data, and together they come to what the models say."""

from pathlib import Path

import alembic as library
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from tests.support.alembic import REVISIONS, ROOT, alembic, move
from tests.support.catalogue import read_catalogue, read_rows
from tests.support.migrated import migrate_fully
from tests.support.postgres import fresh_database
from worker.db.connection import Database, connect
from worker.db.embedded import EmbeddedServer
from worker.db.migrate import alembic_config
from worker.db.migration.attempts import alchemy
from worker.db.migration.set_aside import NAMES
from worker.db.models import Base
from worker.db.schema import CURRENT_SETUPS_SQL, EVENTS_FUNCTION_SQL, EVENTS_TRIGGER_SQL, HEAD, HOLD_EPOCH_SQL

ROWS = (Path(__file__).parent / "rows.sql").read_text()


async def fill(database: Database) -> None:
    connection = await connect(database, purpose="test")
    try:
        await connection.execute(ROWS)
        empty = [name for name, rows in (await read_rows(connection)).items() if not rows]
        assert empty == [], "rows.sql is to have a row for every table"
    finally:
        await connection.close()


def test_the_folder_of_the_revisions_does_not_shadow_the_library() -> None:
    assert not (ROOT / "alembic" / "__init__.py").exists()
    assert library.__file__ is not None
    assert Path(library.__file__).parents[1].name == "site-packages"


def test_there_is_one_head_and_boot_knows_it() -> None:
    assert ScriptDirectory.from_config(alembic_config()).get_heads() == [HEAD]


def test_every_name_of_ours_is_set_aside_where_it_is_taken() -> None:
    assert {*Base.metadata.tables, "current_setups"} == {*NAMES, "set_aside"}


def test_files_are_named_by_revision_and_title() -> None:
    for script in ScriptDirectory.from_config(alembic_config()).walk_revisions():
        slug = script.doc.replace(" ", "_")
        assert Path(script.path).name == f"{script.revision}_{slug}.py"


@pytest.mark.parametrize("revision", REVISIONS)
async def test_a_revision_goes_down_and_up_again_on_data(migrated_database: Database, revision: str) -> None:
    await fill(migrated_database)
    connection = await connect(migrated_database, purpose="test")
    try:
        catalogue, rows = await read_catalogue(connection), await read_rows(connection)
        await move(migrated_database, command.downgrade, ["base", *REVISIONS][REVISIONS.index(revision)])
        reverted = await read_rows(connection)
        await move(migrated_database, command.upgrade, "head")
        assert await read_catalogue(connection) == catalogue
        rows_after = await read_rows(connection)
    finally:
        await connection.close()
    # What was made before the revision is not touched by its downgrade.
    stored = (Base.metadata.tables.keys() & reverted.keys()) - {"migration_runs"}
    assert {name: rows_after[name] for name in stored} == {name: rows[name] for name in stored}


async def test_one_step_at_a_time_up_and_down_on_data(empty_database: Database) -> None:
    for revision in REVISIONS:
        assert await move(empty_database, command.upgrade, "+1") == (revision,)
    await fill(empty_database)
    for revision in reversed(REVISIONS):
        assert await move(empty_database, command.downgrade, "-1") == (revision,)
    assert await migrate_fully(empty_database) == REVISIONS


def _create_all(connection: Connection) -> None:
    Base.metadata.create_all(connection)
    for statement in (EVENTS_FUNCTION_SQL, EVENTS_TRIGGER_SQL, HOLD_EPOCH_SQL, CURRENT_SETUPS_SQL):
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql(
        "CREATE TABLE alembic_version (version_num varchar(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY)"
    )
    connection.commit()


async def test_the_revisions_come_to_what_the_models_say(postgres: EmbeddedServer, migrated_database: Database) -> None:
    """CHECK bodies, triggers, functions and views included, which `alembic check` does not look at."""
    async with fresh_database(postgres) as modelled:
        async with alchemy(await connect(modelled, purpose="test")) as connection:
            await connection.run_sync(_create_all)
        expected, found = await connect(modelled, purpose="test"), await connect(migrated_database, purpose="test")
        try:
            assert await read_catalogue(found) == await read_catalogue(expected)
        finally:
            await expected.close()
            await found.close()


async def test_alembic_check_is_clean(migrated_database: Database) -> None:
    assert (await alembic(migrated_database, "check")).output == "No new upgrade operations detected.\n"
