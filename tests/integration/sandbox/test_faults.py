"""Each fault that can be asked for, as a stock client meets it."""

import asyncio
import json
import time

import aiohttp
import discord
import pytest

from tests.integration.sandbox.clients import Connect, RecordingClient
from worker.sandbox import Channel, Guild, Sandbox


def _contents(client: RecordingClient) -> list[str]:
    return [message.content for message in client.named("message")]


async def test_a_duplicated_dispatch_comes_twice(sandbox: Sandbox, channel: Channel, connect: Connect) -> None:
    client = await connect()
    fault = sandbox.faults.gateway.distort("duplicate", "MESSAGE_CREATE")
    for text in ("twice", "once"):
        sandbox.post(channel, text)
    await client.seen("message", count=3)
    assert (_contents(client), fault.hits) == (["twice", "twice", "once"], 1)


async def test_a_reordered_dispatch_comes_behind_the_next(sandbox: Sandbox, channel: Channel, connect: Connect) -> None:
    client = await connect()
    sandbox.faults.gateway.distort("reorder", "MESSAGE_CREATE")
    for text in ("first", "second", "third"):
        sandbox.post(channel, text)
    await client.seen("message", count=3)
    assert _contents(client) == ["second", "first", "third"]


async def test_a_lost_dispatch_comes_with_no_resume_from_a_later_one(
    sandbox: Sandbox, channel: Channel, connect: Connect
) -> None:
    client = await connect()
    sandbox.faults.gateway.distort("lose", "MESSAGE_CREATE")
    for text in ("lost", "seen"):
        sandbox.post(channel, text)
    await client.seen("message")
    sandbox.faults.gateway.cut()
    await client.seen("resumed")
    assert _contents(client) == ["seen"]


@pytest.mark.parametrize(("kind", "error"), [("bad_json", json.JSONDecodeError), ("drop_key", KeyError)])
async def test_a_malformed_dispatch_ends_a_stock_client(
    sandbox: Sandbox, channel: Channel, connect: Connect, kind: str, error: type[Exception]
) -> None:
    client = await connect()
    sandbox.faults.gateway.distort(kind, "MESSAGE_CREATE", key="type")
    sandbox.post(channel, "malformed")
    with pytest.raises(error):
        await client.running


async def test_a_frame_cut_in_the_middle_is_sent_again_after_the_resume(
    sandbox: Sandbox, channel: Channel, connect: Connect
) -> None:
    client = await connect()
    fault = sandbox.faults.gateway.distort("truncate", "MESSAGE_CREATE")
    sandbox.post(channel, "cut in the middle")
    await client.seen("resumed")
    assert (_contents(client), fault.hits) == (["cut in the middle"], 1)


@pytest.mark.parametrize("code", [1000, 4000, 4001, 4002, 4003, 4005, 4008])
async def test_after_these_close_codes_the_client_resumes(
    sandbox: Sandbox, channel: Channel, connect: Connect, code: int
) -> None:
    client = await connect()
    sandbox.faults.gateway.close(code)
    sandbox.post(channel, "meanwhile")
    await client.seen("resumed")
    assert sandbox.connections[0].close_code == code
    assert _contents(client) == ["meanwhile"]


@pytest.mark.parametrize("code", [4007, 4009])
async def test_after_these_close_codes_the_session_is_gone(
    sandbox: Sandbox, channel: Channel, connect: Connect, code: int
) -> None:
    client = await connect()
    sandbox.faults.gateway.close(code)
    await client.seen("ready", count=2)
    assert [record.outcome for record in sandbox.identifies] == ["ready", "invalid", "ready"]


@pytest.mark.parametrize("code", [4004, 4010, 4011, 4012, 4013])
async def test_after_these_close_codes_the_client_gives_up(
    sandbox: Sandbox, channel: Channel, connect: Connect, code: int
) -> None:
    client = await connect()
    sandbox.faults.gateway.close(code)
    with pytest.raises(discord.ConnectionClosed) as caught:
        await client.running
    assert caught.value.code == code


async def test_an_intent_that_is_off_and_a_denied_token_end_the_login(
    sandbox: Sandbox, channel: Channel, connect: Connect
) -> None:
    sandbox.faults.gateway.deny_identify(4014)
    client = await connect(ready=False)
    with pytest.raises(discord.PrivilegedIntentsRequired):
        await client.running
    sandbox.faults.gateway.deny_identify(4004)
    client = await connect(ready=False)
    with pytest.raises(discord.ConnectionClosed):
        await client.running


async def test_a_refused_resume_leads_to_an_identify(sandbox: Sandbox, channel: Channel, connect: Connect) -> None:
    client = await connect()
    sandbox.faults.gateway.refuse_resumes()
    sandbox.faults.gateway.cut()
    await client.seen("ready", count=2)
    assert [record.outcome for record in sandbox.identifies] == ["ready", "invalid", "ready"]


async def test_refused_connections_are_tried_again(sandbox: Sandbox, channel: Channel, connect: Connect) -> None:
    client = await connect()
    sandbox.faults.gateway.refuse_connections(times=1)
    sandbox.faults.gateway.cut()
    sandbox.post(channel, "meanwhile")
    await client.seen("resumed")
    assert _contents(client) == ["meanwhile"]
    assert len(client.named("disconnect")) == 2  # by the cut, and by the refusal


async def test_a_dead_resume_address_keeps_the_client_away(
    sandbox: Sandbox, channel: Channel, connect: Connect, unused_tcp_port: int
) -> None:
    sandbox.faults.gateway.set_resume_url(f"ws://127.0.0.1:{unused_tcp_port}/")
    client = await connect()
    sandbox.faults.gateway.cut()
    await client.seen("disconnect", count=2)
    assert not sandbox.gateway.connections
    assert len(sandbox.connections) == 1


async def test_a_deaf_session_hears_nothing_and_no_resume_mends_it(
    sandbox: Sandbox, channel: Channel, connect: Connect
) -> None:
    client = await connect()
    sandbox.faults.gateway.deafen()
    sandbox.post(channel, "unheard")
    sandbox.faults.gateway.heartbeat()
    sandbox.faults.gateway.cut()
    await sandbox.connected()
    sandbox.faults.gateway.invalidate(resumable=False)
    await client.seen("ready", count=2)
    sandbox.post(channel, "heard")
    await client.seen("message")
    assert _contents(client) == ["heard"]


async def test_events_between_ready_and_the_guilds_are_told(
    sandbox: Sandbox, channel: Channel, connect: Connect
) -> None:
    sandbox.faults.gateway.set_delays(guild_create=0.3)
    client = await connect(ready=False)
    await client.seen("connect")
    sandbox.post(channel, "early")
    await client.seen("message")
    assert not client.named("guild_available")
    await client.seen("guild_available")


async def test_a_slow_gateway_takes_its_time(sandbox: Sandbox, channel: Channel, connect: Connect) -> None:
    client = await connect()
    sandbox.faults.gateway.set_delays(frame=0.2)
    posted = time.monotonic()
    sandbox.post(channel, "slow")
    await client.seen("message")
    assert time.monotonic() - posted >= 0.2


async def test_an_outage_of_a_guild_and_the_bots_removal_are_told_apart(
    sandbox: Sandbox, guild: Guild, channel: Channel, connect: Connect
) -> None:
    client = await connect()
    guild.set_available(False)
    sandbox.post(channel, "untold")
    await client.seen("guild_unavailable")
    guild.set_available(True)
    await client.seen("guild_available", count=2)
    guild.remove_bot()
    await client.seen("guild_remove")
    guild.add_bot()
    await client.seen("guild_join")
    assert not client.named("message")


async def test_a_reset_reaches_the_caller(sandbox: Sandbox, channel: Channel, connect: Connect) -> None:
    client = await connect()
    # On a connection it has used before, aiohttp itself repeats a GET once.
    fault = sandbox.faults.rest.reset("GET /channels/*", times=2)
    with pytest.raises((OSError, aiohttp.ClientError)):
        await client.fetch_channel(channel.id)
    assert fault.hits == 2
    assert sandbox.requests[-1].status is None


async def test_a_late_reset_has_carried_the_request_out(sandbox: Sandbox, channel: Channel, connect: Connect) -> None:
    client = await connect()
    sandbox.faults.rest.reset("POST /channels/*/messages", late=True)
    target = client.get_partial_messageable(channel.id)
    with pytest.raises((OSError, aiohttp.ClientError)):
        await target.send("carried out")
    assert [one["content"] for one in sandbox.ledger.final(channel.id)] == ["carried out"]


async def test_an_answer_cut_in_its_body_reaches_the_caller(
    sandbox: Sandbox, channel: Channel, connect: Connect
) -> None:
    client = await connect()
    sandbox.faults.rest.cut("GET /channels/*")
    with pytest.raises((OSError, aiohttp.ClientError)):
        await client.fetch_channel(channel.id)
    assert (await client.fetch_channel(channel.id)).id == channel.id


async def test_a_slow_answer_takes_its_time(sandbox: Sandbox, channel: Channel, connect: Connect) -> None:
    client = await connect()
    sandbox.faults.rest.delay("GET /channels/*", 0.2)
    asked = time.monotonic()
    await client.fetch_channel(channel.id)
    assert time.monotonic() - asked >= 0.2


async def test_a_global_429_holds_every_route(sandbox: Sandbox, channel: Channel, connect: Connect) -> None:
    client = await connect()
    sandbox.faults.rest.limit("GET /channels/*", seconds=0.2, scope="global")
    first = asyncio.create_task(client.fetch_channel(channel.id))
    await sandbox.until(lambda: sandbox.requests[-1].status == 429)
    await client.fetch_guild(channel.guild.id, with_counts=False)
    await first
    held = sandbox.requests[-1].at - next(one for one in sandbox.requests if one.status == 429).at
    assert held.total_seconds() >= 0.2


async def test_a_page_held_back_is_stale_when_it_comes(sandbox: Sandbox, channel: Channel, connect: Connect) -> None:
    client = await connect()
    message = sandbox.post(channel, "deleted during the request")
    fault = sandbox.faults.rest.hold("GET /channels/*/messages", late=True)
    target = client.get_partial_messageable(channel.id)
    reading = asyncio.create_task(_history(target))
    await fault.arrived.wait()
    sandbox.delete(message)
    fault.release()
    assert await reading == [message.id]
    assert await _history(target) == []


async def test_a_request_held_back_sees_what_came_meanwhile(
    sandbox: Sandbox, channel: Channel, connect: Connect
) -> None:
    client = await connect()
    fault = sandbox.faults.rest.hold("GET /channels/*/messages")
    reading = asyncio.create_task(_history(client.get_partial_messageable(channel.id)))
    await fault.arrived.wait()
    message = sandbox.post(channel, "meanwhile")
    fault.release()
    assert await reading == [message.id]


async def test_misleading_headers_make_the_client_wait(sandbox: Sandbox, channel: Channel, connect: Connect) -> None:
    client = await connect()
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "3600"}
    fault = sandbox.faults.rest.headers("GET /channels/*", headers)
    waiting = asyncio.create_task(client.fetch_channel(channel.id))
    await sandbox.until(lambda: sandbox.requests[-1].status == 200 and fault.hits == 1)
    # The library keeps the caller until the bucket it believes empty is full again; other buckets go on.
    await client.fetch_guild(channel.guild.id, with_counts=False)
    assert not waiting.done()
    waiting.cancel()


@pytest.mark.parametrize("answer_first", [False, True])
async def test_an_event_comes_before_or_after_its_answer(
    sandbox: Sandbox, channel: Channel, connect: Connect, answer_first: bool
) -> None:
    client = await connect()
    sandbox.faults.rest.set_answer_first(answer_first)
    fault = sandbox.faults.rest.hold("POST /channels/*/messages", late=True)
    sending = asyncio.create_task(client.get_partial_messageable(channel.id).send("mine"))
    await fault.arrived.wait()
    sandbox.post(channel, "another")
    await client.seen("message", count=1 if answer_first else 2)
    assert _contents(client) == (["another"] if answer_first else ["mine", "another"])
    fault.release()
    await sending
    await client.seen("message", count=2)


async def test_cleared_faults_strike_no_more(sandbox: Sandbox, channel: Channel, connect: Connect) -> None:
    client = await connect()
    sandbox.faults.gateway.distort("lose", times=None)
    sandbox.faults.rest.answer("*", 500, times=None)
    sandbox.faults.clear()
    sandbox.post(channel, "told")
    await client.seen("message")
    assert (await client.fetch_channel(channel.id)).id == channel.id
    with pytest.raises(KeyError):
        sandbox.faults.gateway.distort("unheard of")


async def _history(target: discord.PartialMessageable) -> list[int]:
    return [message.id async for message in target.history(limit=10)]
