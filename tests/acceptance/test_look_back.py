"""Edits and deletions that happened while nobody was connected are found when the newest part is read again."""

import signal
from datetime import UTC, datetime, time

import pytest
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from tests.acceptance.test_catch_up import settings
from tests.support.discord_desk import Desk
from tests.support.ledger import expected, settled
from tests.support.ledger import stored as stored_in
from tests.support.waiting import until
from tests.support.worker_process import WorkerProcess, worker_process
from worker.db.connection import Database, connected
from worker.jobs import Job, make_scheduler
from worker.sandbox import Channel, Permission, Sandbox


async def test_edits_and_deletions_made_while_away_are_found(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    # What is younger than a minute is not inferred to be deleted, so most of it is older.
    old = sandbox.seed(channel, 150)
    env = settings(sandbox, empty_database, channel, LOOK_BACK_MESSAGES="120", LOOK_BACK_DAYS="100")
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        await ask_for_everything(empty_database, channel)
        young = sandbox.post(channel, "young")
        await settled(empty_database, sandbox, channel)
        await worker.stop(signal.SIGKILL)
    await forget_verifications(empty_database)
    sandbox.edit(old[-1], "edited while away")
    sandbox.edit(old[60], "edited while away as well")
    sandbox.delete(old[-2])
    sandbox.bulk_delete(channel, old[70:75])
    sandbox.delete(young)
    sandbox.edit(old[2], "further back than is read again")
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        await until(lambda: _looked_back(worker), "the worker to look back")
        async with connected(empty_database, purpose="test") as connection:
            found = {state[0]: state for state in await stored_in(connection, channel)}
            inferred = await connection.fetch("SELECT message_id FROM discord_messages WHERE deletion_inferred")
            verified = await connection.fetch("SELECT first_id, last_id FROM channel_verifications ORDER BY first_id")
        wrong = {state[0] for state in expected(sandbox, channel) if found[state[0]] != state}
        assert wrong == {old[2], young.id}
        assert {row["message_id"] for row in inferred} == {old[-2], *old[70:75]}
        # 120 messages are the young one and 119 of the others; the stretch that the young one is in is not settled.
        assert [row["first_id"] for row in verified] == [old[31]]
        assert verified[0]["last_id"] < young.id


async def test_a_young_message_that_is_missing_is_looked_for_again_once_it_is_older(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    env = settings(sandbox, empty_database, channel, LOOK_BACK_SETTLED_SECONDS="5")
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        sandbox.post(channel, "stays")
        young = sandbox.post(channel, "goes")
        await settled(empty_database, sandbox, channel)
        await worker.stop(signal.SIGKILL)
    sandbox.delete(young)
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        # However often it looks in vain first: the deletion is found by one of these looks, and nobody announces it.
        await settled(empty_database, sandbox, channel)

        async def is_said() -> bool:
            return 1 in [line["deleted"] for line in worker.logged("history.looked_back")]

        await until(is_said, "the look that found it to end")


async def test_a_deletion_in_a_thread_that_was_archived_long_ago_is_found(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    env = settings(sandbox, empty_database, channel, LOOK_BACK_SETTLED_SECONDS="0")
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        thread = channel.add_thread("archived", "first post")
        gone = sandbox.post(thread, "goes away")
        sandbox.post(thread, "stays")
        await settled(empty_database, sandbox, thread)
        thread.set_archived(True)
        await worker.stop(signal.SIGKILL)
    sandbox.delete(gone)
    async with connected(empty_database, purpose="test") as connection:
        # As if it had been archived hours before the worker looked for archived threads last.
        await connection.execute("UPDATE discord_channels SET threads_checked_at = now() + interval '2 hours'")
        async with worker_process("run", env=env) as worker:
            await worker.ready()
            inferred = "SELECT message_id FROM discord_messages WHERE deletion_inferred"
            await until(lambda: connection.fetchval(inferred), "the deletion to be found")
            assert await connection.fetchval(inferred) == gone.id


async def test_nothing_is_inferred_without_the_permission(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    old = sandbox.seed(channel, 20)
    env = settings(sandbox, empty_database, channel, LOOK_BACK_DAYS="100")
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        await ask_for_everything(empty_database, channel)
        await settled(empty_database, sandbox, channel)
        await worker.stop(signal.SIGKILL)
    sandbox.delete(old[5])
    # The gateway tells that history may be read, and REST answers as if it may not.
    empty = sandbox.faults.rest.answer(f"GET /channels/{channel.id}/messages", 200, times=1, body=[])
    refused = sandbox.faults.rest.answer("GET /channels/*/messages/*", 403, times=1)
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        await until(lambda: _logged(worker, "history.not_permitted"), "the worker to find that it may not read")
        assert (empty.hits, refused.hits) == (1, 1)
        async with connected(empty_database, purpose="test") as connection:
            assert not await connection.fetchval("SELECT count(*) FROM discord_messages WHERE deleted_at IS NOT NULL")
        channel.set_permissions(allow=Permission.READ_MESSAGE_HISTORY)
        await settled(empty_database, sandbox, channel)


async def test_every_night_in_utc_what_nobody_told_is_found(
    sandbox: Sandbox, migrated_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedulers: list[AsyncIOScheduler] = []

    def kept(jobs: list[Job]) -> AsyncIOScheduler:
        schedulers.append(make_scheduler(jobs))
        return schedulers[-1]

    monkeypatch.setattr("worker.ingester.make_scheduler", kept)
    desk = Desk(sandbox, migrated_database)
    async with desk.at_work(look_back_settled_seconds=0):
        edited, deleted = (sandbox.post(desk.plans, text) for text in ("says this", "goes away"))
        for message in (edited, deleted):
            await desk.stored(message)
        sandbox.faults.gateway.deafen()
        sandbox.edit(edited, "says that")
        sandbox.delete(deleted)
        job, other = (schedulers[-1].get_job(name) for name in ("look_back", "retention"))
        # The zone of the machine is looked up once a process, so that the hour alone would not show it.
        assert job.trigger.timezone == other.trigger.timezone == UTC
        time_of_day = job.next_run_time.astimezone(UTC).time()
        assert time(3, 20) <= time_of_day <= time(3, 30), "the hour that docs/operations.md names"
        job.modify(next_run_time=datetime.now(UTC))
        await desk.stored(edited)
        inferred = "SELECT FROM discord_messages WHERE message_id = $1 AND deletion_inferred"
        await until(lambda: desk.fetch(inferred, deleted.id), "the deletion to be found")


async def ask_for_everything(database: Database, channel: Channel) -> None:
    async with connected(database, purpose="test") as connection:
        await connection.execute(
            "UPDATE discord_channels SET history_from = '2015-01-01Z' WHERE channel_id = $1", channel.id
        )


async def forget_verifications(database: Database) -> None:
    """The look that a worker takes after its start reads what is stored by then, be it nothing or all."""
    async with connected(database, purpose="test") as connection:
        await connection.execute("DELETE FROM channel_verifications")


async def _looked_back(worker: WorkerProcess) -> bool:
    return bool(worker.logged("history.looked_back"))


async def _logged(worker: WorkerProcess, event: str) -> bool:
    return bool(worker.logged(event))
