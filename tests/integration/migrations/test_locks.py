"""A migration beside others that hold locks: it steps back, says who is in its way, and gets there."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, MutableMapping
from typing import Any

import asyncpg
import pytest
from alembic import command
from structlog.testing import capture_logs

from tests.support.alembic import REVISIONS, alembic, move
from tests.support.migrated import migrate_fully
from tests.support.sql import execute, fetch
from tests.support.waiting import until
from worker.db.connection import Database, connect
from worker.db.migrate import migrate
from worker.db.migration.blockers import tell_blockers
from worker.db.schema import MIGRATION_LOCK
from worker.exits import UnavailableError

Logs = list[MutableMapping[str, Any]]


async def logged(logs: Logs, event: str, task: "asyncio.Task[Any]", times: int = 1) -> None:
    """Waits until the task has logged the event so often, or for the task's failure."""

    async def is_so() -> bool:
        assert has(logs, event, times) or not task.done(), task.result()
        return has(logs, event, times)

    await until(is_so, event)


def has(logs: Logs, event: str, times: int = 1) -> bool:
    return len([line for line in logs if line["event"] == event]) >= times


@contextlib.asynccontextmanager
async def holding(database: Database, *statements: str) -> AsyncIterator[asyncpg.Connection]:
    """A session in a transaction that has run the statements."""
    connection = await connect(database, purpose="somebody")
    try:
        await connection.execute("BEGIN")
        for statement in statements:
            await connection.execute(statement)
        yield connection
    finally:
        await connection.close()


@pytest.fixture
def logs() -> Iterator[Logs]:
    with capture_logs() as captured:
        yield captured


async def test_a_revision_that_is_blocked_tries_again_and_says_who_is_in_the_way(
    empty_database: Database, logs: Logs
) -> None:
    await execute(empty_database, "CREATE TABLE events (id serial)")
    async with holding(empty_database, "LOCK TABLE events IN ACCESS SHARE MODE") as holder:
        migration = asyncio.create_task(migrate_fully(empty_database))
        await logged(logs, "migration.retry", migration, 3)
        pid = holder.get_server_pid()
    assert await migration == REVISIONS
    blocked = [line for line in logs if line["event"] == "migration.blocked"]
    assert blocked, logs
    assert {(line["pid"], line["application_name"], line["state"]) for line in blocked} == {
        (pid, "discord-plan-worker:somebody", "idle in transaction")
    }
    assert not any("LOCK TABLE" in str(line) for line in logs)
    run = (await fetch(empty_database, "SELECT * FROM migration_runs WHERE revision = '0001'"))[0]
    assert run["lock_wait_milliseconds"] >= 3 * 200


async def test_the_session_that_looks_is_not_told_as_one_in_the_way(empty_database: Database, logs: Logs) -> None:
    """An index that is made CONCURRENTLY waits for its snapshot, too, for as long as a look takes."""
    lock = "SELECT pg_advisory_lock_shared(1)"
    async with holding(empty_database, lock) as looking, holding(empty_database, lock) as holder:
        async with holding(empty_database) as waiting:
            wait = asyncio.create_task(waiting.execute("SELECT pg_advisory_lock(1)"))
            look = asyncio.create_task(tell_blockers(looking, waiting.get_server_pid()))
            await logged(logs, "migration.blocked", look)
            look.cancel()
            wait.cancel()
            await asyncio.wait((look, wait))
        assert [line["pid"] for line in logs] == [holder.get_server_pid()]


async def test_readers_are_not_kept_waiting_behind_a_blocked_revision(empty_database: Database, logs: Logs) -> None:
    """What waits for an exclusive lock makes all who come after it wait, so it must wait for a short time only."""
    await execute(empty_database, "CREATE TABLE events (id serial)")
    async with holding(empty_database, "LOCK TABLE events IN ACCESS SHARE MODE"):
        migration = asyncio.create_task(migrate_fully(empty_database))
        for attempt in range(1, 4):
            await logged(logs, "migration.retry", migration, attempt)
            await fetch(empty_database, "SELECT * FROM events")
        assert not migration.done()
    await migration


async def test_the_budget_ends_a_migration_that_stays_blocked_and_nothing_is_left(
    empty_database: Database, logs: Logs
) -> None:
    await execute(empty_database, "CREATE TABLE events (id serial)")
    async with holding(empty_database, "LOCK TABLE events IN ACCESS SHARE MODE"):

        async def was_seen_to_be_blocked() -> bool:
            with pytest.raises(UnavailableError, match="MIGRATION_BUDGET_SECONDS"):
                await migrate(empty_database, budget_seconds=1, lock_timeout_milliseconds=100)
            return has(logs, "migration.blocked")

        # On a busy machine a budget can be over before it comes to that.
        await until(was_seen_to_be_blocked, "a budget to end while the lock is waited for")
    names = {row["relname"] for row in await fetch(empty_database, "SELECT relname FROM pg_class WHERE relkind = 'r'")}
    assert "events" in names
    assert not names & {"old_events", "schema_floor", "migration_runs"}
    assert await migrate_fully(empty_database) == REVISIONS


async def test_an_index_is_made_beside_a_long_transaction(migrated_database: Database, logs: Logs) -> None:
    await move(migrated_database, command.downgrade, "0003")
    async with holding(migrated_database, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SELECT 1 FROM events"):
        migration = asyncio.create_task(migrate_fully(migrated_database))
        await logged(logs, "migration.blocked", migration)
        # Writers go on meanwhile.
        await execute(migrated_database, "UPDATE events SET source = source")
        assert not has(logs, "migration.retry")
    assert await migration == REVISIONS[3:]
    assert not has(logs, "migration.retry")


async def test_an_invalid_index_that_was_left_is_made_anew(migrated_database: Database, logs: Logs) -> None:
    await move(migrated_database, command.downgrade, "0003")
    async with holding(migrated_database, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SELECT 1 FROM events"):

        async def is_left() -> bool:
            with pytest.raises(UnavailableError):
                await migrate(migrated_database, budget_seconds=1, lock_timeout_milliseconds=100)
            index = "SELECT FROM pg_class WHERE relname = 'ix_events_correlation_id'"
            return bool(await fetch(migrated_database, index))

        # On a busy machine a budget can be over before it comes to the index.
        await until(is_left, "an index to be left")
    is_valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix_events_correlation_id'::regclass"
    assert [row["indisvalid"] for row in await fetch(migrated_database, is_valid)] == [False]
    assert await migrate_fully(migrated_database) == REVISIONS[3:]
    assert [row["indisvalid"] for row in await fetch(migrated_database, is_valid)] == [True]


async def test_a_reader_in_the_way_of_what_was_left_only_delays_it(migrated_database: Database, logs: Logs) -> None:
    await move(migrated_database, command.downgrade, "0003")
    await execute(migrated_database, "CREATE INDEX ix_events_correlation_id ON events (correlation_id)")
    async with holding(migrated_database, "LOCK TABLE events IN ACCESS SHARE MODE"):
        migration = asyncio.create_task(migrate_fully(migrated_database))
        await logged(logs, "migration.retry", migration, 2)
    assert await migration == REVISIONS[3:]


async def test_a_worker_that_is_stopped_in_mid_migration_stops(migrated_database: Database, logs: Logs) -> None:
    await move(migrated_database, command.downgrade, "0003")
    async with holding(migrated_database, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SELECT 1 FROM events"):
        migration = asyncio.create_task(migrate_fully(migrated_database))
        await logged(logs, "migration.blocked", migration)
        migration.cancel()
        with pytest.raises(asyncio.CancelledError):
            await migration
    assert await migrate_fully(migrated_database) == REVISIONS[3:]


async def test_an_index_of_that_name_on_another_table_is_not_dropped(migrated_database: Database) -> None:
    await move(migrated_database, command.downgrade, "0003")
    await execute(migrated_database, "CREATE TABLE mine (id integer)")
    await execute(migrated_database, "CREATE INDEX ix_events_correlation_id ON mine (id)")
    with pytest.raises(Exception, match="already exists"):
        await migrate_fully(migrated_database)
    assert await fetch(migrated_database, "SELECT FROM pg_indexes WHERE tablename = 'mine'") != []


async def test_only_the_session_that_holds_the_lock_migrates(empty_database: Database, logs: Logs) -> None:
    holder = await connect(empty_database, purpose="other")
    try:
        await holder.fetchval("SELECT pg_advisory_lock($1)", MIGRATION_LOCK)
        migration = asyncio.create_task(migrate_fully(empty_database))
        await logged(logs, "migration.waiting", migration)
        waiting = next(line for line in logs if line["event"] == "migration.waiting")
        assert [session["pid"] for session in waiting["holders"]] == [holder.get_server_pid()]
        with pytest.raises(UnavailableError, match="Another process has been migrating"):
            await migrate(empty_database, budget_seconds=0.2, lock_timeout_milliseconds=100)
        assert await fetch(empty_database, "SELECT FROM pg_class WHERE relname = 'alembic_version'") == []
    finally:
        await holder.close()
    assert await migration == REVISIONS


async def test_the_command_line_waits_for_the_lock_as_well(empty_database: Database) -> None:
    holder = await connect(empty_database, purpose="other")
    try:
        await holder.fetchval("SELECT pg_advisory_lock($1)", MIGRATION_LOCK)
        ended = await alembic(empty_database, "upgrade", "head", fails=True, MIGRATION_BUDGET_SECONDS="0.5")
        assert "Another process has been migrating" in ended.errors
        assert (await alembic(empty_database, "current")).output == ""
    finally:
        await holder.close()


async def test_a_lost_connection_is_a_plain_sentence_and_the_next_boot_goes_on(
    empty_database: Database, logs: Logs
) -> None:
    await execute(empty_database, "CREATE TABLE events (id serial)")
    async with holding(empty_database, "LOCK TABLE events IN ACCESS SHARE MODE") as holder:
        migration = asyncio.create_task(migrate_fully(empty_database))
        await logged(logs, "migration.blocked", migration)
        await holder.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'discord-plan-worker:migrate' AND datname = current_database()"
        )
        with pytest.raises(UnavailableError, match="connection to PostgreSQL was lost"):
            await migration
    assert await migrate_fully(empty_database) == REVISIONS


async def test_steps_that_were_counted_are_not_counted_again(migrated_database: Database) -> None:
    """`-2` is two steps from where the database stood, so an attempt that came half the way is not repeated."""
    await move(migrated_database, command.downgrade, "0003")
    async with holding(migrated_database, "LOCK TABLE ticker_plans IN ACCESS SHARE MODE"):
        ended = await alembic(migrated_database, "downgrade", "-2", fails=True)
    assert "after 0003: run the rest of the steps again" in ended.errors
    assert "0002" in (await alembic(migrated_database, "current")).output
