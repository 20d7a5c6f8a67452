"""What there is to be covered: every listened channel and thread with its newest message, also those that the library
does not know of."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import discord
import structlog

from worker.db.shared_session import SharedSession
from worker.faults import named
from worker.gateway.archived_threads import ArchivedThread, archived_threads, private_archived_threads
from worker.gateway.client import GatewayClient
from worker.gateway.described import ThreadedChannel, can_read_history, describe, describe_payload
from worker.gateway.rest import PASSING_REST, UNKNOWN_CHANNEL, Payload, Rest
from worker.ingest.channels import (
    Channel,
    ChannelBook,
    describe_channels,
    forbidden_channels,
    set_threads_checked,
    threads_known_until,
)
from worker.ingest.gaps import give_up_gaps, open_gaps

THREADS_MARGIN = timedelta(hours=1)  # how much of what is known of archived threads is looked at again

log = structlog.get_logger(__name__)

Newest = dict[int, int]
"""The newest message of each channel. What tells of an older one is stale."""


def take_newer(newest: Newest, found: Newest) -> None:
    for channel_id, message_id in found.items():
        newest[channel_id] = max(newest.get(channel_id, 0), message_id)


@dataclass(frozen=True, slots=True)
class Archived:
    """Threads of a channel that were archived from `known_until` on, as of the moment when the look `began`."""

    channel_id: int
    newest: Newest
    known_until: datetime
    began: datetime


class Survey:
    """Every method raises what Rest and the writer raise, and LeaseLostError."""

    def __init__(
        self,
        session: SharedSession,
        rest: Rest,
        book: ChannelBook,
        *,
        epoch: int,
        reload_channels: Callable[[], Awaitable[None]],
    ) -> None:
        self._session = session
        self._rest = rest
        self._book = book
        self._epoch = epoch
        self._reload_channels = reload_channels

    async def look(self, client: GatewayClient) -> Newest:
        """All but the threads that are archived. Every channel that is found has its row afterwards."""
        newest = client.newest_messages()
        async with self._session.use() as connection:
            await describe_channels(connection, [describe(one) for one in client.listened_channels()], self._epoch)
            forbidden = await forbidden_channels(connection)
            # An archived thread is found once; what was missing then may be missing still.
            for gap in await open_gaps(connection):
                take_newer(newest, {gap.channel_id: gap.last_id})
        gone = await self._ask_anew(client, newest, forbidden) | await self._ask_for_unknown(client, newest)
        if gone:
            async with self._session.use() as connection:
                await give_up_gaps(connection, gone, self._epoch)
        await self._reload_channels()
        return newest

    def with_threads(self, client: GatewayClient) -> list[ThreadedChannel]:
        """The channels whose archived threads can be asked for."""
        return [
            one
            for one in client.listened_channels()
            if isinstance(one, discord.TextChannel | discord.ForumChannel)
            and can_read_history(one)
            and not one.guild.unavailable
        ]

    async def look_at_archived(self, client: GatewayClient, channel: ThreadedChannel) -> Archived:
        """The threads of a channel that were archived since that was looked at. Each has its row afterwards."""
        began = datetime.now(UTC)
        async with self._session.use() as connection:
            known_until = await threads_known_until(connection, channel.id)
        threads = [one async for one in self._archived(client, channel, known_until - THREADS_MARGIN)]
        if threads:
            async with self._session.use() as connection:
                await describe_channels(connection, [one.described for one in threads], self._epoch)
            await self._reload_channels()
        return Archived(channel.id, {one.described.channel_id: one.newest for one in threads}, known_until, began)

    async def accounted(self, found: Archived) -> None:
        """Gaps of the threads that were found are accounted for, so that these need not be found again."""
        async with self._session.use() as connection:
            await set_threads_checked(connection, found.channel_id, found.known_until, found.began, self._epoch)

    async def _archived(
        self, client: GatewayClient, channel: ThreadedChannel, since: datetime
    ) -> AsyncIterator[ArchivedThread]:
        async for thread in archived_threads(client, self._rest, channel, since):
            yield thread
        if channel.type is discord.ChannelType.text:
            async for thread in private_archived_threads(client, self._rest, channel):
                yield thread

    async def _ask_anew(self, client: GatewayClient, newest: Newest, forbidden: set[int]) -> set[int]:
        """What the library was told of a channel that the bot could not see may be stale. Returns those that are gone,
        as a thread is that was deleted while nobody was connected."""
        gone: set[int] = set()
        for channel_id in sorted(newest.keys() & forbidden):
            try:
                told = await self._rest.channel(client, channel_id)
            except (discord.HTTPException, *PASSING_REST) as error:
                if isinstance(error, discord.NotFound) and error.code == UNKNOWN_CHANNEL:
                    gone.add(channel_id)
                continue
            take_newer(newest, _newest_of(told))
        return gone

    async def _ask_for_unknown(self, client: GatewayClient, newest: Newest) -> set[int]:
        """What is listened to by itself and the library does not know of: archived threads, and what is gone, which is
        returned: deleted, or of a guild that the bot was removed from."""
        gone: set[int] = set()
        for channel in list(self._book.listened()):
            if client.get_channel(channel.channel_id) is not None:
                continue
            guild = client.get_guild(channel.guild_id) if channel.guild_id else None
            if guild is not None and guild.unavailable:
                continue
            told = await self._told_of(client, channel, is_in_guild=guild is not None)
            if told is None:
                gone.add(channel.channel_id)
            elif "thread_metadata" in told:
                async with self._session.use() as connection:
                    await describe_channels(connection, [describe_payload(told, int(told["guild_id"]))], self._epoch)
                take_newer(newest, _newest_of(told))
        return gone

    async def _told_of(self, client: GatewayClient, channel: Channel, *, is_in_guild: bool) -> Payload | None:
        """None: it is gone. Empty: Discord does not tell."""
        if channel.is_unreachable and channel.guild_id and not is_in_guild:
            return None  # nothing else would be answered, and Discord counts what it refuses
        try:
            return await self._rest.channel(client, channel.channel_id)
        except discord.NotFound as error:
            return None if error.code == UNKNOWN_CHANNEL else {}
        except discord.Forbidden:
            # In one of the bot's guilds it lacks a permission: an archived thread is not told of there.
            return {} if is_in_guild else None
        except (discord.HTTPException, *PASSING_REST) as error:
            log.warning("history.channel_not_told", channel_id=channel.channel_id, reason=named(error))
            return {}


def _newest_of(channel: Payload) -> Newest:
    return {int(channel["id"]): int(channel.get("last_message_id") or 0)}
