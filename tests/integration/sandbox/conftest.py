"""A sandbox for each test, and stock discord.py clients that are pointed at it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import discord
import pytest
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from worker.sandbox import Intent, Sandbox
from worker.sandbox.world.model import Channel, Guild

TOKEN = "sandbox-token"
READY_SECONDS = 5.0


class RecordingClient(discord.Client):
    """A stock client that keeps what it is told, as (event, arguments)."""

    def __init__(self, intents: discord.Intents, **options: Any) -> None:
        super().__init__(intents=intents, guild_ready_timeout=0.1, enable_debug_events=True, **options)
        self.events: list[tuple[str, tuple[Any, ...]]] = []
        self.arrived = asyncio.Event()

    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        self.events.append((event, args))
        self.arrived.set()
        super().dispatch(event, *args, **kwargs)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """The library's own waits 5 s before a second IDENTIFY."""

    def named(self, event: str) -> list[Any]:
        """The first argument of each event of that name."""
        return [args[0] if args else None for name, args in self.events if name == event]

    async def seen(self, event: str, count: int = 1, seconds: float = 30.0) -> Any:
        """Waits for the count-th event of that name and gives its first argument."""
        async with asyncio.timeout(seconds):
            while len(self.named(event)) < count:
                self.arrived.clear()
                await self.arrived.wait()
        return self.named(event)[count - 1]


Connect = Callable[..., Awaitable[RecordingClient]]


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
    running: list[tuple[RecordingClient, asyncio.Task[None]]] = []

    async def _connect(
        intents: discord.Intents | None = None, *, ready: bool = True, setup: Any = None, **options: Any
    ) -> RecordingClient:
        client = RecordingClient(intents or default_intents(), **options)
        if setup is not None:
            setup(client)
        task = asyncio.create_task(client.start(TOKEN))
        running.append((client, task))
        if ready:
            await client.seen("ready")
        return client

    yield _connect
    for client, task in running:
        await client.close()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, discord.DiscordException, OSError):
            await task


def default_intents() -> discord.Intents:
    intents = discord.Intents.default()
    intents.message_content = True
    return intents
