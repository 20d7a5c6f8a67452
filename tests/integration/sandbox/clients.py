"""A stock discord.py client that keeps what it is told."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import discord

TOKEN = "sandbox-token"


class RecordingClient(discord.Client):
    """A stock client that keeps what it is told, as (event, arguments)."""

    def __init__(self, intents: discord.Intents, **options: Any) -> None:
        super().__init__(intents=intents, guild_ready_timeout=0.1, enable_debug_events=True, **options)
        self.events: list[tuple[str, tuple[Any, ...]]] = []
        self.arrived = asyncio.Event()
        self.running: asyncio.Task[None]

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


def default_intents() -> discord.Intents:
    intents = discord.Intents.default()
    intents.message_content = True
    return intents
