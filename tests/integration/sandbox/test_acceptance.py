"""A stock discord.Client against the sandbox: what it must find there as at Discord."""

import asyncio
import os
import sys

import discord
import pytest
from discord import app_commands

from tests.integration.sandbox.clients import TOKEN, Connect, RecordingClient, default_intents
from worker.sandbox import Channel, Guild, Sandbox

# A client in a process of its own in which zstandard cannot be imported: there discord.py asks for zlib-stream.
_ZLIB_CLIENT = """
import asyncio, os, sys
sys.modules["zstandard"] = None
import discord, yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route
Route.BASE = os.environ["API"]
DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(os.environ["GATEWAY"])
class Client(discord.Client):
    async def on_ready(self):
        print("ready", flush=True)
    async def on_message(self, message):
        print(ascii(message.content), flush=True)
        if message.content == "end":
            await self.close()
intents = discord.Intents.default()
intents.message_content = True
asyncio.run(Client(intents=intents, guild_ready_timeout=0.1).start(os.environ["TOKEN"]))
"""


async def test_client_with_zstd_is_ready_within_five_seconds(
    sandbox: Sandbox, channel: Channel, connect: Connect
) -> None:
    client = await connect(ready=False)
    await client.seen("ready", seconds=5.0)
    assert sandbox.connections[0].compression == "zstd-stream"
    assert [one.name for one in client.get_all_channels()] == ["plans"]


@pytest.mark.parametrize("fragment", [None, 7])
async def test_client_with_zlib_is_ready_and_reads_on(sandbox: Sandbox, channel: Channel, fragment: int | None) -> None:
    sandbox.faults.gateway.set_fragment(fragment)
    environment = os.environ | {"API": sandbox.api_url, "GATEWAY": sandbox.gateway_url, "TOKEN": TOKEN}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "ignore", "-c", _ZLIB_CLIENT, stdout=asyncio.subprocess.PIPE, env=environment
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    sandbox.post(channel, "€ " * 500)
    sandbox.post(channel, "end")
    output, _ = await process.communicate()
    assert output.decode().split("\n")[:2] == [ascii("€ " * 500), "'end'"]
    assert sandbox.connections[0].compression == "zlib-stream"


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
    sandbox.post(channel, "while cut off")
    await client.seen("resumed")
    sandbox.post(channel, "afterwards")
    await client.seen("message", count=2)
    assert [message.content for message in client.named("message")] == ["while cut off", "afterwards"]
    assert [record.operation for record in sandbox.identifies] == ["identify", "resume"]
    assert len(client.named("ready")) == 1


async def test_op_9_false_leads_to_a_new_session(sandbox: Sandbox, channel: Channel, connect: Connect) -> None:
    client = await connect()
    sandbox.faults.gateway.invalidate(resumable=False)
    await client.seen("ready", count=2)
    first, second = sandbox.identifies
    assert (first.outcome, second.outcome) == ("ready", "ready")
    assert first.session_id != second.session_id


async def test_op_9_true_and_op_7_lead_to_a_resume(sandbox: Sandbox, channel: Channel, connect: Connect) -> None:
    client = await connect()
    sandbox.faults.gateway.invalidate(resumable=True)
    await client.seen("resumed")
    await sandbox.connected()
    sandbox.faults.gateway.reconnect()
    await client.seen("resumed", count=2)
    assert [record.outcome for record in sandbox.identifies] == ["ready", "resumed", "resumed"]
    assert len({record.session_id for record in sandbox.identifies}) == 1


async def test_a_refused_resume_leads_to_a_new_session(sandbox: Sandbox, channel: Channel, connect: Connect) -> None:
    client = await connect()
    sandbox.faults.gateway.forget_sessions()
    sandbox.faults.gateway.cut()
    await client.seen("ready", count=2)
    assert [record.outcome for record in sandbox.identifies] == ["ready", "invalid", "ready"]


async def test_two_429s_are_waited_for(sandbox: Sandbox, channel: Channel, connect: Connect) -> None:
    client = await connect()
    posted = sandbox.post(channel, "once")
    fault = sandbox.faults.rest.limit("GET /channels/*/messages/*", seconds=0.05, times=2)
    target = client.get_partial_messageable(channel.id)
    assert (await target.fetch_message(posted.id)).content == "once"
    assert fault.hits == 2
    assert [request.status for request in sandbox.requests[-3:]] == [429, 429, 200]


async def test_a_429_without_via_is_taken_for_a_ban(sandbox: Sandbox, channel: Channel, connect: Connect) -> None:
    client = await connect()
    sandbox.faults.rest.limit("GET /channels/*", via=False)
    with pytest.raises(discord.HTTPException) as caught:
        await client.fetch_channel(channel.id)
    assert caught.value.status == 429


async def test_two_502s_are_tried_again(sandbox: Sandbox, channel: Channel, connect: Connect) -> None:
    client = await connect()
    fault = sandbox.faults.rest.answer("GET /channels/*", status=502, times=2)
    assert (await client.fetch_channel(channel.id)).id == channel.id
    assert fault.hits == 2
    assert [request.status for request in sandbox.requests[-3:]] == [502, 502, 200]


async def test_a_second_sync_gives_the_same_ids(sandbox: Sandbox, channel: Channel, connect: Connect) -> None:
    commands = _Commands()
    await connect(setup=commands.attach)
    first = await commands.tree.sync()
    second = await commands.tree.sync()
    assert [command.name for command in first] == ["levels", "slow"]
    assert [command.id for command in first] == [command.id for command in second]


async def test_a_command_is_answered_in_time(sandbox: Sandbox, channel: Channel, connect: Connect) -> None:
    commands = _Commands()
    client = await connect(setup=commands.attach)
    await commands.tree.sync()
    interaction = sandbox.invoke("levels", channel, sandbox.add_user("trader"), {"ticker": "SPY"})
    record = await interaction.answered()
    assert record.seconds < 3.0
    assert (await interaction.message()).content == "levels of SPY"
    assert (await client.seen("message")).content == "levels of SPY"


async def test_a_late_answer_is_an_unknown_interaction(sandbox: Sandbox, channel: Channel, connect: Connect) -> None:
    sandbox.rules.answer_seconds = 0.0
    commands = _Commands()
    await connect(setup=commands.attach)
    await commands.tree.sync()
    sandbox.invoke("slow", channel, sandbox.add_user("trader"))
    await sandbox.until(lambda: bool(sandbox.callbacks))
    assert sandbox.callbacks[0].status == 404
    async with asyncio.timeout(10):
        error = await commands.errors.get()
    original = getattr(error, "original", None)
    assert isinstance(original, discord.NotFound)
    assert original.code == 10062


async def test_a_message_in_a_new_thread_arrives(sandbox: Sandbox, channel: Channel, connect: Connect) -> None:
    client = await connect()
    thread = channel.add_thread("SPY talk", "first words")
    created = await client.seen("thread_create")
    assert (created.id, created.parent_id) == (thread.id, channel.id)
    await client.seen("message", count=2)
    assert [(one.channel.id, one.content) for one in client.named("message")] == [
        (channel.id, "SPY talk"),
        (thread.id, "first words"),
    ]


async def test_without_the_content_intent_messages_are_empty(
    sandbox: Sandbox, channel: Channel, connect: Connect
) -> None:
    client = await connect(discord.Intents.default())
    sandbox.post(channel, "secret", embeds=[{"title": "secret"}], attachments=[{"filename": "secret.png"}])
    sandbox.post(channel, f"for <@{sandbox.bot.id}>")
    await client.seen("message", count=2)
    hidden, mentioning = client.named("message")
    assert (hidden.content, hidden.embeds, hidden.attachments) == ("", [], [])
    assert mentioning.content == f"for <@{sandbox.bot.id}>"


async def test_a_silent_gateway_is_left_and_resumed(sandbox: Sandbox, channel: Channel, connect: Connect) -> None:
    sandbox.rules.heartbeat_seconds = 0.5
    client = await connect(heartbeat_timeout=1.0)
    sandbox.faults.gateway.silence()
    sandbox.post(channel, "into the void")
    await client.seen("resumed")
    await client.seen("message")
    assert [message.content for message in client.named("message")] == ["into the void"]
    assert sandbox.connections[0].close_code == 4000


async def test_member_chunking_ends_before_ready(sandbox: Sandbox, guild: Guild, connect: Connect) -> None:
    for number in range(1500):
        guild.add_member(sandbox.add_user(f"member {number}"))
    intents = default_intents()
    intents.members = True
    client = await connect(intents)
    assert len(client.guilds[0].members) == len(guild.members) == 1502


class _Commands:
    """Two commands for any client, and the errors that came of them."""

    def __init__(self) -> None:
        self.errors: asyncio.Queue[app_commands.AppCommandError] = asyncio.Queue()
        self.tree: app_commands.CommandTree[RecordingClient]

    def attach(self, client: RecordingClient) -> None:
        self.tree = app_commands.CommandTree(client)
        self.tree.error(self._on_error)
        self.tree.command(name="levels", description="Levels of a ticker")(_levels)
        self.tree.command(name="slow", description="Answers too late")(_slow)

    async def _on_error(self, interaction: discord.Interaction, error: app_commands.AppCommandError) -> None:
        self.errors.put_nowait(error)


async def _levels(interaction: discord.Interaction, ticker: str) -> None:
    await interaction.response.send_message(f"levels of {ticker}")


async def _slow(interaction: discord.Interaction) -> None:
    await interaction.response.send_message("too late")
