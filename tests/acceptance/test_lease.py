"""Two workers on one database: one ingests, the other takes over when the first dies, freezes or is cut off."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from tests.support.cable import cable_to
from tests.support.ledger import settled
from tests.support.waiting import until
from tests.support.worker_process import WorkerProcess, settings_for, worker_process
from worker.db.connection import Database, connected
from worker.sandbox import Channel, Permission, Sandbox

LEASE_SECONDS = 2.0  # a busy machine may hold a process up for one


def settings(sandbox: Sandbox, database: Database, channel: Channel) -> dict[str, str]:
    return settings_for(
        sandbox,
        DATABASE_URL=database.dsn,
        DISCORD_CHANNELS=str(channel.id),
        HISTORY_PAGE_SECONDS="0",
        LEASE_SECONDS=str(LEASE_SECONDS),
        LOOK_BACK_DAYS="0",  # what is taken away below would be found there and stored again
    )


async def in_role(worker: WorkerProcess, role: str) -> None:
    async def has_role() -> bool:
        assert worker.process.returncode is None, worker.output or worker.log[-5:]
        status, body = await worker.health()
        return status == 200 and body["role"] == role

    await until(has_role, f"a worker to be {role}")


@asynccontextmanager
async def two_workers(
    sandbox: Sandbox, database: Database, channel: Channel, leader_url: str | None = None
) -> AsyncIterator[tuple[WorkerProcess, WorkerProcess]]:
    """The one that ingests and the one that stands by."""
    env = settings(sandbox, database, channel)
    async with AsyncExitStack() as stack:
        first = env | ({"DATABASE_URL": leader_url} if leader_url else {})
        leader = await stack.enter_async_context(worker_process("run", env=first))
        await in_role(leader, "ingester")
        standby = await stack.enter_async_context(worker_process("run", env=env))
        await in_role(standby, "standby")
        yield leader, standby


async def epoch(database: Database) -> int:
    async with connected(database, purpose="test") as connection:
        return int(await connection.fetchval("SELECT epoch FROM ingest_lease"))


async def take_away(database: Database, message_id: int) -> None:
    """A covered message that is no longer there: only somebody who still holds it could bring it back."""
    async with connected(database, purpose="test") as connection:
        await connection.execute("DELETE FROM message_revisions WHERE message_id = $1", message_id)
        await connection.execute("DELETE FROM discord_messages WHERE message_id = $1", message_id)
        await connection.execute("DELETE FROM events WHERE data->>'message_id' = $1", str(message_id))


async def test_a_standby_is_ready_and_does_nothing(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    async with two_workers(sandbox, empty_database, channel) as (leader, standby):
        sandbox.post(channel, "one")
        await settled(empty_database, sandbox, channel)
        assert len(sandbox.identifies) == 1
        assert not standby.logged("ingester.started")
        assert (await standby.health())[1] == {"status": "ready", "role": "standby", "waiting_for": {}}
        assert await standby.stop() == 0
        assert await leader.stop() == 0
    assert await epoch(empty_database) == 1


async def test_the_standby_takes_over_from_one_that_is_killed(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    async with two_workers(sandbox, empty_database, channel) as (leader, standby):
        sandbox.post(channel, "before")
        await leader.stop(signal.SIGKILL)
        missed = sandbox.post(channel, "while nobody was there")
        await in_role(standby, "ingester")
        sandbox.post(channel, "after")
        sandbox.edit(missed, "edited afterwards")
        await settled(empty_database, sandbox, channel)
        assert await standby.stop() == 0


async def test_one_that_was_frozen_writes_nothing_once_it_goes_on(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    async with two_workers(sandbox, empty_database, channel) as (leader, standby):
        sandbox.post(channel, "before")
        await settled(empty_database, sandbox, channel)
        leader.process.send_signal(signal.SIGSTOP)
        # The frozen one finds this in its socket when it goes on, and must not write it.
        held = [sandbox.post(channel, f"told to the frozen one {number}") for number in range(20)]
        await in_role(standby, "ingester")
        await asyncio.sleep(3 * LEASE_SECONDS)
        sandbox.edit(held[0], "told to the new one")
        sandbox.delete(held[1])
        await settled(empty_database, sandbox, channel)
        await take_away(empty_database, held[2].id)
        leader.process.send_signal(signal.SIGCONT)
        await until(lambda: _logged(leader, "lease.lost", "ingester.interrupted"), "the frozen one to notice")
        await in_role(leader, "standby")
        sandbox.post(channel, "after")
        await settled(empty_database, sandbox, channel, unobserved=[held[2].id])
        assert await standby.stop() == 0
        # And back again.
        await in_role(leader, "ingester")
        sandbox.post(channel, "at the end")
        await settled(empty_database, sandbox, channel, unobserved=[held[2].id])
        assert await leader.stop() == 0
    assert await epoch(empty_database) == 3


async def test_the_standby_takes_over_from_one_that_is_cut_off(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    async with (
        cable_to(empty_database) as (cable, url),
        two_workers(sandbox, empty_database, channel, url) as (leader, standby),
    ):
        sandbox.post(channel, "before")
        await settled(empty_database, sandbox, channel)
        cable.cut()
        told_to_both = sandbox.post(channel, "received by one that cannot write")
        await in_role(standby, "ingester")
        sandbox.edit(told_to_both, "edited")
        await settled(empty_database, sandbox, channel)
        await take_away(empty_database, told_to_both.id)
        cable.mend()
        await in_role(leader, "standby")
        sandbox.post(channel, "after")
        await settled(empty_database, sandbox, channel, unobserved=[told_to_both.id])
        assert await standby.stop() == 0


async def test_a_standby_says_that_the_database_is_away(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    async with cable_to(empty_database) as (cable, url), AsyncExitStack() as stack:
        env = settings(sandbox, empty_database, channel)
        await in_role(await stack.enter_async_context(worker_process("run", env=env)), "ingester")
        standby = await stack.enter_async_context(worker_process("run", env=env | {"DATABASE_URL": url}))
        await in_role(standby, "standby")
        cable.cut()

        async def is_waiting() -> bool:
            status, body = await standby.health()
            return status == 503 and "does not answer" in body["waiting_for"]["database"]

        await until(is_waiting, "the standby to say so")
        cable.mend()
        await in_role(standby, "standby")


async def test_a_standby_shows_no_gaps_and_no_queue_of_its_own(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    async with (
        cable_to(empty_database) as (cable, url),
        two_workers(sandbox, empty_database, channel, url) as (leader, standby),
    ):
        channel.set_permissions(deny=Permission.VIEW_CHANNEL)
        sandbox.post(channel, "hidden")
        channel.set_permissions(deny=Permission.READ_MESSAGE_HISTORY)
        await until(lambda: _shows(leader, "worker_open_gap_since_seconds{"), "a gap to be shown")
        cable.cut()
        sandbox.post(channel, "received by one that cannot write")
        await until(lambda: _shows(leader, "worker_queue_length 1.0"), "a message to wait")
        await in_role(standby, "ingester")
        cable.mend()
        await in_role(leader, "standby")
        shown = (await leader.health("/metrics"))[1]
        assert "worker_open_gap_since_seconds{" not in shown
        assert "worker_queue_length 0.0" in shown
        await until(lambda: _shows(standby, "worker_open_gap_since_seconds{"), "the other one to show the gap")


async def test_one_whose_sessions_are_ended_goes_on_or_is_followed(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    async with two_workers(sandbox, empty_database, channel) as (leader, standby):
        for number in range(5):
            sandbox.post(channel, f"before {number}")
            async with connected(empty_database, purpose="test") as connection:
                await connection.fetch(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            sandbox.post(channel, f"after {number}")
            await settled(empty_database, sandbox, channel)

        async def one_ingests() -> bool:
            roles = [(await worker.health())[1]["role"] for worker in (leader, standby)]
            return sorted(roles) == ["ingester", "standby"]

        await until(one_ingests, "one to ingest and the other to stand by")


async def _logged(worker: WorkerProcess, *events: str) -> bool:
    return any(worker.logged(event) for event in events)


async def _shows(worker: WorkerProcess, metric: str) -> bool:
    return metric in (await worker.health("/metrics"))[1]
