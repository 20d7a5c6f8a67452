"""What there is to be covered: every listened channel and thread with its newest message, also those that the library
does not know of."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import discord
import structlog

from worker.db.shared_session import SharedSession
from worker.gateway.archived_threads import ArchivedThread, archived_threads, private_archived_threads
from worker.gateway.client import GatewayClient
from worker.gateway.described import ThreadedChannel, can_read_history, describe
from worker.gateway.rest import UNKNOWN_CHANNEL, Rest
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


@dataclass(frozen=True, slots=True)
class Surveyed:
    """The newest message of each channel, and the channels whose archived threads are among them as of a moment."""

    newest: dict[int, int]
    began: datetime
    threads_of: list[int] = field(default_factory=list)


class Survey:
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

    async def look(self, client: GatewayClient, *, archived: bool) -> Surveyed:
        """Every channel that is found has its row afterwards.

        Raises what Rest and the writer raise, and LeaseLostError."""
        found = Surveyed(client.newest_messages(), datetime.now(UTC))
        async with self._session.use() as connection:
            await describe_channels(connection, [describe(one) for one in client.listened_channels()], self._epoch)
            forbidden = await forbidden_channels(connection)
            for gap in await open_gaps(connection):
                # An archived thread is found once; what was missing then may be missing still.
                found.newest.setdefault(gap.channel_id, gap.last_id)
        gone = await self._ask_anew(client, found, forbidden)
        if archived:
            await self._add_archived(client, found)
        gone |= {one.channel_id for one in list(self._book.listened()) if await self._is_gone(client, one)}
        if gone:
            async with self._session.use() as connection:
                await give_up_gaps(connection, gone, self._epoch)
        await self._reload_channels()
        return found

    async def accounted(self, found: Surveyed) -> None:
        """Gaps of the threads that were found are accounted for, so that these need not be found again."""
        async with self._session.use() as connection:
            await set_threads_checked(connection, found.threads_of, found.began, self._epoch)

    async def _ask_anew(self, client: GatewayClient, found: Surveyed, forbidden: set[int]) -> set[int]:
        """What the library was told of a channel that the bot could not see may be stale. Returns those that are gone,
        as a thread is that was deleted while nobody was connected."""
        gone: set[int] = set()
        for channel_id in sorted(found.newest.keys() & forbidden):
            try:
                told = await self._rest.channel(client, channel_id)
            except (discord.Forbidden, discord.NotFound) as error:
                if error.code == UNKNOWN_CHANNEL:
                    gone.add(channel_id)
                continue
            found.newest[channel_id] = max(found.newest[channel_id], int(told.get("last_message_id") or 0))
        return gone

    async def _add_archived(self, client: GatewayClient, found: Surveyed) -> None:
        channels = [
            one
            for one in client.listened_channels()
            if isinstance(one, discord.TextChannel | discord.ForumChannel) and can_read_history(one)
        ]
        async with self._session.use() as connection:
            known = await threads_known_until(connection, [one.id for one in channels])
        threads: list[ArchivedThread] = []
        for channel in channels:
            threads += [one async for one in self._archived(client, channel, known[channel.id] - THREADS_MARGIN)]
            found.threads_of.append(channel.id)
        for thread in threads:
            found.newest.setdefault(thread.described.channel_id, thread.newest)
        async with self._session.use() as connection:
            await describe_channels(connection, [one.described for one in threads], self._epoch)

    async def _archived(
        self, client: GatewayClient, channel: ThreadedChannel, since: datetime
    ) -> AsyncIterator[ArchivedThread]:
        async for thread in archived_threads(client, self._rest, channel, since):
            yield thread
        if channel.type is discord.ChannelType.text:
            async for thread in private_archived_threads(client, self._rest, channel):
                yield thread

    async def _is_gone(self, client: GatewayClient, channel: Channel) -> bool:
        """Whether a channel was deleted, or the bot removed from its guild, also while nobody was connected."""
        if client.get_channel(channel.channel_id) is not None:
            return False
        guild = client.get_guild(channel.guild_id) if channel.guild_id else None
        if guild is not None and guild.unavailable:
            return False
        if channel.is_unreachable:
            return True
        try:
            await self._rest.channel(client, channel.channel_id)
        except discord.NotFound as error:
            return error.code == UNKNOWN_CHANNEL
        except discord.Forbidden:
            # In one of the bot's guilds it lacks a permission: an archived thread is not told of there.
            return guild is None
        return False
