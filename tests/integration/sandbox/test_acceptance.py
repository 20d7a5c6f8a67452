"""A stock discord.Client against the sandbox: what it must find there as at Discord."""

import asyncio
from datetime import UTC, datetime, timedelta

import discord
import pytest

from tests.integration.sandbox.conftest import Connect
from worker.sandbox import Sandbox
from worker.sandbox.world.model import Channel


async def test_client_is_ready_within_five_seconds(sandbox: Sandbox, channel: Channel, connect: Connect) -> None:
    client = await connect(ready=False)
    await client.seen("ready", seconds=5.0)
    assert sandbox.connections[0].compression == "zstd-stream"
    assert [one.name for one in client.get_all_channels()] == ["plans"]
    await sandbox.connected(5.0)


async def test_a_post_arrives_with_its_author_and_text(sandbox: Sandbox, channel: Channel, connect: Connect) -> None:
    client = await connect()
    posted = sandbox.post(channel, "SPY\nRejection Near 586.49", author=sandbox.add_user("analyst"))
    received = await client.seen("message")
    assert (received.id, received.content, received.author.name) == (posted.id, posted.content, "analyst")
    assert abs(received.created_at - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize("oldest_first", [False, True])
async def test_history_of_250_messages_takes_three_requests(
    sandbox: Sandbox, channel: Channel, connect: Connect, oldest_first: bool
) -> None:
    client = await connect()
    ids = sandbox.seed(channel, 250)
    target = client.get_channel(channel.id)
    assert isinstance(target, discord.TextChannel)
    found = [message.id async for message in target.history(limit=None, oldest_first=oldest_first)]
    assert found == (ids if oldest_first else ids[::-1])
    assert [request.path for request in sandbox.requests[2:]] == [f"/channels/{channel.id}/messages"] * 3


async def test_edits_and_deletions_of_uncached_messages_arrive_raw(
    sandbox: Sandbox, channel: Channel, connect: Connect
) -> None:
    first, second, third, fourth = (sandbox.post(channel, f"message {number}").id for number in range(4))
    client = await connect()
    sandbox.edit(first, "edited")
    sandbox.delete(second)
    sandbox.bulk_delete(channel, [third, fourth])
    edit = await client.seen("raw_message_edit")
    assert (edit.message_id, edit.data["content"], edit.cached_message) == (first, "edited", None)
    assert (await client.seen("raw_message_delete")).message_id == second
    assert (await client.seen("raw_bulk_message_delete")).message_ids == {third, fourth}
    assert len(client.named("raw_message_delete")) == 1


async def test_what_happens_while_cut_off_comes_once_with_the_resume(
    sandbox: Sandbox, channel: Channel, connect: Connect
) -> None:
    client = await connect()
    sandbox.faults.gateway.cut()
    posted = sandbox.post(channel, "while cut off")
    await client.seen("resumed")
    sandbox.post(channel, "afterwards")
    await client.seen("message", count=2)
    assert [message.content for message in client.named("message")] == ["while cut off", "afterwards"]
    assert client.named("message")[0].id == posted.id
    assert [record.operation for record in sandbox.identifies] == ["identify", "resume"]
    assert len(client.named("ready")) == 1
    await asyncio.sleep(0)
