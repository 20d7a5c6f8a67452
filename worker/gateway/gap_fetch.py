"""Fetches the gaps of one channel, page after page."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import discord
import structlog

from worker import correlation, metrics
from worker.db.shared_session import SharedSession
from worker.events.catalogue import CatchupCompleted, CatchupStarted, Event, Fact
from worker.events.outbox import tell
from worker.failpoints import reach
from worker.gateway.client import GatewayClient
from worker.gateway.described import AnyChannel, can_read_history
from worker.gateway.rest import PAGE, Rest, SessionEndedError
from worker.ingest.channels import set_permission
from worker.ingest.coverage import Gap, find_gaps
from worker.ingest.observation import Covered
from worker.ingest.queue import account
from worker.ingest.writers import Writers

OVERLAP = 60_000 << 22  # ids of 60 s: messages become visible out of order
PROGRESS_SECONDS = 10.0  # between two lines of the log about one channel

log = structlog.get_logger(__name__)


class NotPermittedError(Exception):
    """The bot may not read the channel's history, so that an empty page would prove nothing."""


class OutOfSightError(Exception):
    """Discord tells nothing of the channel at present: its guild has an outage, or it is gone."""


class ContradictedError(Exception):
    """Discord says two things of one message, as when a permission changes between two requests."""


@dataclass(frozen=True, slots=True)
class Means:
    """What fetching needs; `client` gives the client that is connected, if any."""

    session: SharedSession
    writers: Writers
    rest: Rest
    client: Callable[[], GatewayClient | None]
    epoch: int
    on_commit: Callable[[], None]

    def connected_client(self) -> GatewayClient:
        if (client := self.client()) is None:
            raise SessionEndedError("Discord is not connected")
        return client

    def readable_channel(self, channel_id: int) -> AnyChannel:
        """The channel whose permissions hold for a channel, as the gateway told of it.

        Raises NotPermittedError and OutOfSightError."""
        channel = self.connected_client().permitting_channel(channel_id)
        if channel is None or channel.guild.unavailable:
            raise OutOfSightError
        if not can_read_history(channel):
            raise NotPermittedError
        return channel

    async def tell(self, fact: Fact, name: str) -> None:
        async with self.session.use() as connection:
            await tell(connection, [Event(fact, correlation.of_name(name))], epoch=self.epoch)
        self.on_commit()


class GapFetch:
    """The gaps of one channel up to its newest message; `newest` is asked before every page."""

    def __init__(self, means: Means, channel_id: int, newest: Callable[[], int]) -> None:
        self._means = means
        self._channel_id = channel_id
        self._newest = newest
        self._gap: Gap | None = None
        self._after = 0  # where the next page of the gap begins
        self._messages = 0
        self._told_as: str | None = None  # the name of a beginning that was told, and of no end yet
        self._said_at = 0.0
        self._is_granted = False

    async def run(self) -> None:
        """Until there are none, the newest gap first: it is what a trader waits for. What fails goes on at the next
        call.

        Raises NotPermittedError, OutOfSightError, ContradictedError, what Rest and the writer raise, and
        LeaseLostError."""
        means = self._means
        await self._check_permission()
        gaps = await self._gaps()
        if gaps and self._told_as is None:
            name = f"ingestion:catchup:{self._channel_id}:{gaps[0].first_id}:{gaps[0].last_id}"
            await means.tell(CatchupStarted(channel_id=str(self._channel_id), gaps=len(gaps)), name)
            self._told_as, self._messages = name, 0
        began, ids = time.monotonic(), _length(gaps)
        while gaps:
            await self._page(gaps[0])
            gaps = await self._gaps()
            self._say_progress(began, ids, _length(gaps))
        if self._told_as is not None:
            log.info("history.completed", channel_id=self._channel_id, messages=self._messages)
            await means.tell(CatchupCompleted(channel_id=str(self._channel_id), messages=self._messages), self._told_as)
            self._told_as = None

    async def _gaps(self) -> list[Gap]:
        async with self._means.session.use() as connection:
            return await find_gaps(connection, {self._channel_id: self._newest()})

    async def _page(self, gap: Gap) -> None:
        """Oldest first. A short page is the last one: everything up to the gap's end, as known before it, is there."""
        means = self._means
        client = means.connected_client()
        if not self._goes_on(gap):
            self._after = gap.first_id - 1 - OVERLAP
        guild_id = await self._check_permission()
        page = await means.rest.messages(client, self._channel_id, after=max(self._after, 0))
        metrics.HISTORY_PAGES.inc()
        reach("history.page_received")
        if not page:
            await self._prove_empty(client, gap)
        seen = [client.observe(message, origin="history", guild_id=guild_id) for message in page]
        reached = gap.last_id if len(page) < PAGE else min(max(seen[-1].message_id, gap.first_id - 1), gap.last_id)
        covered = Covered(self._channel_id, max(gap.first_id - 1, self._after), reached)
        started = time.perf_counter()
        written = await means.writers.write(seen, [covered])
        reach("history.page_written")
        account(seen, written, time.perf_counter() - started)
        means.on_commit()
        self._gap, self._after = gap, seen[-1].message_id if seen else reached
        self._messages += written.stored

    def _goes_on(self, gap: Gap) -> bool:
        """Whether the next page follows the last one. While pages lie within the overlap the gap stays the same."""
        last = self._gap
        is_same = last is not None and last.last_id == gap.last_id > self._after
        return last is not None and is_same and gap.first_id in (last.first_id, self._after + 1)

    async def _check_permission(self) -> int:
        """Returns the id of the channel's guild."""
        try:
            channel = self._means.readable_channel(self._channel_id)
        except NotPermittedError:
            await self._keep_permission(granted=False)
            raise
        if not self._is_granted:
            await self._keep_permission(granted=True)
        return channel.guild.id

    async def _keep_permission(self, *, granted: bool) -> None:
        self._is_granted = granted
        async with self._means.session.use() as connection:
            await set_permission(connection, self._channel_id, granted=granted, epoch=self._means.epoch)

    async def _prove_empty(self, client: GatewayClient, gap: Gap) -> None:
        """Without the permission Discord answers with an empty page, and what the gateway told of it may be stale.

        A single message is refused without it, whether it is there or not."""
        try:
            there = await self._means.rest.message(client, self._channel_id, gap.last_id)
        except discord.Forbidden:
            await self._keep_permission(granted=False)
            raise NotPermittedError from None
        if there is not None:
            raise ContradictedError(f"the message {gap.last_id} is there, and was not on the page")

    def _say_progress(self, began: float, ids: int, left: int) -> None:
        now = time.monotonic()
        if now - max(self._said_at, began) < PROGRESS_SECONDS or not left:
            return
        self._said_at = now
        done = max(1 - left / ids, 1e-9)
        log.info(
            "history.progress",
            channel_id=self._channel_id,
            messages=self._messages,
            percent=round(done * 100, 1),
            seconds_left=round((now - began) * (1 - done) / done),
        )


def _length(gaps: list[Gap]) -> int:
    return sum(gap.last_id + 1 - gap.first_id for gap in gaps)
