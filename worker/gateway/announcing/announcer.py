"""A consumer of events: has announcements looked at whose plans may have changed, and raises alarms of posts.

It posts nothing. However many events a post brings, its plans are marked once; what is then announced is what is
stored."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import date
from typing import NoReturn

import structlog
from asyncpg import Connection

from worker import metrics
from worker.db.connection import Database
from worker.events.leases import ReaderLeaseLostError
from worker.events.reader import EventReader, StalledError
from worker.events.stored import StoredEvent
from worker.faults import named
from worker.gateway.announcing.alarms import raise_unread
from worker.gateway.announcing.stored_announcement import ANNOUNCED, IS_NEWS
from worker.ingest.writer import PASSING
from worker.waiting import jittered

CONSUMER = "announcer"
BATCH = 200
RETRY_SECONDS = 1.0  # the reader itself waits longer before an event that failed

_ADD = f"""
INSERT INTO announcements (plan_id, channel_id, asked)
SELECT p.id, target.channel_id, 0
{ANNOUNCED}
 WHERE p.message_id = ANY($1::bigint[]) AND target.channel_id IS NOT NULL AND {IS_NEWS}
ON CONFLICT (plan_id) DO NOTHING
"""

_ASK = """
UPDATE announcements a
   SET asked = asked + 1, asked_at = now(), retry_at = NULL
  FROM ticker_plans p
 WHERE p.message_id = ANY($1::bigint[]) AND a.plan_id = p.id AND a.state <> 'deleted'
"""

log = structlog.get_logger(__name__)


class Announcer:
    def __init__(
        self,
        database: Database,
        *,
        lease_seconds: float,
        today: Callable[[], date],
        on_marked: Callable[[], None],
    ) -> None:
        """`on_marked` hears that something may have to be posted."""
        self._database = database
        self._lease_seconds = lease_seconds
        self._today = today
        self._on_marked = on_marked

    async def run(self) -> NoReturn:
        """For ever. A batch that fails comes again one by one, and an event that fails becomes a dead letter."""
        while True:
            try:
                await self._read()
            except (ReaderLeaseLostError, StalledError, *PASSING) as error:
                log.warning("announcer.interrupted", reason=named(error))
            except Exception:
                metrics.ANNOUNCER_FAULTS.inc()
                log.exception("announcer.failed")
            await asyncio.sleep(jittered(RETRY_SECONDS))

    async def _read(self) -> None:
        async with EventReader(
            CONSUMER,
            channels=("parsing:setup",),
            dsn=self._database.direct_dsn,
            lease_seconds=self._lease_seconds,
        ) as events:
            async for batch in events.batches(BATCH):
                async with events.transaction() as connection:
                    await self._take(connection, batch)
                self._on_marked()

    async def _take(self, connection: Connection, batch: Sequence[StoredEvent]) -> None:
        # A setup's events name the message of its plan, and an edit that changes no setup is told as read anew.
        message_ids = sorted({int(event.data["message_id"]) for event in batch})
        await connection.execute(_ADD, message_ids, self._today())
        await connection.execute(_ASK, message_ids)
        await raise_unread(connection, message_ids)
