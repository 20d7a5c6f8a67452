"""The gateway's handlers: each frame that concerns a listened channel becomes an observation in the queue.

Messages are taken from the frames themselves, and of the library's events only raw ones are used: the others fire for
messages in its cache alone. No handler waits for anything but the rest of a message that was told in part, so
observations are queued in the order in which the frames came."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import aiohttp
import discord
import structlog

from worker import metrics
from worker.failpoints import reach
from worker.gateway.described import AnyChannel
from worker.gateway.pacing import Identifies
from worker.gateway.pulse import Pulse
from worker.ingest.channels import ChannelBook
from worker.ingest.coverage import LiveSpans
from worker.ingest.observation import Covered, Observation
from worker.ingest.queue import IngestQueue
from worker.words import Origin

CLOSING_SECONDS = 2.0  # the end of the process must not wait for a Discord that does not answer

log = structlog.get_logger(__name__)


class SessionWatcher(Protocol):
    """Who wants to know how the session fares."""

    def connected(self, client: "GatewayClient", *, resumed: bool) -> None: ...

    def disconnected(self) -> None: ...

    def overflowed(self) -> None: ...

    def edit_missed(self) -> None: ...

    def access_changed(self) -> None: ...

    def discovered(self) -> None: ...

    def gone(self, channel_ids: Sequence[int]) -> None: ...


def intents() -> discord.Intents:
    """What the worker asks Discord for; message_content is privileged and has to be granted in the developer portal."""
    return discord.Intents(guilds=True, guild_messages=True, message_content=True)


class GatewayClient(discord.Client):
    """One login: a client cannot be started twice."""

    def __init__(
        self,
        book: ChannelBook,
        queue: IngestQueue,
        watcher: SessionWatcher,
        *,
        trace: aiohttp.TraceConfig,
        identifies: Identifies,
        ready_seconds: float,
    ) -> None:
        super().__init__(
            intents=intents(),
            max_messages=None,
            enable_debug_events=True,  # the only way to a message's payload as it came
            chunk_guilds_at_startup=False,
            guild_ready_timeout=ready_seconds,
            allowed_mentions=discord.AllowedMentions.none(),
            http_trace=trace,
        )
        self._book = book
        self._queue = queue
        self._watcher = watcher
        self.pulse = Pulse()
        self.was_connected = False
        self._identifies = identifies
        self._spans = LiveSpans()
        self._closing: set[Callable[[], Awaitable[None]]] = set()
        self._frames: dict[str, Callable[[dict[str, Any]], Awaitable[None] | None]] = {
            '"MESSAGE_CREATE"': self._posted,
            '"MESSAGE_UPDATE"': self._edited,
            '"READY"': self._session_begins,
            '"GUILD_CREATE"': self._guild_begins,
            '"THREAD_CREATE"': self._thread_begins,
            '"THREAD_MEMBERS_UPDATE"': self._thread_members_changed,
        }
        # What the library makes of messages is not used here. One that it cannot read, as when Discord has something
        # new, would end the session for every channel.
        for name in ("MESSAGE_CREATE", "MESSAGE_UPDATE"):
            self._connection.parsers[name] = _guarded(name, self._connection.parsers[name])

    def newest_messages(self) -> dict[int, int]:
        """The newest message of each listened channel and thread, as Discord last told it."""
        return {
            channel.id: getattr(channel, "last_message_id", None) or 0
            for channel in self.listened_channels()
            # A forum's is the newest of its threads; it has no messages itself.
            if not isinstance(channel, discord.ForumChannel | discord.CategoryChannel)
        }

    def listened_channels(self) -> Iterator[discord.abc.GuildChannel | discord.Thread]:
        for guild in self.guilds:
            for channel in (*guild.channels, *guild.threads):
                if self._listens(channel.id):
                    yield channel

    def permitting_channel(self, channel_id: int) -> AnyChannel | None:
        """The channel whose permissions hold: an archived thread has those of what it hangs on."""
        for one in (channel_id, self._book.parent_of(channel_id)):
            channel = self.get_channel(one) if one is not None else None
            if isinstance(channel, discord.abc.GuildChannel | discord.Thread):
                return channel
        return None

    def _listens(self, channel_id: int) -> bool:
        channel = self.get_channel(channel_id)
        parent_id = channel.parent_id if isinstance(channel, discord.Thread) else self._book.parent_of(channel_id)
        return self._book.listens_to(channel_id, parent_id)

    def visible_newest_messages(self) -> dict[int, int]:
        """Of those that messages are told of at present."""
        return {
            channel_id: message_id
            for channel_id, message_id in self.newest_messages().items()
            if (channel := self.permitting_channel(channel_id)) is not None
            and channel.permissions_for(channel.guild.me).view_channel
        }

    def listened_guilds(self) -> set[int]:
        return {channel.guild.id for channel in self.listened_channels()}

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        await super().before_identify_hook(shard_id, initial=initial)
        await self._identifies.turn()

    def at_close(self, work: Callable[[], Awaitable[None]]) -> None:
        """`work` is to be done while Discord can still be asked."""
        self._closing.add(work)

    def not_at_close(self, work: Callable[[], Awaitable[None]]) -> None:
        """It has been done."""
        self._closing.discard(work)

    async def close(self) -> None:
        closing, self._closing = self._closing, set()
        try:
            async with asyncio.timeout(CLOSING_SECONDS):
                await asyncio.gather(*(work() for work in closing))
        except TimeoutError:
            log.warning("gateway.closing_cut_short", works=len(closing))
        finally:
            await super().close()

    async def on_ready(self) -> None:
        self.pulse.connected()
        self.was_connected = True
        self._watcher.connected(self, resumed=False)

    def lost(self) -> None:
        """The session has ended, which the library does not tell of when it is ended from here."""
        self.pulse.disconnected()
        self._watcher.disconnected()

    async def on_resumed(self) -> None:
        self.pulse.connected()
        self._watcher.connected(self, resumed=True)

    async def on_disconnect(self) -> None:
        self.pulse.disconnected()
        self._watcher.disconnected()

    async def on_socket_raw_receive(self, frame: str) -> None:
        self.pulse.frame(frame)
        handle = next((handle for name, handle in self._frames.items() if name in frame), None)
        if handle is None:
            return
        event = json.loads(frame)
        # The name can stand in a message's text as well.
        if handle := self._frames.get(f'"{event.get("t")}"'):
            waiting = handle(event["d"])
            if waiting is not None:
                await waiting

    def _session_begins(self, _: dict[str, Any]) -> None:
        """What came between two sessions was not told, also of threads that the new one does not begin with."""
        self._spans = LiveSpans()

    def _guild_begins(self, guild: dict[str, Any]) -> None:
        self._break_off({int(channel["id"]) for channel in guild.get("channels", ())})
        for channel in (*guild.get("channels", ()), *guild.get("threads", ())):
            self._spans.begin(int(channel["id"]), int(channel.get("last_message_id") or 0))
        for thread in guild.get("threads", ()):
            self._book.hangs_on(int(thread["id"]), int(thread["parent_id"]))

    def _thread_begins(self, thread: dict[str, Any]) -> None:
        self._book.hangs_on(int(thread["id"]), int(thread["parent_id"]))
        if thread.get("newly_created"):
            self._spans.begin(int(thread["id"]), int(thread["id"]) - 1)
        else:
            # The bot was added to it, and may have been removed from it before.
            self._spans.forget(int(thread["id"]))

    def _thread_members_changed(self, change: dict[str, Any]) -> None:
        """Who is no member of a private thread is told nothing of it."""
        if self.user is not None and str(self.user.id) in change.get("removed_member_ids", ()):
            self._spans.forget(int(change["id"]))

    def _posted(self, payload: dict[str, Any]) -> None:
        channel_id, message_id = int(payload["channel_id"]), int(payload["id"])
        if not self._listens(channel_id):
            self._spans.missed(channel_id, message_id)
            return
        guild_id = int(payload["guild_id"]) if payload.get("guild_id") else None
        observation = self.observe(payload, origin="live", guild_id=guild_id)
        if not self._spans.knows(channel_id):
            # What lies before it is not known, and nobody may have looked for a gap there.
            self._watcher.discovered()
        if not self._put(observation, self._spans.arrived(channel_id, message_id)):
            self._spans.missed(channel_id, message_id)

    async def _edited(self, payload: dict[str, Any]) -> None:
        channel_id, message_id = int(payload["channel_id"]), int(payload["id"])
        if not self._listens(channel_id):
            return
        guild_id = int(payload["guild_id"]) if payload.get("guild_id") else None
        if "content" not in payload or "author" not in payload:
            # Part of a message would read as if the rest of it had been removed.
            try:
                payload = dict(await self.http.get_message(channel_id, message_id))
            except Exception:
                self._watcher.edit_missed()
                raise
        self._put(self.observe(payload, origin="live", guild_id=guild_id))

    def observe(self, payload: dict[str, Any], *, origin: Origin, guild_id: int | None) -> Observation:
        """The observation of one of Discord's message objects."""
        return observe_message(payload, origin=origin, guild_id=guild_id, own_id=self.user.id if self.user else None)

    def _put(self, observation: Observation, covered: Covered | None = None) -> bool:
        if self._queue.put(observation, covered):
            reach("gateway.received")
            return True
        self._watcher.overflowed()
        return False

    async def on_raw_message_delete(self, event: discord.RawMessageDeleteEvent) -> None:
        self._deleted(event.message_id, event.channel_id, event.guild_id)

    async def on_raw_bulk_message_delete(self, event: discord.RawBulkMessageDeleteEvent) -> None:
        for message_id in sorted(event.message_ids):
            self._deleted(message_id, event.channel_id, event.guild_id)

    def _deleted(self, message_id: int, channel_id: int, guild_id: int | None) -> None:
        if self._listens(channel_id):
            self._put(Observation("deleted", "live", message_id, channel_id, guild_id, datetime.now(UTC)))

    async def on_thread_create(self, thread: discord.Thread) -> None:
        self._thread_seen(thread)

    async def on_thread_join(self, thread: discord.Thread) -> None:
        self._thread_seen(thread)

    def _thread_seen(self, thread: discord.Thread) -> None:
        self._book.hangs_on(thread.id, thread.parent_id)
        if self._book.listens_to(thread.id, thread.parent_id):
            self._watcher.discovered()

    async def on_guild_channel_create(self, channel: discord.abc.GuildChannel) -> None:
        self._access_changed([channel])

    async def on_guild_channel_update(self, before: discord.abc.GuildChannel, after: discord.abc.GuildChannel) -> None:
        if before.overwrites != after.overwrites or before.category != after.category:
            self._access_changed([after])

    async def on_guild_role_update(self, before: discord.Role, after: discord.Role) -> None:
        if before.permissions != after.permissions:
            self._access_changed(after.guild.channels)

    async def on_guild_role_delete(self, role: discord.Role) -> None:
        self._access_changed(role.guild.channels)

    async def on_member_update(self, before: discord.Member, after: discord.Member) -> None:
        if after == after.guild.me and before.roles != after.roles:
            self._access_changed(after.guild.channels)

    async def on_guild_join(self, _: discord.Guild) -> None:
        self._watcher.access_changed()

    async def on_guild_available(self, _: discord.Guild) -> None:
        self._watcher.access_changed()

    def _access_changed(self, channels: Iterable[discord.abc.GuildChannel]) -> None:
        """What is posted while a channel cannot be seen is not told, so the unbroken connection ends here.

        Whether it can be seen at this moment does not matter: it may have changed twice since the frame came."""
        changed = {channel.id for channel in channels}
        self._break_off(changed)
        if any(self._listens(one) for one in changed) or self._book.is_listened_on(changed):
            self._watcher.access_changed()

    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        self._gone([channel.id, *(thread.id for thread in getattr(channel, "threads", ()))])

    async def on_raw_thread_delete(self, event: discord.RawThreadDeleteEvent) -> None:
        self._watcher.gone([event.thread_id])

    async def on_guild_unavailable(self, guild: discord.Guild) -> None:
        self._break_off({channel.id for channel in guild.channels})

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        self._gone([channel.id for channel in (*guild.channels, *guild.threads)])

    def _gone(self, channel_ids: Sequence[int]) -> None:
        self._break_off(set(channel_ids))
        self._watcher.gone(channel_ids)

    def _break_off(self, channel_ids: Collection[int]) -> None:
        """What is posted in these channels and what hangs on them may not be told from here on. The library knows of no
        archived thread, so those are found by the messages that were told."""
        for one in self._spans.channels():
            if one in channel_ids or self._book.parent_of(one) in channel_ids:
                self._spans.forget(one)

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        """The supervisor of handlers: discord.py calls it inside the except block."""
        metrics.GATEWAY_FAULTS.inc()
        log.exception("gateway.handler_failed", handler=event_method)


def _guarded(name: str, parse: Callable[[Any], None]) -> Callable[[Any], None]:
    """The library's parser of a message, which may fail."""

    def parsed(data: Any) -> None:
        try:
            parse(data)
        except Exception:
            metrics.GATEWAY_UNREAD.inc()
            log.exception("gateway.message_unread", frame=name, message_id=data.get("id"))

    return parsed


def observe_message(
    payload: dict[str, Any], *, origin: Origin, guild_id: int | None, own_id: int | None = None
) -> Observation:
    """The observation of one of Discord's message objects; `own_id` is the user that the bot is."""
    message_id, channel_id = int(payload["id"]), int(payload["channel_id"])
    is_own = own_id is not None and (payload.get("author") or {}).get("id") == str(own_id)
    return Observation("posted", origin, message_id, channel_id, guild_id, datetime.now(UTC), payload, is_own=is_own)
