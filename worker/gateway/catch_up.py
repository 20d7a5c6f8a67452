"""Sees that every gap is closed: looks for them when something happened, and fetches all channels side by side.

A page is stored and its coverage moved in one transaction, and what comes next is read from coverage again, so that it
can stop anywhere and go on there."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import discord
import structlog
from asyncpg import Connection

from worker import metrics
from worker.db.lease import LeaseLostError
from worker.gateway.gap_fetch import GapFetch, Means, NotPermittedError
from worker.gateway.pacing import BudgetSpentError
from worker.gateway.rest import PASSING_REST, SessionEndedError
from worker.gateway.survey import Survey
from worker.ingest.gaps import account_for_gaps, open_gaps
from worker.ingest.writer import PASSING
from worker.words import GapReason

FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 0.5, 60.0

# What passes by itself, or is decided by Discord for this request only: a 403 or 404 proves nothing about messages.
_RETRIED = (discord.HTTPException, BudgetSpentError, SessionEndedError, *PASSING_REST, *PASSING)

log = structlog.get_logger(__name__)


class CatchUp:
    """One task looks for gaps, and one for each channel fetches until the channel has none."""

    def __init__(self, means: Means, survey: Survey, *, drained: Callable[[], Awaitable[None]]) -> None:
        """`drained` returns once all that was received before is committed; earlier it would look like a gap."""
        self._means = means
        self._survey = survey
        self._drained = drained
        self._newest: dict[int, int] = {}
        self._channels: dict[int, asyncio.Task[None]] = {}
        self._reasons: list[GapReason] = []
        self._wanted = asyncio.Event()
        self._changed = asyncio.Event()

    def want(self, reason: GapReason) -> None:
        """Gaps are to be looked for, and what waits to be tried again is tried at once."""
        self._reasons.append(reason)
        self._wanted.set()
        self._changed.set()
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """For ever. Raises LeaseLostError."""
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    await self._wanted.wait()
                    self._wanted.clear()
                    await self._look(group)
        except ExceptionGroup as faults:
            raise (faults.subgroup(LeaseLostError) or faults).exceptions[0] from faults

    async def _look(self, group: asyncio.TaskGroup) -> None:
        if (client := self._means.client()) is None:
            return
        reason, self._reasons = self._reasons[0], []
        try:
            newest = await self._survey.newest_messages(client)
            # The library knows of a message one turn of the loop before its handler has queued it.
            await asyncio.sleep(0)
            await self._drained()
            self._newest |= newest
            async with self._means.session.use() as connection:
                gaps = await account_for_gaps(connection, self._newest, reason, self._means.epoch)
                await _show_open_gaps(connection)
        except _RETRIED as error:
            log.warning("history.look_failed", reason=f"{type(error).__name__}: {error}")
            loop = asyncio.get_running_loop()
            loop.call_later(FIRST_RETRY_SECONDS * random.uniform(1, 3), self.want, reason)  # noqa: S311
            return
        self._means.on_commit()
        for channel_id in gaps:
            task = self._channels.get(channel_id)
            if task is None or task.done():
                self._channels[channel_id] = group.create_task(self._close_gaps(channel_id, reason))

    async def _close_gaps(self, channel_id: int, reason: GapReason) -> None:
        """Until the channel has no gap, or none that may be read."""
        delay = FIRST_RETRY_SECONDS
        while True:
            changed = self._changed
            try:
                await GapFetch(self._means, channel_id, lambda: self._newest[channel_id]).run()
                async with self._means.session.use() as connection:
                    await account_for_gaps(
                        connection, {channel_id: self._newest[channel_id]}, reason, self._means.epoch
                    )
                    await _show_open_gaps(connection)
                self._means.on_commit()
                return
            except NotPermittedError:
                log.warning("history.not_permitted", channel_id=channel_id, needs="View Channel, Read Message History")
                return
            except _RETRIED as error:
                log.warning("history.interrupted", channel_id=channel_id, reason=f"{type(error).__name__}: {error}")
            try:
                async with asyncio.timeout(delay * random.uniform(0.5, 1.5)):  # noqa: S311
                    await changed.wait()
            except TimeoutError:
                delay = min(delay * 2, LONGEST_RETRY_SECONDS)


async def _show_open_gaps(connection: Connection) -> None:
    metrics.OPEN_GAP_SINCE.clear()
    for gap in await open_gaps(connection):
        labels = metrics.OPEN_GAP_SINCE.labels(str(gap.channel_id), str(gap.first_id), str(gap.last_id), gap.reason)
        labels.set(gap.opened_at.timestamp())
