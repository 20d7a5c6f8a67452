"""The sandbox in a process of its own, ruled over HTTP."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from tests.integration.sandbox.clients import TOKEN, RecordingClient, default_intents


@dataclass(slots=True)
class Remote:
    """A sandbox behind its control interface."""

    http: aiohttp.ClientSession
    addresses: dict[str, str]

    async def __call__(self, path: str, **arguments: Any) -> Any:
        async with self.http.post(f"{self.addresses['control_url']}/{path}", json=arguments) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def refused(self, path: str, **arguments: Any) -> tuple[int, str]:
        async with self.http.post(f"{self.addresses['control_url']}/{path}", json=arguments) as response:
            return response.status, (await response.json())["error"]

    async def read(self, path: str) -> Any:
        async with self.http.get(f"{self.addresses['control_url']}/{path}") as response:
            assert response.status == 200, await response.text()
            return await response.json()


@pytest.fixture
async def remote() -> AsyncIterator[Remote]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "worker.sandbox", "--port", "0", "--token", TOKEN, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        addresses = json.loads(await process.stdout.readline())
        async with aiohttp.ClientSession() as http:
            yield Remote(http, addresses)
    finally:
        process.terminate()
        assert await process.wait() == 0


@contextlib.asynccontextmanager
async def _client(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RecordingClient]:
    monkeypatch.setattr(Route, "BASE", remote.addresses["api_url"])
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(remote.addresses["gateway_url"]))
    client = RecordingClient(default_intents())
    running = asyncio.create_task(client.start(TOKEN))
    await client.seen("ready")
    yield client
    await client.close()
    await running


async def test_users_act_and_the_ledger_tells(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    guild = await remote("add-guild", name="Traders")
    channel = await remote("add-channel", guild=guild["id"], name="plans")
    author = await remote("add-user", name="analyst")
    async with _client(remote, monkeypatch) as client:
        await remote.read("connected?seconds=10")
        posted = await remote("post", channel=channel["id"], text="SPY", author=author["id"])
        assert (await client.seen("message")).author.name == "analyst"
        await remote("edit", message=posted["id"], text="SPY 586.49")
        await remote("preview", message=posted["id"], embeds=[{"title": "a link"}])
        await client.seen("raw_message_edit", count=2)
        gone = await remote("post", channel=channel["id"], forward_of={"content": "forwarded"})
        await remote("delete", message=gone["id"])
        assert str((await client.seen("raw_message_delete")).message_id) == gone["id"]
    seeded = await remote("seed", channel=channel["id"], n=3, text="old {}", end="2026-01-02T00:00:00+00:00")
    final = await remote.read(f"final/{channel['id']}")
    assert [(one["content"], one["edits"], one["deleted"]) for one in final] == [
        ("old 0", 0, False),
        ("old 1", 0, False),
        ("old 2", 0, False),
        ("SPY 586.49", 1, False),
        ("", 0, True),
    ]
    assert [one["id"] for one in final[:3]] == seeded
    actions = [entry["action"] for entry in await remote.read("ledger")]
    assert actions == ["posted", "edited", "updated", "posted", "deleted", "seeded", "seeded", "seeded"]


async def test_faults_are_asked_for_counted_and_cleared(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    guild = await remote("add-guild", name="Traders")
    channel = await remote("add-channel", guild=guild["id"], name="plans")
    async with _client(remote, monkeypatch) as client:
        await remote("faults/gateway/distort", kind="duplicate", event="MESSAGE_CREATE")
        await remote("faults/rest/limit", route="GET /channels/*", seconds=0.01)
        await remote("post", channel=channel["id"], text="twice")
        await client.seen("message", count=2)
        await client.fetch_channel(int(channel["id"]))
        faults = await remote.read("faults")
        assert [fault["hits"] for fault in faults["gateway"] + faults["rest"]] == [1, 1]
        async with remote.http.delete(f"{remote.addresses['control_url']}/faults") as response:
            assert response.status == 200
        assert await remote.read("faults") == {"gateway": [], "rest": []}
        await remote("faults/gateway/cut")
        await client.seen("resumed")
    assert [record["outcome"] for record in await remote.read("identifies")] == ["ready", "resumed"]
    assert [record["status"] for record in await remote.read("requests")][-2:] == [429, 200]
    assert len(await remote.read("connections")) == 2


async def test_arguments_that_do_not_fit_are_refused_with_the_reason(remote: Remote) -> None:
    assert await remote.refused("post", channel="1", text="x") == (400, "KeyError: 1")
    status, reason = await remote.refused("add-user", name="x", nickname="x")
    assert (status, "nickname" in reason) == (400, True)
    status, reason = await remote.refused("fly")
    assert (status, "bulk-delete" in reason) == (404, True)
    assert (await remote.refused("set-rules", answer_minutes=3))[0] == 400
    async with remote.http.post(f"{remote.addresses['control_url']}/post", data="{") as response:
        assert response.status == 400


async def test_permissions_rules_and_commands_can_be_had_too(remote: Remote) -> None:
    guild = await remote("add-guild", name="Traders")
    channel = await remote("add-channel", guild=guild["id"], name="plans")
    await remote("set-permissions", channel=channel["id"], deny=["VIEW_CHANNEL"])
    await remote("set-rules", answer_seconds=1.5)
    await remote("set-limit", route="GET /channels/{channel_id}", requests=1000, seconds=1.0)
    headers = {"Authorization": f"Bot {TOKEN}"}
    api = remote.addresses["api_url"]
    async with remote.http.get(f"{api}/channels/{channel['id']}", headers=headers) as response:
        assert (response.status, response.headers["X-RateLimit-Limit"]) == (403, "1000")
    await remote("set-permissions", channel=channel["id"], deny=[])
    me = await (await remote.http.get(f"{api}/users/@me", headers=headers)).json()
    definition = {"name": "levels", "description": "Levels", "options": []}
    path = f"{api}/applications/{me['id']}/commands"
    async with remote.http.put(path, json=[definition], headers=headers) as response:
        assert response.status == 200
    interaction = await remote("invoke", command="levels", channel=channel["id"])
    assert (await remote.read(f"interactions/{interaction['id']}"))["callback"] is None


async def test_a_port_that_is_taken_ends_it_with_a_sentence(remote: Remote) -> None:
    port = str(yarl.URL(remote.addresses["api_url"]).port)
    second = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "worker.sandbox", "--port", port, stderr=asyncio.subprocess.PIPE
    )
    _, complaint = await second.communicate()
    assert second.returncode == 69
    assert complaint.decode().startswith(f"The sandbox cannot listen on port {port}:")
    assert complaint.count(b"\n") == 1
