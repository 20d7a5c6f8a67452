"""What becomes known of the session as it goes: told, shown by health, and followed by a look for gaps."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

import discord
import structlog

from worker import correlation, metrics
from worker.db.connection import Database, connected
from worker.events.catalogue import BotConnected, BotDisconnected, Event, Fact
from worker.events.outbox import tell
from worker.gateway.client import GatewayClient
from worker.health import Health
from worker.ingest.channels import ChannelBook, describe_channel

_KINDS: dict[discord.ChannelType, str] = {
    discord.ChannelType.text: "text",
    discord.ChannelType.news: "news",
    discord.ChannelType.forum: "forum",
    discord.ChannelType.media: "forum",
    discord.ChannelType.voice: "voice",
    discord.ChannelType.stage_voice: "voice",
    discord.ChannelType.public_thread: "thread",
    discord.ChannelType.private_thread: "thread",
    discord.ChannelType.news_thread: "thread",
}

log = structlog.get_logger(__name__)


class SessionWatch:
    """The client's SessionWatcher. `client` is the one that is connected, if any is."""

    def __init__(
        self,
        database: Database,
        health: Health,
        book: ChannelBook,
        *,
        on_connected: Callable[[], None],
        on_commit: Callable[[], None],
    ) -> None:
        self.client: GatewayClient | None = None
        self._database = database
        self._health = health
        self._book = book
        self._on_connected = on_connected
        self._on_commit = on_commit
        self._errands: set[asyncio.Task[None]] = set()

    def connected(self, client: GatewayClient, *, resumed: bool) -> None:
        self.client = client
        self._health.has("gateway")
        metrics.GATEWAY_CONNECTED.set(1)
        log.info("gateway.connected", resumed=resumed, guilds=len(client.guilds))
        self._errand(self._tell(BotConnected(resumed=resumed, guilds=len(client.guilds))))
        self._errand(self._describe(list(client.listened_channels())))
        self._on_connected()

    def disconnected(self) -> None:
        """The library calls it again for every attempt that fails."""
        if self.client is None:
            return
        self.client = None
        metrics.GATEWAY_CONNECTED.set(0)
        self._health.wait_for("gateway", "the connection to Discord was lost")
        log.warning("gateway.disconnected")
        self._errand(self._tell(BotDisconnected()))

    def thread_seen(self, thread: discord.Thread) -> None:
        if self._book.listens_to(thread.id, thread.parent_id):
            self._errand(self._describe([thread]))

    async def close(self) -> None:
        """Lets the errands under way come to their end."""
        await asyncio.gather(*self._errands, return_exceptions=True)

    def _errand(self, work: Coroutine[Any, Any, None]) -> None:
        """A short piece of work that a handler cannot wait for."""

        def ended(task: asyncio.Task[None]) -> None:
            self._errands.discard(task)
            if not task.cancelled() and (error := task.exception()):
                metrics.GATEWAY_FAULTS.inc()
                log.error("gateway.errand_failed", exc_info=error)

        task = asyncio.create_task(work)
        self._errands.add(task)
        task.add_done_callback(ended)

    async def _tell(self, fact: Fact) -> None:
        name = f"{fact.channel}:{fact.event_type}:{datetime.now(UTC).isoformat()}"
        async with connected(self._database, purpose="lifecycle") as connection:
            await tell(connection, [Event(fact, correlation.of_name(name))])
        self._on_commit()

    async def _describe(self, channels: list[discord.abc.GuildChannel | discord.Thread]) -> None:
        async with connected(self._database, purpose="channels") as connection:
            for channel in channels:
                await describe_channel(
                    connection,
                    channel.id,
                    guild_id=channel.guild.id,
                    name=channel.name,
                    kind=_KINDS.get(channel.type, "unknown"),
                    parent_id=channel.parent_id if isinstance(channel, discord.Thread) else None,
                )
