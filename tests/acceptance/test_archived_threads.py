"""Archived threads, which only REST tells of: what is in them is found whatever happens between two looks."""

import asyncio
import signal
from datetime import timedelta

import pytest

from tests.acceptance.test_catch_up import all_closed, command, settings, started_once
from tests.acceptance.test_gone import archived_thread, gaps_open, given_up, never_ran_before
from tests.support.ledger import settled
from tests.support.waiting import until
from tests.support.worker_process import worker_process
from worker.db.connection import Database, connected
from worker.sandbox import Channel, Sandbox

LISTING = "GET /channels/{}/threads/archived/public"


@pytest.fixture
def other(sandbox: Sandbox) -> Channel:
    return sandbox.add_guild("Others").add_channel("others")


async def as_if_archived_long_ago(database: Database, channel: Channel) -> None:
    """What was archived before the last look is not looked for any more."""
    async with connected(database, purpose="test") as connection:
        moved = (
            "UPDATE discord_channels SET threads_checked_at = now() + interval '1 day' "
            "WHERE channel_id = $1 AND threads_checked_at IS NOT NULL RETURNING true"
        )
        await until(lambda: connection.fetchval(moved, channel.id), "archived threads to have been looked for")


async def test_more_was_posted_in_a_thread_whose_gap_was_open(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    env = settings(sandbox, empty_database, channel, LOOK_BACK_DAYS="0")
    await never_ran_before(env)
    thread = archived_thread(channel, "archived")
    async with gaps_open(sandbox, empty_database, env, thread):
        pass
    for number in range(150):
        sandbox.post(thread, f"more {number}")
    thread.set_archived(True)
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        await settled(empty_database, sandbox, thread)


@pytest.mark.parametrize("how", ["removed", "paused"])
async def test_the_channel_is_not_listened_to_for_a_while(
    sandbox: Sandbox, channel: Channel, empty_database: Database, how: str
) -> None:
    env = settings(sandbox, empty_database)
    await never_ran_before(env)
    assert (await command(empty_database, "channels", "add", str(channel.id))).code == 0
    thread = archived_thread(channel, "archived")
    async with gaps_open(sandbox, empty_database, env, thread):
        await as_if_archived_long_ago(empty_database, channel)
        if how == "removed":
            assert (await command(empty_database, "channels", "remove", str(channel.id))).code == 0
        else:
            async with connected(empty_database, purpose="test") as connection:
                paused = "UPDATE discord_channels SET is_active = false WHERE channel_id = $1"
                await connection.execute(paused, channel.id)
        await all_closed(empty_database)
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        assert (await command(empty_database, "channels", "add", str(channel.id))).code == 0
        await settled(empty_database, sandbox, thread)


async def test_the_bot_is_removed_while_they_are_looked_for(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    env = settings(sandbox, empty_database, channel, LOOK_BACK_DAYS="0")
    await never_ran_before(env)
    thread = archived_thread(channel, "archived")
    held = sandbox.faults.rest.hold(f"GET /channels/{channel.id}/users/@me/threads/archived/private", late=True)
    sandbox.faults.rest.answer(f"GET /channels/{channel.id}/messages", 403, times=None)
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        await held.arrived.wait()
        channel.guild.remove_bot()
        await given_up(empty_database, channel)
        held.release()
        # The look goes on to its end.
        assert await worker.stop() == 0
    sandbox.faults.clear()
    channel.guild.add_bot()
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        await settled(empty_database, sandbox, thread)


async def test_more_history_is_asked_for_while_they_are_looked_for(
    sandbox: Sandbox, channel: Channel, other: Channel, empty_database: Database
) -> None:
    thread = archived_thread(channel, "archived")
    assert thread.thread is not None
    thread.thread.archived_at -= timedelta(days=2)
    held = sandbox.faults.rest.hold(LISTING.format(channel.id))
    async with worker_process("run", env=settings(sandbox, empty_database, channel, other)) as worker:
        await worker.ready()
        await held.arrived.wait()
        asking = asyncio.create_task(command(empty_database, "backfill", str(channel.id), "--since", "2015-01-01"))
        async with connected(empty_database, purpose="test") as connection:
            asked = "SELECT history_from < '2016-01-01' FROM discord_channels WHERE channel_id = $1"
            await until(lambda: connection.fetchval(asked, channel.id), "history to be asked for")
        held.release()
        await settled(empty_database, sandbox, thread)
        assert (await asking).code == 0


@pytest.mark.parametrize("status", [403, 500])
async def test_one_channel_whose_threads_are_not_listed_holds_up_no_other(
    sandbox: Sandbox, channel: Channel, other: Channel, empty_database: Database, status: int
) -> None:
    env = settings(sandbox, empty_database, channel, other, LOOK_BACK_DAYS="0")
    await started_once(sandbox, env, empty_database, channel, other)
    refused = sandbox.faults.rest.answer(LISTING.format(channel.id), status, times=None)
    sandbox.post(other, "missed")
    thread = archived_thread(other, "archived")
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        await settled(empty_database, sandbox, other, *([thread] if status == 403 else []))
        assert refused.hits
    sandbox.faults.clear()


async def test_a_thread_that_is_listened_to_by_itself(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    thread = channel.add_thread("listened to")
    env = settings(sandbox, empty_database, thread, LOOK_BACK_DAYS="0")
    await started_once(sandbox, env, empty_database, thread)
    for number in range(150):
        sandbox.post(thread, f"missed {number}")
    thread.set_archived(True)
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        await settled(empty_database, sandbox, thread)


@pytest.mark.parametrize("is_parent_listened_to", [False, True])
async def test_a_thread_that_is_listened_to_by_itself_when_the_bot_is_let_in_again(
    sandbox: Sandbox, channel: Channel, empty_database: Database, is_parent_listened_to: bool
) -> None:
    thread = channel.add_thread("listened to")
    channels = [thread, channel] if is_parent_listened_to else [thread]
    env = settings(sandbox, empty_database, *channels, LOOK_BACK_DAYS="0")
    await started_once(sandbox, env, empty_database, thread)
    for number in range(150):
        sandbox.post(thread, f"missed {number}")
    thread.set_archived(True)
    async with gaps_open(sandbox, empty_database, env, thread):
        channel.guild.remove_bot()
        await given_up(empty_database, thread)
    channel.guild.add_bot()
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        await settled(empty_database, sandbox, thread)
        await worker.stop(signal.SIGKILL)
