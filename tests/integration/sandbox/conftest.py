"""A sandbox for each test, and stock discord.py clients that are pointed at it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import discord
import pytest
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from tests.integration.sandbox.clients import TOKEN, Connect, RecordingClient, default_intents
from worker.sandbox import Channel, Guild, Intent, Sandbox


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(token=TOKEN, privileged=Intent.MESSAGE_CONTENT | Intent.GUILD_MEMBERS) as sandbox:
        yield sandbox


@pytest.fixture
def guild(sandbox: Sandbox) -> Guild:
    return sandbox.add_guild("Traders")


@pytest.fixture
def channel(guild: Guild) -> Channel:
    return guild.add_channel("plans")


@pytest.fixture
def endpoints(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Route, "BASE", sandbox.api_url)
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(sandbox.gateway_url))


@pytest.fixture
async def connect(sandbox: Sandbox, endpoints: None) -> AsyncIterator[Connect]:
    """connect(intents=..., **client options): a client that is ready; it is closed after the test."""
    clients: list[RecordingClient] = []

    async def _connect(
        intents: discord.Intents | None = None, *, ready: bool = True, setup: Any = None, **options: Any
    ) -> RecordingClient:
        client = RecordingClient(intents or default_intents(), **options)
        if setup is not None:
            setup(client)
        client.running = asyncio.create_task(client.start(TOKEN))
        clients.append(client)
        if ready:
            await client.seen("ready")
        return client

    yield _connect
    for client in clients:
        await client.close()
        client.running.cancel()
        await asyncio.gather(client.running, return_exceptions=True)
