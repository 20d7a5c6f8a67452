"""What no longer exists, or what the bot was removed from, has no gap: a channel, what hangs on it, a thread alone."""

import json
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from tests.acceptance.test_catch_up import command, gaps, settings
from tests.support.ledger import settled
from tests.support.waiting import until
from tests.support.worker_process import WorkerProcess, worker_process
from worker.db.connection import Database, connected
from worker.sandbox import Channel, Permission, Sandbox


@pytest.fixture
def other(sandbox: Sandbox) -> Channel:
    """A channel of another guild, that all goes well in."""
    return sandbox.add_guild("Others").add_channel("others")


@asynccontextmanager
async def gaps_open(
    sandbox: Sandbox, database: Database, env: dict[str, str], *channels: Channel
) -> AsyncIterator[WorkerProcess]:
    """A worker to which Discord refuses what it lacks of these channels, for as long as the block lasts."""
    for one in channels:
        sandbox.faults.rest.answer(f"GET /channels/{one.id}/messages", 403, times=None)
    async with worker_process("run", env=env) as worker:
        await worker.ready()

        async def are_open() -> bool:
            return await open_channels(database) == {one.id for one in channels}

        await until(are_open, f"{len(channels)} gaps to be open")
        yield worker
        await worker.stop(signal.SIGKILL)
    sandbox.faults.clear()


async def open_channels(database: Database) -> set[int]:
    return {channel_id for channel_id, _, outcome in await gaps(database) if outcome is None}


async def given_up(database: Database, *channels: Channel) -> None:
    async def are_given_up() -> bool:
        outcomes = {channel_id: outcome for channel_id, _, outcome in await gaps(database)}
        return all(outcomes[one.id] == "unreachable" for one in channels)

    await until(are_given_up, "gaps to be given up")


async def looked(database: Database, sandbox: Sandbox, channel: Channel) -> None:
    """A look for gaps has begun and ended: it found what was posted while nobody could see it."""
    channel.set_permissions(deny=Permission.VIEW_CHANNEL)
    sandbox.post(channel, "hidden")
    channel.set_permissions()
    await settled(database, sandbox, channel)


async def never_ran_before(env: dict[str, str]) -> None:
    """A first run, so that all that comes after it is asked for."""
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        await worker.stop(signal.SIGKILL)


def archived_thread(channel: Channel, name: str) -> Channel:
    thread = channel.add_thread(name, "first post")
    thread.set_archived(True)
    return thread


async def shows_no_gap(worker: WorkerProcess, database: Database) -> None:
    async def is_not_shown() -> bool:
        return "worker_open_gap_since_seconds{" not in (await worker.health("/metrics"))[1]

    await until(is_not_shown, "metrics to show no gap")
    status = json.loads((await command(database, "status", "--json")).out)
    assert [channel["gaps"] for channel in status["channels"] if channel["gaps"]] == []


def delete(channel: Channel) -> None:
    channel.delete()


def remove_bot(channel: Channel) -> None:
    channel.guild.remove_bot()


@pytest.mark.parametrize("end", [delete, remove_bot])
async def test_what_hangs_on_a_channel_is_gone_with_it(
    sandbox: Sandbox, channel: Channel, other: Channel, empty_database: Database, end: Callable[[Channel], None]
) -> None:
    env = settings(sandbox, empty_database, channel, other)
    await never_ran_before(env)
    of_it = (channel, channel.add_thread("active", "first post"), archived_thread(channel, "archived"))
    async with gaps_open(sandbox, empty_database, env, *of_it) as worker:
        end(channel)
        await given_up(empty_database, *of_it)
        await shows_no_gap(worker, empty_database)
        known = await gaps(empty_database)
        await looked(empty_database, sandbox, other)
        assert [gap for gap in await gaps(empty_database) if gap[0] != other.id] == known
        await shows_no_gap(worker, empty_database)


@pytest.mark.parametrize(("end", "known"), [(delete, False), (delete, True), (remove_bot, False)])
async def test_what_hangs_on_a_channel_is_gone_with_it_while_nobody_is_connected(
    sandbox: Sandbox,
    channel: Channel,
    other: Channel,
    empty_database: Database,
    *,
    end: Callable[[Channel], None],
    known: bool,
) -> None:
    """`known`: of the channel itself it is known already."""
    env = settings(sandbox, empty_database, channel, other)
    await never_ran_before(env)
    of_it = (channel, channel.add_thread("active", "first post"), archived_thread(channel, "archived"))
    async with gaps_open(sandbox, empty_database, env, *of_it):
        pass
    end(channel)
    if known:
        async with connected(empty_database, purpose="test") as connection:
            gone = "UPDATE discord_channels SET unreachable_since = now() WHERE channel_id = $1"
            await connection.execute(gone, channel.id)
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        await given_up(empty_database, *of_it)
        await looked(empty_database, sandbox, other)
        assert len([gap for gap in await gaps(empty_database) if gap[0] != other.id]) == len(of_it)
        await shows_no_gap(worker, empty_database)


@pytest.mark.parametrize("hidden", [False, True])
async def test_a_thread_that_is_deleted_is_gone_and_one_that_is_archived_is_not(
    sandbox: Sandbox, channel: Channel, other: Channel, empty_database: Database, hidden: bool
) -> None:
    env = settings(sandbox, empty_database, channel, other)
    await never_ran_before(env)
    deleted, stays = archived_thread(channel, "deleted"), archived_thread(channel, "stays")
    async with gaps_open(sandbox, empty_database, env, channel, deleted, stays):
        if hidden:
            channel.set_permissions(deny=Permission.VIEW_CHANNEL)
            await until(lambda: _are_forbidden(empty_database, deleted, stays), "the permission to be missing")
    deleted.delete()
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        await given_up(empty_database, deleted)
        if hidden:
            await looked(empty_database, sandbox, other)
            assert await open_channels(empty_database) == {channel.id, stays.id}
            channel.set_permissions()
        await settled(empty_database, sandbox, channel, stays)
        await looked(empty_database, sandbox, other)
        await shows_no_gap(worker, empty_database)


async def test_a_thread_that_may_not_be_seen_is_not_gone_where_only_it_is_listened_to(
    sandbox: Sandbox, channel: Channel, other: Channel, empty_database: Database
) -> None:
    thread = channel.add_thread("listened to", "first post")
    env = settings(sandbox, empty_database, thread, other)
    await never_ran_before(env)
    missed = sandbox.post(thread, "missed")
    async with gaps_open(sandbox, empty_database, env, thread):
        pass
    thread.set_archived(True)
    channel.set_permissions(deny=Permission.VIEW_CHANNEL)
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        await looked(empty_database, sandbox, other)
        assert await open_channels(empty_database) == {thread.id}
        channel.set_permissions()
        await looked(empty_database, sandbox, other)
        async with connected(empty_database, purpose="test") as connection:

            async def is_stored() -> bool:
                of_it = "SELECT count(*) FROM discord_messages WHERE message_id = $1"
                return bool(await connection.fetchval(of_it, missed.id))

            await until(is_stored, "the thread to be fetched")


async def test_threads_that_were_given_up_come_in_when_the_bot_is_let_in_again(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    env = settings(sandbox, empty_database, channel)
    await never_ran_before(env)
    of_it = (channel, channel.add_thread("active", "first post"), archived_thread(channel, "archived"))
    checked_at = "UPDATE discord_channels SET threads_checked_at = {} WHERE {} RETURNING channel_id"
    async with connected(empty_database, purpose="test") as connection:
        await connection.execute(checked_at.format("NULL", "TRUE"))
    async with gaps_open(sandbox, empty_database, env, *of_it):
        async with connected(empty_database, purpose="test") as connection:
            # As if the thread had been archived long before it was looked for.
            later = checked_at.format("now() + interval '1 day'", "threads_checked_at IS NOT NULL")
            await until(lambda: connection.fetchval(later), "archived threads to have been looked for")
        channel.guild.remove_bot()
        await given_up(empty_database, *of_it)
    channel.guild.add_bot()
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        await settled(empty_database, sandbox, *of_it)
        await shows_no_gap(worker, empty_database)


async def _are_forbidden(database: Database, *channels: Channel) -> bool:
    async with connected(database, purpose="test") as connection:
        rows = await connection.fetch("SELECT channel_id FROM discord_channels WHERE permission_state = 'missing'")
    return {one.id for one in channels} <= {row["channel_id"] for row in rows}
