"""Nothing skipped, doubled or out of order: many writers, many readers, kills; and the writer that stops."""

import asyncio
import random
import signal
import sys
from asyncio.subprocess import DEVNULL

import pytest

from tests.support import event_order
from tests.support.alembic import ROOT
from tests.support.sql import execute, fetch
from tests.support.stopped_writer import PURPOSE
from tests.support.waiting import until
from worker.db.connection import Database
from worker.db.schema import EVENTS_TRIGGER

EVENTS = 20_000
HELD_UP_SECONDS = 3  # the longest that a stopped writer may hold up the others

STOPPED = f"""
SELECT FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'discord-plan-worker:{PURPOSE}'
  AND state = 'idle in transaction' AND query LIKE '%INSERT INTO events%'
"""

# On the server's own clock: from the arrival of the statement to the row, which waits for the lock.
TELL_AND_SAY_HOW_LONG_IT_TOOK = """
INSERT INTO events (channel, event_type, source, correlation_id, data)
VALUES ('bot:lifecycle', 'bot.disconnected', 'worker', gen_random_uuid(), '{"schema": 1}')
RETURNING clock_timestamp() - statement_timestamp() AS held_up
"""


@pytest.mark.timeout(600)
async def test_every_reader_takes_every_event_once_and_in_order(migrated_database: Database) -> None:
    seed = random.randrange(1 << 32)
    verdict = await event_order.run(migrated_database, events=EVENTS, seed=seed)
    assert verdict.events >= EVENTS
    assert (verdict.skipped, verdict.doubled, verdict.out_of_order) == (0, 0, 0), f"seed {seed}: {verdict}"


@pytest.mark.timeout(600)
async def test_without_the_trigger_events_are_skipped(migrated_database: Database) -> None:
    """That the test above can fail."""
    await execute(migrated_database, f"DROP TRIGGER {EVENTS_TRIGGER} ON events")
    verdict = await event_order.run(migrated_database, events=EVENTS // 10, seed=0, kills=False)
    assert verdict.skipped > 0, verdict


async def test_a_writer_stopped_before_its_commit_holds_the_others_up_for_a_moment(migrated_database: Database) -> None:
    stopped = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.stopped_writer", migrated_database.dsn, cwd=ROOT, stderr=DEVNULL
    )
    try:
        await until(lambda: fetch(migrated_database, STOPPED), "the writer to stop")
        [row] = await fetch(migrated_database, TELL_AND_SAY_HOW_LONG_IT_TOOK)
        assert row["held_up"].total_seconds() < HELD_UP_SECONDS
        stopped.send_signal(signal.SIGCONT)
        assert await stopped.wait() != 0
    finally:
        if stopped.returncode is None:
            stopped.kill()
            await stopped.wait()
    told = await fetch(migrated_database, "SELECT event_type FROM events WHERE channel = 'bot:lifecycle'")
    assert [row["event_type"] for row in told] == ["bot.disconnected"]
