"""Replicas that boot at once: real processes on one database."""

import asyncio
import multiprocessing
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.synchronize import Barrier

import pytest
from alembic import command

from tests.support.alembic import REVISIONS, ROOT, move
from tests.support.boot import boot
from tests.support.postgres import fresh_database
from tests.support.sql import execute, fetch
from worker.db.connection import Database, connect
from worker.db.embedded import EmbeddedServer
from worker.db.schema import HEAD

GENEROUS_SECONDS = 120
BUDGET_SECONDS = 100 * GENEROUS_SECONDS  # the end of a budget must not be what frees a lock

_together: Barrier


def _join(barrier: Barrier) -> None:
    global _together  # noqa: PLW0603  each process of the pool has its own
    _together = barrier


def _boot_together(dsn: str) -> tuple[str, ...]:
    """Waits until every process of the pool has come here, so that each has one boot and all begin at once."""
    _together.wait(GENEROUS_SECONDS)
    return boot(dsn, BUDGET_SECONDS)


@contextmanager
def replicas(count: int) -> Iterator[ProcessPoolExecutor]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, context, _join, (context.Barrier(count),)) as pool:
        yield pool


async def assert_migrated_once(database: Database) -> None:
    runs = await fetch(database, "SELECT revision, is_told FROM migration_runs ORDER BY id")
    assert [run["revision"] for run in runs] == list(REVISIONS)
    told = await fetch(database, "SELECT data ->> 'revision' AS revision FROM events ORDER BY id")
    assert [event["revision"] for event in told] == list(REVISIONS)
    assert await fetch(database, "SELECT FROM pg_index WHERE NOT indisvalid") == []


@pytest.mark.timeout(900)  # 160 boots, on a machine that may have other work
@pytest.mark.parametrize(("count", "rounds"), [(2, 5), (8, 20)])
async def test_replicas_that_boot_at_once_all_run_and_apply_each_revision_once(
    postgres: EmbeddedServer, count: int, rounds: int
) -> None:
    loop = asyncio.get_running_loop()
    with replicas(count) as pool:
        for _ in range(rounds):
            async with fresh_database(postgres) as database:
                boots = [loop.run_in_executor(pool, _boot_together, database.dsn) for _ in range(count)]
                applied = await asyncio.gather(*boots)
                assert sorted(revision for revisions in applied for revision in revisions) == list(REVISIONS)
                await assert_migrated_once(database)


async def start(database: Database) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.support.boot", database.dsn, str(BUDGET_SECONDS)),
        cwd=ROOT,
        stdout=PIPE,
        stderr=DEVNULL,
    )


async def told(process: Process, event: str) -> None:
    """Returns once the process has logged the event."""
    assert process.stdout
    async with asyncio.timeout(GENEROUS_SECONDS):
        async for line in process.stdout:
            if f'"{event}"' in line.decode():
                return
    pytest.fail(f"the process ended without {event}")


async def one_of_them_told(processes: list[Process], event: str) -> None:
    waiting = [asyncio.create_task(told(process, event)) for process in processes]
    done, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.wait(waiting)
    await next(iter(done))


async def kill_one_and_let_the_others_finish(database: Database, *blocking: str) -> None:
    """Kills the one that migrates, in the middle of a revision that the blocking session keeps from its end."""
    blocker = await connect(database, purpose="blocker")
    processes: list[Process] = []
    try:
        for statement in ("BEGIN", *blocking):
            await blocker.execute(statement)
        processes.append(await start(database))
        await told(processes[0], "migration.blocked")
        processes += [await start(database) for _ in range(3)]
        for process in processes[1:]:
            await told(process, "migration.waiting")
        processes[0].send_signal(signal.SIGKILL)
        # Only then is the way free: the dead one's lock must not be kept until its statement ends.
        await one_of_them_told(processes[1:], "migration.blocked")
        await blocker.close()
        async with asyncio.timeout(GENEROUS_SECONDS):
            for process in processes:
                await process.communicate()
    finally:
        await blocker.close()
        for process in processes:
            if process.returncode is None:
                process.kill()
                await process.communicate()
    assert [process.returncode for process in processes] == [-signal.SIGKILL, 0, 0, 0]


async def test_one_is_killed_in_a_transaction_and_the_others_finish(empty_database: Database) -> None:
    await execute(empty_database, "CREATE TABLE trade_setups (id serial)")
    await kill_one_and_let_the_others_finish(empty_database, "LOCK TABLE trade_setups IN ACCESS SHARE MODE")
    await assert_migrated_once(empty_database)


async def test_one_is_killed_while_it_makes_an_index_and_the_others_finish(migrated_database: Database) -> None:
    """Its session does not notice while it waits for a lock, but for client_connection_check_interval."""
    await move(migrated_database, command.downgrade, "0003")
    await execute(migrated_database, "DELETE FROM migration_runs WHERE revision > '0003'")
    await execute(migrated_database, "DELETE FROM events WHERE data ->> 'revision' > '0003'")
    await kill_one_and_let_the_others_finish(
        migrated_database, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SELECT 1 FROM events"
    )
    await assert_migrated_once(migrated_database)
    assert [row["version_num"] for row in await fetch(migrated_database, "SELECT * FROM alembic_version")] == [HEAD]
