"""What is posted in a thread while the bot cannot see it is found, though messages from before and after were told.

The library forgets threads that are archived, and what the bot was told of one is no proof of what came later."""

from collections.abc import Callable

import pytest

from tests.acceptance.test_catch_up import settings
from tests.support.ledger import settled
from tests.support.waiting import until
from tests.support.worker_process import worker_process
from worker.db.connection import Database, connected
from worker.sandbox import Channel, Permission, Sandbox


async def stored(database: Database, message_id: int) -> None:
    async def is_stored() -> bool:
        async with connected(database, purpose="test") as connection:
            found = "SELECT EXISTS (SELECT FROM discord_messages WHERE message_id = $1)"
            return bool(await connection.fetchval(found, message_id))

    await until(is_stored, f"{message_id} to be stored")


async def heard(sandbox: Sandbox, database: Database, channel: Channel) -> None:
    """All that the bot was told so far has been taken: the gateway keeps its order."""
    await stored(database, sandbox.post(channel, "a sign").id)


def hide(channel: Channel) -> Callable[[], None]:
    channel.set_permissions(deny=Permission.VIEW_CHANNEL)
    return lambda: channel.set_permissions(allow=Permission.VIEW_CHANNEL)


def remove_bot(channel: Channel) -> Callable[[], None]:
    channel.guild.remove_bot()
    return channel.guild.add_bot


def take_away(channel: Channel) -> Callable[[], None]:
    channel.guild.set_available(False)
    return lambda: channel.guild.set_available(True)


@pytest.mark.parametrize("lose_sight", [hide, remove_bot, take_away])
@pytest.mark.parametrize("is_archived", [True, False])
async def test_an_archived_thread_that_the_bot_lost_sight_of(
    sandbox: Sandbox,
    channel: Channel,
    empty_database: Database,
    lose_sight: Callable[[Channel], Callable[[], None]],
    is_archived: bool,
) -> None:
    other = sandbox.add_guild("Others").add_channel("signs")
    env = settings(sandbox, empty_database, channel, other, LOOK_BACK_DAYS="0")
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        thread = channel.add_thread("aside", "first post")
        await stored(empty_database, sandbox.post(thread, "told").id)
        if is_archived:
            thread.set_archived(True)
        await heard(sandbox, empty_database, other)
        see_again = lose_sight(channel)
        unseen = sandbox.post(thread, "unseen")
        thread.set_archived(True)
        await heard(sandbox, empty_database, other)
        # Or the look that follows finds it before the next message is told.
        held = sandbox.faults.rest.hold(f"GET /channels/{channel.id}/threads/archived/public", times=None)
        see_again()
        await held.arrived.wait()
        await stored(empty_database, sandbox.post(thread, "told again").id)
        held.release()
        await stored(empty_database, unseen.id)
        await settled(empty_database, sandbox, channel, thread)


async def test_a_private_thread_that_the_bot_was_removed_from_and_added_to(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    channel.set_permissions(deny=Permission.MANAGE_THREADS)
    async with worker_process("run", env=settings(sandbox, empty_database, channel, LOOK_BACK_DAYS="0")) as worker:
        await worker.ready()
        thread = channel.add_thread("private", private=True)
        thread.add_thread_member(sandbox.bot)
        for text in ("told", "told as well"):
            await stored(empty_database, sandbox.post(thread, text).id)
        await settled(empty_database, sandbox, channel, thread)
        thread.remove_thread_member(sandbox.bot)
        unseen = sandbox.post(thread, "unseen")
        await heard(sandbox, empty_database, channel)
        thread.add_thread_member(sandbox.bot)
        await stored(empty_database, sandbox.post(thread, "told again").id)
        await stored(empty_database, unseen.id)
