"""Sees that every gap is closed: looks for them when something happened, and fetches all channels side by side.

A page is stored and its coverage moved in one transaction, and what comes next is read from coverage again, so that it
can stop anywhere and go on there."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection

import discord
import structlog

from worker.db.lease import task_group
from worker.failpoints import reach
from worker.faults import named
from worker.gateway.gap_fetch import ContradictedError, GapFetch, Means, NotPermittedError, OutOfSightError
from worker.gateway.look_back import LookBack, Window
from worker.gateway.pacing import BudgetSpentError
from worker.gateway.rest import PASSING_REST, UNKNOWN_CHANNEL, SessionEndedError
from worker.gateway.survey import Newest, Survey, take_newer
from worker.ingest.gaps import account_for_gaps, give_up_gaps
from worker.ingest.verifications import channels_with_messages
from worker.ingest.writer import PASSING
from worker.waiting import happened, jittered
from worker.words import GapReason

FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 0.5, 60.0
# Of a private thread only Discord knows whether the bot may read it, and it counts what it refuses.
LONGEST_REFUSED_SECONDS = 600.0

# What passes by itself, or is decided by Discord for this request only: a 403 or 404 proves nothing about messages.
_RETRIED = (discord.HTTPException, BudgetSpentError, ContradictedError, SessionEndedError, *PASSING_REST, *PASSING)

# While connected, threads are told of when they come and when they are archived.
_WITHOUT_ARCHIVED: frozenset[GapReason] = frozenset(("resumed", "queue_full", "discovered", "self_check"))

# Every edit and deletion was told, or will be.
_UNBROKEN: frozenset[GapReason] = frozenset(("resumed", "discovered", "configured", "self_check"))

log = structlog.get_logger(__name__)


class CatchUp:
    """One task looks for gaps, one for threads that were archived, and one for each channel fetches until the channel
    has none."""

    def __init__(self, means: Means, survey: Survey, *, window: Window, drained: Callable[[], Awaitable[None]]) -> None:
        """`drained` returns once all that was received before is committed; earlier it would look like a gap."""
        self._window = window
        self._looks_back = False
        self._due: set[int] = set()  # channels whose newest part is to be read again
        self._means = means
        self._survey = survey
        self._drained = drained
        self._newest: Newest = {}
        self._channels: dict[int, asyncio.Task[None]] = {}
        self._fetches: dict[int, GapFetch] = {}  # they remember what they have told
        self._again: set[int] = set()  # channels that a look found something for since they were begun last
        self._reasons: list[GapReason] = []
        self._wanted = asyncio.Event()
        self._changed = asyncio.Event()
        self._archived_reason: GapReason = "start"
        self._archived_wanted = asyncio.Event()

    def want(self, reason: GapReason) -> None:
        """Gaps are to be looked for, and what waits to be tried again is tried at once."""
        self._reasons.append(reason)
        self._wanted.set()
        self._changed.set()
        self._changed = asyncio.Event()

    def look_back(self) -> None:
        """The newest part of every channel is to be read again, for edits and deletions that nobody was told of."""
        self._looks_back = True
        self.want("self_check")

    async def run(self) -> None:
        """For ever. Raises LeaseLostError."""
        async with task_group() as group:
            group.create_task(self._look_for_archived(group))
            while True:
                await self._wanted.wait()
                self._wanted.clear()
                await self._look(group)

    async def _look(self, group: asyncio.TaskGroup) -> None:
        if (client := self._means.client()) is None:
            return
        reasons, self._reasons = self._reasons, []
        # What else happened while nobody was connected comes of that.
        reason = next((one for one in reasons if one in ("start", "reconnected")), reasons[0])
        looks_back, self._looks_back = self._looks_back or not _UNBROKEN.issuperset(reasons), False
        try:
            gaps = await self._account(self._newest | await self._survey.look(client), reason)
            if looks_back:
                async with self._means.session.use() as connection:
                    stored = await channels_with_messages(connection, not_before=self._window.first_id)
                take_newer(self._newest, stored)
                self._due.update(stored)
        except _RETRIED as error:
            log.warning("history.look_failed", reason=named(error))
            self._looks_back |= looks_back
            loop = asyncio.get_running_loop()
            for one in reasons:
                loop.call_later(FIRST_RETRY_SECONDS * random.uniform(1, 3), self.want, one)  # noqa: S311
            return
        self._begin(gaps | self._due, reason, group)
        if not _WITHOUT_ARCHIVED.issuperset(reasons):
            self._archived_reason = reason
            self._archived_wanted.set()

    async def _look_for_archived(self, group: asyncio.TaskGroup) -> None:
        """For ever: Discord may not list the threads of some channel for long, which keeps up nothing else."""
        delay = FIRST_RETRY_SECONDS
        while True:
            await self._archived_wanted.wait()
            self._archived_wanted.clear()
            if await self._look_at_archived(group):
                delay = FIRST_RETRY_SECONDS
                continue
            if not await happened(self._archived_wanted, jittered(delay)):
                delay = min(delay * 2, LONGEST_RETRY_SECONDS)
            self._archived_wanted.set()

    async def _look_at_archived(self, group: asyncio.TaskGroup) -> bool:
        """False: it is to be tried again."""
        if (client := self._means.client()) is None:
            return False
        is_whole = True
        for channel in self._survey.with_threads(client):
            try:
                found = await self._survey.look_at_archived(client, channel)
                self._begin(await self._account(found.newest, self._archived_reason), self._archived_reason, group)
                await self._survey.accounted(found)
            except _RETRIED as error:
                log.warning("history.threads_not_listed", channel_id=channel.id, reason=named(error))
                is_whole = False
            if client.is_closed():
                return False
        return is_whole

    async def _account(self, newest: Newest, reason: GapReason) -> set[int]:
        """Opens and closes the gaps of channels; returns those that have any."""
        # The library knows of a message one turn of the loop before its handler has queued it.
        await asyncio.sleep(0)
        await self._drained()
        take_newer(self._newest, newest)
        async with self._means.session.use() as connection:
            upto = {channel_id: self._newest[channel_id] for channel_id in newest}
            gaps = await account_for_gaps(connection, upto, reason, self._means.epoch)
            reach("history.gaps_accounted")
        self._means.on_commit()
        return set(gaps)

    def _begin(self, channel_ids: Collection[int], reason: GapReason, group: asyncio.TaskGroup) -> None:
        for channel_id in channel_ids:
            self._again.add(channel_id)
            task = self._channels.get(channel_id)
            if task is None or task.done():
                self._channels[channel_id] = group.create_task(self._close_gaps(channel_id, reason))

    async def _close_gaps(self, channel_id: int, reason: GapReason) -> None:
        """Until the channel has no gap, or none that may be read; then its newest part is read again if that is due."""
        fetch = self._fetches.setdefault(
            channel_id, GapFetch(self._means, channel_id, lambda: self._newest[channel_id])
        )
        delay = FIRST_RETRY_SECONDS
        while True:
            changed = self._changed
            self._again.discard(channel_id)
            try:
                await self._close_unless_gone(fetch, channel_id, reason)
            except NotPermittedError:
                log.warning("history.not_permitted", channel_id=channel_id, needs="View Channel, Read Message History")
            except OutOfSightError:
                log.warning("history.out_of_sight", channel_id=channel_id)
            except _RETRIED as error:
                log.warning("history.interrupted", channel_id=channel_id, reason=named(error))
                if not await happened(changed, jittered(delay)):
                    is_refused = isinstance(error, discord.Forbidden)
                    delay = min(delay * 2, LONGEST_REFUSED_SECONDS if is_refused else LONGEST_RETRY_SECONDS)
                continue
            if channel_id not in self._again:
                return

    async def _close_unless_gone(self, fetch: GapFetch, channel_id: int, reason: GapReason) -> None:
        """Nothing else tells of a thread that was deleted while nobody was connected."""
        try:
            await self._close_once(fetch, channel_id, reason)
        except discord.NotFound as error:
            if error.code != UNKNOWN_CHANNEL:
                raise
            self._due.discard(channel_id)
            async with self._means.session.use() as connection:
                await give_up_gaps(connection, [channel_id], self._means.epoch)
            self._means.on_commit()

    async def _close_once(self, fetch: GapFetch, channel_id: int, reason: GapReason) -> None:
        await fetch.run()
        async with self._means.session.use() as connection:
            await account_for_gaps(connection, {channel_id: self._newest[channel_id]}, reason, self._means.epoch)
        self._means.on_commit()
        if channel_id in self._due:
            await self._look_back_at(channel_id)

    async def _look_back_at(self, channel_id: int) -> None:
        """It can be asked for again meanwhile, for what this time is not found because it was read already."""
        self._due.discard(channel_id)
        is_settled = False
        try:
            is_settled = await LookBack(self._means, channel_id, self._window).run()
        finally:
            if not is_settled:
                self._due.add(channel_id)
        if not is_settled:
            asyncio.get_running_loop().call_later(self._window.settled_seconds, self.want, "self_check")
