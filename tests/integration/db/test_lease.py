"""The lease: one holder at a time, and nothing of a former one's commits after the next has begun."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import asyncpg
import pytest

from parsers import parse
from tests.support.observations import Room
from tests.support.waiting import until
from worker.db.connection import Database, connect, connected
from worker.db.lease import RENEWALS, Lease, LeaseLostError, begin, held_lease, task_group, transaction
from worker.db.schema import INGEST_EPOCH_LOCK
from worker.ingest.writer import Writer

SECONDS = 0.5
LONG_SECONDS = 6  # for a holder that is to keep it, on a machine that may hold it up
COUNT = "UPDATE ingest_lease SET epoch = epoch + 1"


@pytest.fixture
async def connection(migrated_database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await connect(migrated_database, purpose="test")
    yield connection
    connection.terminate()


async def test_one_holds_it_and_the_next_waits(migrated_database: Database) -> None:
    waits, renewed = asyncio.Event(), asyncio.Semaphore(0)

    async def second() -> int:
        async with held_lease(migrated_database, seconds=SECONDS, on_wait=waits.set, on_broken=print) as lease:
            return lease.epoch

    async with held_lease(migrated_database, seconds=LONG_SECONDS, on_wait=lambda: None, on_broken=print) as first:
        keeping = asyncio.create_task(first.lost(on_broken=print, on_kept=renewed.release))
        task = asyncio.create_task(second())
        await waits.wait()
        for _ in range(RENEWALS + 2):  # which takes longer than the lease lasts
            await renewed.acquire()
        assert not task.done()
        keeping.cancel()
    assert await task == first.epoch + 1


async def test_one_that_does_not_renew_is_followed_and_notices(migrated_database: Database) -> None:
    first, second = Lease(migrated_database, SECONDS), Lease(migrated_database, SECONDS)
    await first.take(on_wait=lambda: None, on_broken=print)
    await second.take(on_wait=lambda: None, on_broken=print)
    await first.lost(on_broken=lambda _: None, on_kept=lambda: None)
    assert second.epoch == first.epoch + 1
    first.release()
    second.release()


async def test_a_holder_whose_session_broke_goes_on_in_its_epoch(migrated_database: Database) -> None:
    broken, kept = asyncio.Event(), asyncio.Event()
    async with held_lease(migrated_database, seconds=SECONDS, on_wait=lambda: None, on_broken=print) as lease:
        task = asyncio.create_task(lease.lost(on_broken=lambda _: broken.set(), on_kept=kept.set))
        async with connected(migrated_database, purpose="test") as connection:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND application_name LIKE '%:lease'"
            )
            await broken.wait()
            kept.clear()
            await kept.wait()
            assert not task.done()
            await begin(connection, lease.epoch)
            await connection.execute("ROLLBACK")
        task.cancel()


async def test_a_holder_whose_database_is_frozen_says_so(migrated_database: Database) -> None:
    reasons = asyncio.Queue[str]()
    async with held_lease(migrated_database, seconds=LONG_SECONDS, on_wait=lambda: None, on_broken=print) as lease:
        async with connected(migrated_database, purpose="test") as connection:
            pid = await connection.fetchval(
                "SELECT pid FROM pg_stat_activity "
                "WHERE datname = current_database() AND application_name LIKE '%:lease'"
            )
        task = asyncio.create_task(lease.lost(on_broken=reasons.put_nowait, on_kept=lambda: None))
        os.kill(pid, signal.SIGSTOP)
        try:
            assert await reasons.get() == "the database does not answer (TimeoutError)"
        finally:
            os.kill(pid, signal.SIGCONT)
            task.cancel()


async def test_a_writer_of_a_former_epoch_writes_nothing(migrated_database: Database) -> None:
    room = Room()
    async with connected(migrated_database, purpose="test") as connection:
        writer = Writer(
            lambda: connect(migrated_database, purpose="writer"),
            lambda text, posted_at, _: parse(text, posted_at, timezone="America/Chicago"),
            lambda _: None,
            epoch=0,
        )
        assert (await writer.write([room.posted(1, "one")])).stored == 1
        await connection.execute("UPDATE ingest_lease SET epoch = 1")
        with pytest.raises(LeaseLostError):
            await writer.write([room.posted(2, "two")])
        assert await connection.fetchval("SELECT count(*) FROM discord_messages") == 1
        await writer.close()


async def test_the_next_epoch_begins_after_the_transactions_of_the_one_before(migrated_database: Database) -> None:
    async with (
        connected(migrated_database, purpose="test") as writing,
        connected(migrated_database, purpose="test") as looking,
    ):
        await begin(writing, 0)
        lease = Lease(migrated_database, SECONDS)
        taking = asyncio.create_task(lease.take(on_wait=lambda: None, on_broken=print))

        async def waits() -> bool:
            return bool(await looking.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"))

        await until(waits, "the next holder to wait for the transaction")
        assert not taking.done()
        await writing.execute("COMMIT")
        await taking
        with pytest.raises(LeaseLostError):
            await begin(writing, 0)
        lease.release()


async def test_a_transaction_that_never_ends_keeps_nobody_from_the_next_epoch(migrated_database: Database) -> None:
    """A server that waits for rows of COPY is not idle: no time limit of its own ends it."""
    stalled = asyncio.Event()

    async def rows() -> AsyncIterator[bytes]:
        stalled.set()
        await asyncio.Event().wait()
        yield b""

    writing = await connect(migrated_database, purpose="writer", idle_in_transaction_timeout="1s")
    await begin(writing, 0)
    copying = asyncio.create_task(writing.copy_to_table("message_revisions", source=rows()))
    await stalled.wait()
    async with held_lease(migrated_database, seconds=SECONDS, on_wait=lambda: None, on_broken=print) as lease:
        assert lease.epoch == 1
    copying.cancel()
    await asyncio.wait([copying])
    writing.terminate()


async def test_a_holder_that_freezes_as_it_begins_an_epoch_is_followed(migrated_database: Database) -> None:
    """It keeps the lease's lock as well as the epoch's, so nobody else comes to end its transaction."""
    frozen = Lease(migrated_database, SECONDS)
    assert await frozen._has_lock()
    await frozen._connected.execute(f"BEGIN; SELECT pg_advisory_xact_lock({INGEST_EPOCH_LOCK})")
    async with held_lease(migrated_database, seconds=SECONDS, on_wait=lambda: None, on_broken=print) as next_one:
        assert next_one.epoch == 1
    frozen.release()


async def test_a_transaction_commits_what_the_block_did_not_end(connection: asyncpg.Connection) -> None:
    async with transaction(connection, None):
        await connection.execute(COUNT)
    async with transaction(connection, None):
        await connection.execute(COUNT)
        await connection.execute("ROLLBACK")
    assert not connection.is_in_transaction()
    assert await connection.fetchval("SELECT epoch FROM ingest_lease") == 1


async def test_a_transaction_whose_block_raises_changes_nothing(connection: asyncpg.Connection) -> None:
    async def counts() -> None:
        async with transaction(connection, None):
            await connection.execute(COUNT)
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await counts()
    with pytest.raises(asyncpg.DivisionByZeroError):
        async with transaction(connection, None, then="SELECT 1 / 0"):
            pass
    assert not connection.is_in_transaction()
    assert await connection.fetchval("SELECT epoch FROM ingest_lease") == 0


async def test_a_session_that_breaks_in_a_transaction_says_why(connection: asyncpg.Connection) -> None:
    async def breaks() -> None:
        async with transaction(connection, None):
            connection.terminate()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await breaks()


@pytest.mark.parametrize("first", [LeaseLostError, OSError])
async def test_of_the_faults_of_several_tasks_the_lost_lease_is_raised(first: type[Exception]) -> None:
    async def fail(error: type[Exception]) -> None:
        raise error

    async def run() -> None:
        async with task_group() as group:
            group.create_task(fail(first))
            group.create_task(fail(LeaseLostError))
            group.create_task(fail(OSError))

    with pytest.raises(LeaseLostError):
        await run()
