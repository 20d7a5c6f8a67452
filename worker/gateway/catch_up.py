"""Closes gaps: fetches over REST what the gateway did not bring, every channel at its own pace.

A page is stored and its coverage moved in one transaction, so that it can stop anywhere and go on there."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import discord
import structlog

from worker import correlation, metrics
from worker.db.connection import Database, connected
from worker.db.lease import begin
from worker.events.catalogue import CatchupCompleted, CatchupStarted, Event, Fact
from worker.events.outbox import tell
from worker.gateway.client import GatewayClient, observe_message
from worker.gateway.pacing import BudgetSpentError
from worker.gateway.rest import PAGE, PASSING_REST, Rest
from worker.ingest.channels import set_permission
from worker.ingest.coverage import Gap
from worker.ingest.gaps import account_for_gaps
from worker.ingest.observation import Covered
from worker.ingest.queue import account
from worker.ingest.writer import Writer
from worker.words import GapReason

AT_ONCE = 50  # channels that are fetched side by side
OVERLAP = 60_000 << 22  # ids of 60 s: messages become visible out of order

log = structlog.get_logger(__name__)


class CatchUp:
    """Not for two tasks at once."""

    def __init__(
        self, database: Database, writer: Writer, rest: Rest, *, epoch: int, on_commit: Callable[[], None]
    ) -> None:
        self._database = database
        self._writer = writer
        self._writing = asyncio.Lock()
        self._rest = rest
        self._epoch = epoch
        self._on_commit = on_commit
        self._places = asyncio.Semaphore(AT_ONCE)

    async def run(self, client: GatewayClient, newest: Mapping[int, int], reason: GapReason) -> int:
        """Fetches all that is missing up to the newest message of each channel; returns how many gaps are left.

        Raises one of the writer's PASSING when the database goes away, and LeaseLostError."""
        gaps = await self._account(newest, reason)
        metrics.OPEN_GAPS.set(sum(map(len, gaps.values())))
        async with asyncio.TaskGroup() as group:
            for channel_id, missing in gaps.items():
                group.create_task(self._channel(client, channel_id, missing))
        left = sum(map(len, (await self._account({channel: newest[channel] for channel in gaps}, reason)).values()))
        metrics.OPEN_GAPS.set(left)
        return left

    async def _account(self, newest: Mapping[int, int], reason: GapReason) -> dict[int, list[Gap]]:
        async with connected(self._database, purpose="gaps") as connection:
            found = {
                channel_id: await account_for_gaps(connection, channel_id, message_id, reason, self._epoch)
                for channel_id, message_id in newest.items()
            }
        return {channel_id: gaps for channel_id, gaps in found.items() if gaps}

    async def _channel(self, client: GatewayClient, channel_id: int, gaps: Sequence[Gap]) -> None:
        """The newest gap first: it is what a trader waits for."""
        channel = client.get_channel(channel_id)
        granted = isinstance(channel, discord.abc.GuildChannel | discord.Thread) and can_read_history(channel)
        async with self._places, connected(self._database, purpose="catch-up") as connection:
            await set_permission(connection, channel_id, granted=granted)
            if not granted:
                log.warning("history.not_permitted", channel_id=channel_id, needs="View Channel, Read Message History")
                return
            started = CatchupStarted(channel_id=str(channel_id), gaps=len(gaps))
            correlation_id = correlation.of_name(f"ingestion:catchup:{channel_id}:{gaps[0].first_id}:{gaps[0].last_id}")
            await tell(connection, [Event(started, correlation_id)], epoch=self._epoch)
            messages = 0
            for gap in gaps:
                try:
                    messages += await self._gap(client, gap)
                except (discord.HTTPException, BudgetSpentError, *PASSING_REST) as error:
                    # A 403 or 404 proves nothing about messages: the gap stays.
                    why = f"{type(error).__name__}: {error}"
                    log.warning("history.gap_left", correlation_id=str(correlation_id), gap=gap, reason=why)
                    return
            log.info("history.completed", channel_id=channel_id, correlation_id=str(correlation_id), messages=messages)
            completed = CatchupCompleted(channel_id=str(channel_id), messages=messages)
            await tell(connection, [Event(completed, correlation_id)], epoch=self._epoch)

    async def _gap(self, client: GatewayClient, gap: Gap) -> int:
        """Oldest first. A short page is the last one: everything up to the gap's end, as known before it, is there."""
        covered_up_to = gap.first_id - 1
        after = max(covered_up_to - OVERLAP, 0)
        messages = 0
        while covered_up_to < gap.last_id:
            page = await self._rest.messages(client, gap.channel_id, after=after)
            metrics.HISTORY_PAGES.inc()
            guild_id = getattr(getattr(client.get_channel(gap.channel_id), "guild", None), "id", None)
            seen = [observe_message(message, origin="history", guild_id=guild_id) for message in page]
            reached = gap.last_id if len(page) < PAGE else max(seen[-1].message_id, covered_up_to)
            started = time.perf_counter()
            async with self._writing:
                written = await self._writer.write(seen, [Covered(gap.channel_id, covered_up_to, reached)])
            account(seen, written, time.perf_counter() - started)
            self._on_commit()
            covered_up_to, after = reached, seen[-1].message_id if seen else reached
            messages += written.stored
        return messages


def can_read_history(channel: discord.abc.GuildChannel | discord.Thread) -> bool:
    """Whether an empty page proves that there is nothing: without the permission Discord answers with one as well."""
    permissions = channel.permissions_for(channel.guild.me)
    return permissions.view_channel and permissions.read_message_history
