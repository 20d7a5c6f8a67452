"""Threads and forum posts of a listened channel, active and archived, born and archived while nobody was connected."""

import json
import signal

import pytest

from tests.acceptance.test_catch_up import command, settings
from tests.support.ledger import settled
from tests.support.waiting import until
from tests.support.worker_process import worker_process
from worker.db.connection import Database, connected
from worker.sandbox import Channel, Permission, Sandbox


async def settled_with_threads(database: Database, sandbox: Sandbox, *channels: Channel) -> None:
    await settled(database, sandbox, *channels)
    async with connected(database, purpose="test") as connection:

        async def none_open() -> bool:
            return not await connection.fetchval("SELECT count(*) FROM ingestion_gaps WHERE closed_at IS NULL")

        await until(none_open, "every gap to be closed")


@pytest.mark.parametrize("kind", ["text", "forum", "news"])
async def test_threads_are_stored_whenever_they_were_born_and_archived(
    sandbox: Sandbox, empty_database: Database, kind: str
) -> None:
    parent = sandbox.add_guild("Traders").add_channel("plans", kind)
    env = settings(sandbox, empty_database, parent)
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        live = parent.add_thread("live", "first post")
        sandbox.post(live, "in a live thread")
        closed = parent.add_thread("closed while we look", "first post")
        closed.set_archived(True)
        await settled_with_threads(empty_database, sandbox, live, closed)
        await worker.stop(signal.SIGKILL)
    sandbox.post(live, "missed in a thread that stays")
    sandbox.post(closed, "missed: un-archives")
    closed.set_archived(True)
    born = parent.add_thread("born while we were away", "first post")
    for number in range(120):
        sandbox.post(born, f"missed {number}")
    gone = parent.add_thread("born and archived while we were away", "first post")
    sandbox.post(gone, "missed in it")
    gone.set_archived(True)
    threads = [live, closed, born, gone]
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        await settled_with_threads(empty_database, sandbox, *threads)
        sandbox.post(gone, "un-archived by a live message")
        await settled_with_threads(empty_database, sandbox, *threads)
    async with connected(empty_database, purpose="test") as connection:
        rows = await connection.fetch("SELECT channel_id, parent_id FROM discord_channels WHERE kind = 'thread'")
    assert {row["channel_id"]: row["parent_id"] for row in rows} == {thread.id: parent.id for thread in threads}


async def test_an_archived_thread_that_was_found_is_fetched_though_the_worker_dies_in_between(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    env = settings(sandbox, empty_database, channel)
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        await worker.stop(signal.SIGKILL)
    thread = channel.add_thread("archived", "first post")
    for number in range(150):
        sandbox.post(thread, f"missed {number}")
    thread.set_archived(True)
    held = sandbox.faults.rest.hold(f"GET /channels/{thread.id}/messages", times=2)
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        await held.arrived.wait()
        async with connected(empty_database, purpose="test") as connection:
            checked = "SELECT threads_checked_at IS NOT NULL FROM discord_channels WHERE channel_id = $1"
            await until(lambda: connection.fetchval(checked, channel.id), "its gap to be accounted for")
        await worker.stop(signal.SIGKILL)
    held.release()
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        await settled_with_threads(empty_database, sandbox, thread)


async def test_what_was_posted_in_an_archived_thread_while_its_channel_was_hidden(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    env = settings(sandbox, empty_database, channel, LOOK_BACK_DAYS="0")
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        thread = channel.add_thread("archived", "first post")
        sandbox.post(thread, "told")
        await settled_with_threads(empty_database, sandbox, channel, thread)
        thread.set_archived(True)
        channel.set_permissions(deny=Permission.VIEW_CHANNEL)
        sandbox.post(thread, "hidden: un-archives")
        thread.set_archived(True)
        # No look for gaps comes before the next message is stored.
        held = sandbox.faults.rest.hold("GET /channels/*/threads/archived/public", times=None)
        channel.set_permissions(allow=Permission.VIEW_CHANNEL)
        last = sandbox.post(thread, "told again")
        async with connected(empty_database, purpose="test") as connection:
            stored = "SELECT FROM discord_messages WHERE message_id = $1"
            await until(lambda: connection.fetch(stored, last.id), "the message to be stored")
        held.release()
        await settled_with_threads(empty_database, sandbox, channel, thread)


async def test_a_backfill_of_a_forum_follows_its_posts(sandbox: Sandbox, empty_database: Database) -> None:
    forum = sandbox.add_guild("Traders").add_channel("plans", "forum")
    posts = [forum.add_thread(f"day {number}", "the plan") for number in range(3)]
    for post in posts:
        for number in range(130):
            sandbox.post(post, f"comment {number}")
    posts[0].set_archived(True)
    async with worker_process("run", env=settings(sandbox, empty_database, forum)) as worker:
        await worker.ready()
        asked = await command(empty_database, "backfill", str(forum.id), "--since", "2015-01-01")
        assert (asked.code, asked.out.splitlines()[-1]) == (0, "Everything that was asked for is stored.")
        async with connected(empty_database, purpose="test") as connection:
            assert await connection.fetchval("SELECT count(*) FROM discord_messages") >= len(posts) * 131
        await settled_with_threads(empty_database, sandbox, *posts)
        certified = await command(empty_database, "certify", str(posts[1].id), "--json")
        assert [day["is_complete"] for day in json.loads(certified.out)["days"]] == [True], "complete since it was born"
