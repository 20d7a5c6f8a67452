"""A commit wakes whoever listens, a crowd of commits a few times, and no dead connection ends that."""

import asyncio
import functools
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from tests.support.waiting import until
from worker.db.connection import Database, connect, connected
from worker.events.wakeup import NOTIFY_CHANNEL, Wakeup


@pytest.fixture
async def wakeup(migrated_database: Database) -> AsyncIterator[Wakeup]:
    wakeup = Wakeup(functools.partial(connect, migrated_database, purpose="wakeup"))
    running = asyncio.create_task(wakeup.run())
    yield wakeup
    assert not running.done()
    running.cancel()
    await asyncio.wait([running])


@pytest.fixture
async def heard(migrated_database: Database) -> AsyncIterator[list[object]]:
    """The payloads of the notifications that a listener gets."""
    payloads: list[object] = []
    async with connected(migrated_database, purpose="listener") as connection:
        await connection.add_listener(NOTIFY_CHANNEL, lambda _, __, ___, payload: payloads.append(payload))
        yield payloads


async def hears(heard: list[object], number: int = 1) -> None:
    async def enough() -> bool:
        return len(heard) >= number

    await until(enough, "a notification")


async def test_a_commit_is_heard_and_says_nothing(wakeup: Wakeup, heard: list[object]) -> None:
    wakeup.committed()
    await hears(heard)
    assert heard == [""]


async def test_a_crowd_of_commits_is_heard_a_few_times(wakeup: Wakeup, heard: list[object]) -> None:
    for _ in range(1000):
        wakeup.committed()
    await hears(heard)
    for _ in range(1000):
        wakeup.committed()
        await asyncio.sleep(0)
    await hears(heard, 2)
    assert len(heard) < 500


async def test_the_last_commit_is_heard_too(wakeup: Wakeup, heard: list[object]) -> None:
    """One that comes while a notification is on its way is not taken for told."""
    for number in range(1, 20):
        wakeup.committed()
        await hears(heard, number)


async def test_it_outlives_its_connection(wakeup: Wakeup, heard: list[object], migrated_database: Database) -> None:
    wakeup.committed()
    await hears(heard)
    async with connected(migrated_database, purpose="test") as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '%:wakeup'"
        )

    async def heard_again() -> bool:
        wakeup.committed()
        return len(heard) > 1

    with capture_logs() as lines:
        await until(heard_again, "a notification on a new connection")
    assert {line["event"] for line in lines} <= {"events.not_notified"}
