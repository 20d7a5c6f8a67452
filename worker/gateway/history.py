"""Fetches over REST what the gateway did not bring: the gaps in a channel's coverage, page by page.

A page is stored and its coverage moved in one transaction, so that it can stop anywhere and go on there."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

import aiohttp
import discord
import structlog
from asyncpg import Connection

from worker import correlation, metrics
from worker.db.connection import Database, connected
from worker.events.catalogue import CatchupCompleted, CatchupStarted, Event
from worker.events.outbox import tell
from worker.gateway.client import GatewayClient, observe_message
from worker.ingest.channels import set_permission
from worker.ingest.coverage import Gap, find_gaps
from worker.ingest.observation import Covered
from worker.ingest.queue import account
from worker.ingest.writer import Writer

PAGE = 100  # messages; Discord gives no more
OVERLAP = 60_000 << 22  # ids of 60 s: messages become visible out of order

# Worth another try later: what the library gives up on, and what Linux raises for a connection that was reset.
PASSING_REST = (OSError, TimeoutError, aiohttp.ClientError, discord.DiscordServerError, discord.RateLimited)

log = structlog.get_logger(__name__)


class CatchUp:
    """Closes the gaps of every listened channel. Not for two tasks at once."""

    def __init__(
        self, database: Database, writer: Writer, *, page_seconds: float, on_commit: Callable[[], None]
    ) -> None:
        self._database = database
        self._writer = writer
        self._page_seconds = page_seconds
        self._on_commit = on_commit
        self._next_page_at: dict[int, float] = {}  # by channel, on the loop's clock

    async def run(self, client: GatewayClient, newest: Mapping[int, int]) -> int:
        """Fetches all that is missing up to the newest message of each channel.

        Returns how many gaps are left for want of a permission or an answer.

        Raises one of PASSING when the database goes away."""
        async with connected(self._database, purpose="catch-up") as connection:
            gaps = await find_gaps(connection, newest)
            metrics.OPEN_GAPS.set(len(gaps))
            left = 0
            for channel_id, missing in groupby(sorted(gaps), key=lambda gap: gap.channel_id):
                # The newest is what a trader waits for.
                left += await self._channel(client, connection, channel_id, list(missing)[::-1])
            metrics.OPEN_GAPS.set(left)
            return left

    async def _channel(
        self, client: GatewayClient, connection: Connection, channel_id: int, gaps: Sequence[Gap]
    ) -> int:
        channel = client.get_channel(channel_id)
        granted = isinstance(channel, discord.abc.GuildChannel | discord.Thread) and can_read_history(channel)
        await set_permission(connection, channel_id, granted=granted)
        if not granted:
            log.warning("history.not_permitted", channel_id=channel_id, needs="View Channel, Read Message History")
            return len(gaps)
        name = f"ingestion:catchup:{channel_id}:{gaps[0].first_id}:{gaps[0].last_id}"
        correlation_id = correlation.of_name(name)
        started = CatchupStarted(channel_id=str(channel_id), gaps=len(gaps))
        await tell(connection, [Event(started, correlation_id)])
        messages = 0
        for done, gap in enumerate(gaps):
            try:
                messages += await self._gap(client, gap)
            except (discord.HTTPException, *PASSING_REST) as error:
                # A 403 or 404 proves nothing about messages: the gap stays.
                reason = f"{type(error).__name__}: {error}"
                log.warning(
                    "history.gap_left", channel_id=channel_id, correlation_id=str(correlation_id), reason=reason
                )
                return len(gaps) - done
        log.info("history.completed", channel_id=channel_id, correlation_id=str(correlation_id), messages=messages)
        completed = CatchupCompleted(channel_id=str(channel_id), messages=messages)
        await tell(connection, [Event(completed, correlation_id)])
        return 0

    async def _gap(self, client: GatewayClient, gap: Gap) -> int:
        """Oldest first. A short page is the last one: everything up to the gap's end, as known before it, is there."""
        covered_up_to = gap.first_id - 1
        after = max(covered_up_to - OVERLAP, 0)
        messages = 0
        while covered_up_to < gap.last_id:
            await self._pace(gap.channel_id)
            page = await client.http.logs_from(gap.channel_id, PAGE, after=after)
            metrics.HISTORY_PAGES.inc()
            channel = client.get_channel(gap.channel_id)
            guild_id = channel.guild.id if isinstance(channel, discord.abc.GuildChannel | discord.Thread) else None
            seen = [observe_message(dict(message), origin="history", guild_id=guild_id) for message in reversed(page)]
            reached = gap.last_id if len(page) < PAGE else max(seen[-1].message_id, covered_up_to)
            covered = Covered(gap.channel_id, covered_up_to, reached)
            started = time.perf_counter()
            written = await self._writer.write(seen, [covered])
            account(seen, written, time.perf_counter() - started)
            self._on_commit()
            covered_up_to, after = reached, seen[-1].message_id if seen else reached
            messages += written.stored
        return messages

    async def _pace(self, channel_id: int) -> None:
        clock = asyncio.get_running_loop().time
        await asyncio.sleep(max(self._next_page_at.get(channel_id, 0) - clock(), 0))
        self._next_page_at[channel_id] = clock() + self._page_seconds


def can_read_history(channel: discord.abc.GuildChannel | discord.Thread) -> bool:
    """Whether an empty page proves that there is nothing: without the permission Discord answers with one as well."""
    permissions = channel.permissions_for(channel.guild.me)
    return permissions.view_channel and permissions.read_message_history
