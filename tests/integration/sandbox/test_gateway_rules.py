"""The gateway's rules, met by a bare WebSocket client that may break them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from tests.integration.sandbox.clients import TOKEN
from worker.sandbox import Channel, Intent, Sandbox

_SECONDS = 20.0
_ALL = int(Intent.GUILDS | Intent.GUILD_MESSAGES | Intent.MESSAGE_CONTENT)


@dataclass(slots=True)
class BareClient:
    socket: aiohttp.ClientWebSocketResponse

    async def send(self, operation: int, data: Any = None) -> None:
        await self.socket.send_json({"op": operation, "d": data})

    async def receive(self) -> dict[str, Any]:
        frame: dict[str, Any] = await self.socket.receive_json(timeout=_SECONDS)
        return frame

    async def event(self, name: str) -> dict[str, Any]:
        """The next dispatch of that name."""
        while True:
            frame = await self.receive()
            if frame["t"] == name:
                return frame

    async def close_code(self) -> int | None:
        """Reads to the end."""
        while True:
            message = await self.socket.receive(timeout=_SECONDS)
            if message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING):
                return self.socket.close_code

    async def identify(self, **changes: Any) -> None:
        data = {"token": TOKEN, "properties": {}, "intents": _ALL} | changes
        await self.send(2, {key: value for key, value in data.items() if value is not None})


Open = Callable[..., contextlib.AbstractAsyncContextManager[BareClient]]


@pytest.fixture
def open_client(sandbox: Sandbox) -> Open:
    @contextlib.asynccontextmanager
    async def _open(query: str = "v=10&encoding=json") -> AsyncIterator[BareClient]:
        async with aiohttp.ClientSession() as http, http.ws_connect(f"{sandbox.gateway_url}?{query}") as socket:
            client = BareClient(socket)
            assert (await client.receive())["op"] == 10
            yield client

    return _open


async def test_heartbeats_are_acknowledged_before_and_after_identify(open_client: Open, channel: Channel) -> None:
    async with open_client() as client:
        await client.send(1, None)
        assert (await client.receive())["op"] == 11
        await client.identify()
        ready = await client.event("READY")
        assert ready["d"]["guilds"] == [{"id": str(channel.guild.id), "unavailable": True}]
        assert (await client.event("GUILD_CREATE"))["d"]["unavailable"] is False
        await client.send(1, 2)
        assert (await client.receive())["op"] == 11


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"token": "wrong"}, 4004),
        ({"token": None}, 4002),
        ({"intents": None}, 4002),
        ({"intents": 1 << 18}, 4013),
        ({"intents": int(Intent.GUILD_PRESENCES)}, 4014),
        ({"shard": [1, 1]}, 4010),
    ],
)
async def test_a_wrong_identify_is_closed_with_its_code(
    sandbox: Sandbox, open_client: Open, changes: dict[str, Any], code: int
) -> None:
    async with open_client() as client:
        await client.identify(**changes)
        assert await client.close_code() == code
    assert [record.outcome for record in sandbox.identifies] == [str(code)]


async def test_an_unknown_operation_is_closed_with_4001(open_client: Open) -> None:
    async with open_client() as client:
        await client.send(99)
        assert await client.close_code() == 4001


@pytest.mark.parametrize("text", ["{", "[]", '{"d": 1}', '{"op": 1, "d": "' + "x" * 5000 + '"}'])
async def test_what_cannot_be_decoded_is_closed_with_4002(open_client: Open, text: str) -> None:
    async with open_client() as client:
        await client.socket.send_str(text)
        assert await client.close_code() == 4002


async def test_a_request_before_identify_is_closed_with_4003(open_client: Open) -> None:
    async with open_client() as client:
        await client.send(8, {"guild_id": "1"})
        assert await client.close_code() == 4003


async def test_a_second_identify_is_closed_with_4005(open_client: Open) -> None:
    async with open_client() as client:
        await client.identify()
        await client.event("READY")
        await client.identify()
        assert await client.close_code() == 4005


async def test_more_sends_than_allowed_are_closed_with_4008(sandbox: Sandbox, open_client: Open) -> None:
    sandbox.rules.sends_per_minute = 10
    async with open_client() as client:
        for _ in range(10):
            await client.send(1)
            assert (await client.receive())["op"] == 11
        await client.send(1)
        assert await client.close_code() == 4008


async def test_a_client_without_heartbeats_is_closed_with_4009_and_loses_its_session(
    sandbox: Sandbox, open_client: Open
) -> None:
    sandbox.rules.heartbeat_seconds = 0.2
    async with open_client() as client:
        await client.identify()
        session_id = (await client.event("READY"))["d"]["session_id"]
        assert await client.close_code() == 4009
    sandbox.rules.heartbeat_seconds = 41.25
    async with open_client() as client:
        await client.send(6, {"token": TOKEN, "session_id": session_id, "seq": 1})
        assert (await client.receive())["op"] == 9


@pytest.mark.parametrize(("query", "code"), [("v=9&encoding=json", 4012), ("v=10&encoding=etf", 4000)])
async def test_another_version_or_encoding_is_refused(sandbox: Sandbox, query: str, code: int) -> None:
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{sandbox.gateway_url}?{query}") as socket:
        assert await BareClient(socket).close_code() == code


async def test_an_unknown_compression_is_refused_at_the_upgrade(sandbox: Sandbox) -> None:
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await http.ws_connect(f"{sandbox.gateway_url}?v=10&encoding=json&compress=brotli")
    assert caught.value.status == 400


async def test_an_identify_too_soon_after_the_last_gets_op_9(sandbox: Sandbox, open_client: Open) -> None:
    sandbox.rules.identify_seconds = 60.0
    async with open_client() as first, open_client() as second:
        await first.identify()
        await first.event("READY")
        await second.identify()
        frame = await second.receive()
        assert (frame["op"], frame["d"]) == (9, False)


async def test_session_starts_of_a_day_run_out(sandbox: Sandbox, open_client: Open) -> None:
    sandbox.rules.identifies_per_day = 1
    async with open_client() as first, open_client() as second:
        await first.identify()
        await first.event("READY")
        await second.identify()
        assert await second.close_code() == 4004


async def test_a_resume_replays_what_came_after_its_sequence_with_the_old_numbers(
    sandbox: Sandbox, open_client: Open, channel: Channel
) -> None:
    async with open_client() as client:
        await client.identify()
        session_id = (await client.event("READY"))["d"]["session_id"]
        sandbox.post(channel, "first")
        sequence = (await client.event("MESSAGE_CREATE"))["s"]
        sandbox.post(channel, "second")
        second = await client.event("MESSAGE_CREATE")
        sandbox.faults.gateway.cut()
    sandbox.post(channel, "third")
    async with open_client() as client:
        await client.send(6, {"token": TOKEN, "session_id": session_id, "seq": sequence})
        frames = [await client.receive() for _ in range(3)]
    assert frames[0] == second
    assert [frame["t"] for frame in frames] == ["MESSAGE_CREATE", "MESSAGE_CREATE", "RESUMED"]
    assert [frame["s"] for frame in frames] == [sequence + 1, sequence + 2, sequence + 3]


@pytest.mark.parametrize("change", [{"seq": 99}, {"seq": None}, {"session_id": "unknown"}])
async def test_a_resume_that_cannot_be_gets_op_9(
    sandbox: Sandbox, open_client: Open, channel: Channel, change: dict[str, Any]
) -> None:
    async with open_client() as client:
        await client.identify()
        session_id = (await client.event("READY"))["d"]["session_id"]
        sandbox.faults.gateway.cut()
    async with open_client() as client:
        await client.send(6, {"token": TOKEN, "session_id": session_id, "seq": 1} | change)
        frame = await client.receive()
        assert (frame["op"], frame["d"]) == (9, False)
        await client.identify()
        assert (await client.event("READY"))["s"] == 1


async def test_dispatches_too_far_back_are_not_kept(sandbox: Sandbox, open_client: Open, channel: Channel) -> None:
    sandbox.rules.session_log = 3
    async with open_client() as client:
        await client.identify()
        session_id = (await client.event("READY"))["d"]["session_id"]
        for number in range(5):
            sandbox.post(channel, f"message {number}")
        sandbox.faults.gateway.cut()
    async with open_client() as client:
        await client.send(6, {"token": TOKEN, "session_id": session_id, "seq": 2})
        assert (await client.receive())["op"] == 9


async def test_a_session_left_too_long_cannot_be_resumed(sandbox: Sandbox, open_client: Open) -> None:
    sandbox.rules.session_seconds = 0.0
    async with open_client() as client:
        await client.identify()
        session_id = (await client.event("READY"))["d"]["session_id"]
        sandbox.faults.gateway.cut()
    async with open_client() as client:
        await client.send(6, {"token": TOKEN, "session_id": session_id, "seq": 1})
        assert (await client.receive())["op"] == 9


@pytest.mark.parametrize(("code", "operation"), [(1000, 9), (1001, 9), (4000, 0)])
async def test_only_a_client_that_closes_with_1000_or_1001_ends_its_session(
    sandbox: Sandbox, open_client: Open, code: int, operation: int
) -> None:
    async with open_client() as client:
        await client.identify()
        session_id = (await client.event("READY"))["d"]["session_id"]
        await client.socket.close(code=code)
    await sandbox.disconnected()
    assert sandbox.connections[0].close_code == code
    async with open_client() as client:
        await client.send(6, {"token": TOKEN, "session_id": session_id, "seq": 1})
        assert (await client.receive())["op"] == operation


async def test_intents_decide_what_is_told(sandbox: Sandbox, open_client: Open, channel: Channel) -> None:
    async with open_client() as client:
        await client.identify(intents=int(Intent.GUILDS))
        await client.event("GUILD_CREATE")
        message = sandbox.post(channel, "untold")
        sandbox.react(message, "👍")
        channel.rename("told")
        frame = await client.receive()
        assert (frame["t"], frame["d"]["name"]) == ("CHANNEL_UPDATE", "told")


async def test_a_shard_has_only_its_guilds(sandbox: Sandbox, open_client: Open) -> None:
    guilds = [sandbox.add_guild(f"guild {number}") for number in range(4)]
    async with open_client() as client:
        await client.identify(shard=[1, 2])
        ready = await client.event("READY")
    ids = [int(one["id"]) for one in ready["d"]["guilds"]]
    assert ids == [guild.id for guild in guilds if (guild.id >> 22) % 2 == 1]


async def test_two_clients_of_one_bot_both_hear_everything(
    sandbox: Sandbox, open_client: Open, channel: Channel
) -> None:
    async with open_client() as first, open_client() as second:
        for client in (first, second):
            await client.identify()
            await client.event("GUILD_CREATE")
        sandbox.post(channel, "to both")
        told = await asyncio.gather(first.event("MESSAGE_CREATE"), second.event("MESSAGE_CREATE"))
        assert [frame["d"]["content"] for frame in told] == ["to both", "to both"]


async def test_a_revoked_intent_closes_the_session_with_4014(sandbox: Sandbox, open_client: Open) -> None:
    async with open_client() as client:
        await client.identify()
        await client.event("READY")
        sandbox.set_privileged(Intent(0))
        assert await client.close_code() == 4014
