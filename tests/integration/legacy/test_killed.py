"""Killed anywhere it resumes, and nobody can tell afterwards.

KILLS in the environment says at how many moments: KILLS=200 python -m pytest tests/integration/legacy/test_killed.py"""

import asyncio
import contextlib
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.legacy import make_old_database
from tests.support.legacy_process import ImportProcesses, import_processes
from tests.support.legacy_run import imported, old_rows, rebuilt_rows, state_of
from tests.support.postgres import fresh_database
from tests.support.sql import execute, fetch
from tests.support.waiting import until
from worker.db.connection import Database, connect, connected
from worker.db.embedded import EmbeddedServer
from worker.legacy.ending import PreflightError

KILLS = int(os.environ.get("KILLS", "20"))
KILLS_A_ROUND = 5
POSTS, EVENTS = 40, 1000

STAND_STILL = """
CREATE FUNCTION stand_still() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NEW; END $$;
CREATE TRIGGER stand_still BEFORE INSERT ON legacy_map
   FOR EACH ROW WHEN (NEW.old_table = 'old_events' AND NEW.old_key = '500') EXECUTE FUNCTION stand_still();
SELECT pg_advisory_lock(1);
"""

STANDS_STILL = """
SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""

Outcome = tuple[dict[str, Counter[str]], Any]


async def outcome(database: Database) -> Outcome:
    """What is in the tables, and what the run says of itself."""
    [run] = await fetch(database, "SELECT state, tables FROM import_runs")
    return await state_of(database), (run["state"], run["tables"])


@pytest.fixture(scope="module")
async def undisturbed(postgres: EmbeddedServer, filled_name: str) -> Outcome:
    async with fresh_database(postgres, template=filled_name) as database:
        await imported(database, execute=True)
        return await outcome(database)


@pytest.fixture(scope="module")
async def filled_name(postgres: EmbeddedServer, migrated_template: str) -> AsyncIterator[str]:
    async with fresh_database(postgres, template=migrated_template) as database:
        connection = await connect(database, purpose="test")
        try:
            await make_old_database(connection, posts=POSTS, events=EVENTS)
            name = str(await connection.fetchval("SELECT current_database()"))
        finally:
            await connection.close()
        yield name


@pytest.fixture
async def processes(tmp_path: Path) -> AsyncIterator[ImportProcesses]:
    async with import_processes(tmp_path / "errors") as running:
        yield running


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@contextlib.asynccontextmanager
async def half_done(processes: ImportProcesses, database: Database) -> AsyncIterator[int]:
    """The process of an import that stands still in the midst of its events for as long as the block lasts."""
    async with connected(database, purpose="test") as connection:
        await connection.execute(STAND_STILL)
        pid = await processes.begin(database)
        await until(lambda: connection.fetch(STANDS_STILL), "the import to stand still")
        yield pid


async def until_done(database: Database, pid: int, rows: int) -> None:
    """Waits until so many rows are done, or the process has ended."""

    async def is_so_far() -> bool:
        [row] = await fetch(database, "SELECT count(*) FROM legacy_map")
        return row[0] >= rows or not is_running(pid)

    await until(is_so_far, f"{rows} rows to be done")


async def test_killed_at_random_moments_it_comes_to_the_same(
    postgres: EmbeddedServer, processes: ImportProcesses, filled_name: str, undisturbed: Outcome
) -> None:
    seed = int(os.environ.get("SEED", random.randrange(10**6)))
    moments = random.Random(seed)
    killed = 0
    while killed < KILLS:
        async with fresh_database(postgres, template=filled_name) as database:
            code = -signal.SIGKILL
            # Half of them while there are messages, which depend on those before them.
            for rows in sorted(moments.randrange(-50, moments.choice((150, 1100))) for _ in range(KILLS_A_ROUND)):
                pid = await processes.begin(database)
                await until_done(database, pid, rows)
                await asyncio.sleep(moments.uniform(0, 0.03))
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                code, errors = await processes.ended()
                killed += code == -signal.SIGKILL
                if code != -signal.SIGKILL:
                    break  # it was quicker
            if code == -signal.SIGKILL:
                await processes.begin(database)
                code, errors = await processes.ended()
            assert code == 2, (f"SEED={seed}", errors)
            assert await outcome(database) == undisturbed, f"SEED={seed}"


async def test_interrupted_it_commits_what_it_has_begun_and_says_how_to_go_on(
    postgres: EmbeddedServer, processes: ImportProcesses, filled_name: str, undisturbed: Outcome
) -> None:
    async with fresh_database(postgres, template=filled_name) as database:
        async with half_done(processes, database) as pid:
            os.kill(pid, signal.SIGTERM)
        code, errors = await processes.ended()
        assert (code, "the same command goes on where this one ended" in errors) == (5, True)
        assert "Traceback" not in errors
        await imported(database, execute=True)
        assert await outcome(database) == undisturbed
        assert await rebuilt_rows(database, "old_events") == await old_rows(database, "old_events")


async def test_the_database_goes_away(
    postgres: EmbeddedServer, processes: ImportProcesses, filled_name: str, undisturbed: Outcome
) -> None:
    async with fresh_database(postgres, template=filled_name) as database:
        async with half_done(processes, database):
            await execute(
                database,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND application_name LIKE '%legacy%'",
            )
        code, errors = await processes.ended()
        assert (code, "The database went away" in errors) == (5, True), errors
        await imported(database, execute=True)
        assert await outcome(database) == undisturbed


async def test_resuming_is_refused_where_the_old_tables_are_others(
    postgres: EmbeddedServer, processes: ImportProcesses, filled_name: str
) -> None:
    async with fresh_database(postgres, template=filled_name) as database:
        async with half_done(processes, database) as pid:
            os.kill(pid, signal.SIGKILL)
            await processes.ended()
        await execute(database, "UPDATE old_events SET channel = 'other' WHERE id = 900")
        await processes.begin(database)
        code, errors = await processes.ended()
        assert (code, "old_events is not what it was when the import that was interrupted" in errors) == (4, True)
        report = await imported(database, execute=True, restart=True)
        assert report.exit_code == 2
        states = await fetch(database, "SELECT state FROM import_runs ORDER BY id")
        assert [row[0] for row in states] == ["abandoned", "finished"]


async def test_resuming_is_refused_with_another_plan(
    postgres: EmbeddedServer, processes: ImportProcesses, filled_name: str, tmp_path: Path
) -> None:
    async with fresh_database(postgres, template=filled_name) as database:
        async with half_done(processes, database) as pid:
            os.kill(pid, signal.SIGKILL)
            await processes.ended()
        other = tmp_path / "map.json"
        other.write_text('{"tables": {"old_setups": {"as": "ignore"}}}')
        with pytest.raises(PreflightError, match="An import with another plan was interrupted"):
            await imported(database, execute=True, map_file=other)
