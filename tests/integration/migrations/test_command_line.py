"""Each documented command of Alembic's, run as a user runs it.

Those that write files run in a copy of the folder alembic/, so that no other test finds revisions that come and go."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.alembic import REVISIONS, ROOT, alembic
from tests.support.migrated import migrate_fully
from tests.support.postgres import scratch_folder
from tests.support.sql import execute, fetch
from worker.db.connection import Database
from worker.db.schema import HEAD


@pytest.fixture
def project() -> Iterator[Path]:
    """A root with revisions of its own; the worker's code is the installed one."""
    with scratch_folder() as folder:
        for name in ("alembic.ini", "pyproject.toml"):
            shutil.copy(ROOT / name, folder)
        shutil.copytree(ROOT / "alembic", folder / "alembic", ignore=shutil.ignore_patterns("__pycache__"))
        yield folder


def new_revision(project: Path, revision: str) -> Path:
    [path] = (project / "alembic" / "versions").glob(f"{revision}_*.py")
    return path


def complaints(path: Path, *arguments: str) -> str:
    """What ruff finds in a revision of the copy, which has the project's own settings."""
    ruff = Path(sys.executable).with_name("ruff")
    ended = subprocess.run([ruff, *arguments, path], cwd=path.parents[2], capture_output=True, text=True, check=False)
    return ended.stdout if ended.returncode else ""


async def test_up_and_down_and_where_it_stands(empty_database: Database) -> None:
    await alembic(empty_database, "upgrade", "0002")
    await alembic(empty_database, "upgrade", "+1")
    assert (await alembic(empty_database, "current")).output == "0003\n"
    await alembic(empty_database, "upgrade", "head")
    assert (await alembic(empty_database, "current")).output == f"{HEAD} (head)\n"
    await alembic(empty_database, "downgrade", "-1")
    assert (await alembic(empty_database, "current")).output == f"{REVISIONS[-2]}\n"
    await alembic(empty_database, "downgrade", "base")
    assert (await alembic(empty_database, "current")).output == ""


async def test_what_there_is(migrated_database: Database) -> None:
    history = (await alembic(migrated_database, "history", "--indicate-current")).output
    assert f"{REVISIONS[-2]} -> {HEAD} (head) (current), " in history
    assert "<base> -> 0001, set aside" in history
    assert "0003 -> 0004, events correlation id" in history
    assert "events correlation id" in (await alembic(migrated_database, "show", "0004")).output
    assert (await alembic(migrated_database, "heads")).output == f"{HEAD} (head)\n"
    assert (await alembic(None, "history")).output == history.replace(" (current)", "")


async def test_a_run_on_the_command_line_is_recorded_and_told(empty_database: Database) -> None:
    await alembic(empty_database, "upgrade", "head")
    await alembic(empty_database, "downgrade", "-1")
    await alembic(empty_database, "stamp", "head")
    runs = await fetch(empty_database, "SELECT * FROM migration_runs ORDER BY id")
    assert [(run["revision"], run["direction"]) for run in runs] == [
        *((revision, "upgrade") for revision in REVISIONS),
        (HEAD, "downgrade"),
        (HEAD, "stamp"),
    ]
    told = await fetch(empty_database, "SELECT data FROM events ORDER BY id")
    assert [(event["data"]["revision"], event["data"]["direction"]) for event in told] == [
        (run["revision"], run["direction"]) for run in runs
    ]


async def test_a_stamp_moves_the_version_and_nothing_else(migrated_database: Database) -> None:
    await alembic(migrated_database, "stamp", "0002")
    assert (await alembic(migrated_database, "current")).output == "0002\n"
    await alembic(migrated_database, "stamp", "--purge", "head")
    assert (await alembic(migrated_database, "current")).output == f"{HEAD} (head)\n"
    assert await migrate_fully(migrated_database) == ()


async def test_an_empty_database_can_be_stamped_and_is_migrated_all_the_same(empty_database: Database) -> None:
    await alembic(empty_database, "stamp", "head")
    assert (await alembic(empty_database, "current")).output == f"{HEAD} (head)\n"
    assert await migrate_fully(empty_database) == REVISIONS


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
async def test_every_form_of_the_url_will_do(migrated_database: Database, scheme: str) -> None:
    url = migrated_database.dsn.replace("postgresql", scheme, 1)
    assert (await alembic(None, "current", DATABASE_URL=url)).output == f"{HEAD} (head)\n"


async def test_without_a_url_the_embedded_server_serves(tmp_path: Path) -> None:
    with scratch_folder() as folder:
        await alembic(None, "upgrade", "head", DATA_DIRECTORY=str(folder))
        assert (await alembic(None, "current", DATA_DIRECTORY=str(folder))).output == f"{HEAD} (head)\n"


async def test_it_works_from_another_folder(migrated_database: Database) -> None:
    ended = await alembic(migrated_database, "-c", str(ROOT / "alembic.ini"), "current", folder=Path("/"))
    assert ended.output == f"{HEAD} (head)\n"


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://u:secret%40@h/d", "DATABASE_URL is no PostgreSQL URL"),
        ("postgresql://u:secret%40@127.0.0.1:1/d", "cannot be reached"),
    ],
)
async def test_a_wrong_url_is_a_plain_sentence_without_the_password(url: str, sentence: str) -> None:
    ended = await alembic(None, "upgrade", "head", fails=True, DATABASE_URL=url, DATABASE_WAIT_SECONDS="0")
    assert sentence in ended.errors
    assert "Traceback" not in ended.errors
    assert "secret" not in ended.output + ended.errors


async def test_a_new_revision_is_named_by_its_title_and_passes_lint(migrated_database: Database, project: Path) -> None:
    title = "größer — naïve 100%"
    await alembic(migrated_database, "revision", "--rev-id", "9001", "-m", title, folder=project, LC_ALL="C")
    path = new_revision(project, "9001")
    assert path.name == "9001_größer_naïve_100.py"
    assert path.read_text(encoding="utf-8").startswith(f'"""{title}\n')
    assert title in (await alembic(migrated_database, "show", "9001", folder=project, LC_ALL="C")).output
    assert complaints(path, "check") + complaints(path, "format", "--check") == ""
    await alembic(migrated_database, "upgrade", "head", folder=project)
    await alembic(migrated_database, "downgrade", "-1", folder=project)


async def test_a_difference_to_the_models_becomes_a_revision(migrated_database: Database, project: Path) -> None:
    await execute(migrated_database, "ALTER TABLE discord_channels DROP COLUMN parser")
    await execute(migrated_database, "DROP INDEX ix_trade_setups_plan_id")
    assert "add_column" in (await alembic(migrated_database, "check", fails=True)).errors
    await alembic(migrated_database, "revision", "--autogenerate", "--rev-id", "9001", "-m", "mend", folder=project)
    written = new_revision(project, "9001").read_text()
    assert "op.add_column('discord_channels', sa.Column('parser', sa.Text(), nullable=True))" in written
    assert "op.create_index('ix_trade_setups_plan_id'" in written
    await alembic(migrated_database, "upgrade", "head", folder=project)
    assert "No new upgrade operations" in (await alembic(migrated_database, "check", folder=project)).output


async def test_tables_that_are_not_ours_are_never_proposed(migrated_database: Database) -> None:
    await execute(migrated_database, "CREATE TABLE old_events (id integer PRIMARY KEY)")
    await execute(migrated_database, "CREATE TABLE theirs (id bigint REFERENCES discord_messages)")
    await execute(migrated_database, "CREATE INDEX ix_theirs ON theirs (id)")
    assert "No new upgrade operations" in (await alembic(migrated_database, "check")).output


async def test_two_heads_are_merged(migrated_database: Database, project: Path) -> None:
    for revision in ("mine", "yours"):
        arguments = ("--head", HEAD, "--splice", "--rev-id", revision, "-m", revision)
        await alembic(migrated_database, "revision", *arguments, folder=project)
    heads = (await alembic(migrated_database, "heads", folder=project)).output.splitlines()
    assert heads == ["mine (head)", "yours (head)"]
    await alembic(migrated_database, "merge", "heads", "--rev-id", "9002", "-m", "both", folder=project)
    await alembic(migrated_database, "upgrade", "head", folder=project)
    assert (await alembic(migrated_database, "current", folder=project)).output == "9002 (head) (mergepoint)\n"
    await alembic(migrated_database, "downgrade", HEAD, folder=project)
