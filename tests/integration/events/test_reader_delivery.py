"""What a reader is handed, in what order, from where, and how soon."""

import asyncio
import subprocess
import sys

import pytest

from tests.support.consumers import CHANNEL, OTHER_CHANNEL, end_sessions, reader, standing, take, tell_some
from tests.support.sql import execute, fetch
from tests.support.waiting import LONGEST_SECONDS, until
from worker.db.connection import Database, connected
from worker.events import reader as reader_module
from worker.events.catalogue import BotConnected, Event
from worker.events.outbox import tell
from worker.events.reader import EventReader
from worker.exits import ConfigError

IMPORTED = """
SET worker.import = 'on';
INSERT INTO events (id, channel, event_type, source, correlation_id, data)
SELECT -n, 'bot:lifecycle', 'bot.disconnected', 'legacy_import', gen_random_uuid(), '{"schema": 1}'
FROM generate_series(1, 50) AS n
"""


async def test_every_event_comes_once_and_in_order(migrated_database: Database) -> None:
    told = await tell_some(migrated_database, 1200)
    async with reader(migrated_database, prefetch=500) as events:
        assert await take(events, 1200) == told
        told = await tell_some(migrated_database, 3)
        assert await take(events, 3) == told


async def test_it_goes_on_after_what_was_done(migrated_database: Database) -> None:
    told = await tell_some(migrated_database, 10)
    async with reader(migrated_database) as events:
        assert await take(events, 4) == told[:4]
    # The fourth was in hand when the reading ended: nobody knows whether it was handled.
    async with reader(migrated_database) as events:
        assert await take(events, 7) == told[3:]


async def test_names_read_for_themselves(migrated_database: Database) -> None:
    told = await tell_some(migrated_database, 5)
    async with reader(migrated_database, "desk") as desk, reader(migrated_database, "archive") as archive:
        assert await take(desk, 5) == await take(archive, 5) == told


async def test_an_event_has_its_columns_and_its_class(migrated_database: Database) -> None:
    fact = BotConnected(resumed=True, guilds=3)
    async with connected(migrated_database, purpose="test") as connection:
        correlation_id = await connection.fetchval("SELECT gen_random_uuid()")
        await tell(connection, [Event(fact, correlation_id)])
    [row] = await fetch(migrated_database, "SELECT * FROM events WHERE channel = $1", CHANNEL)
    async with reader(migrated_database) as events:
        event = await anext(events)
    assert event.fact() == fact
    expected = dict(row)
    assert {name: getattr(event, name) for name in expected} == expected
    assert not event.is_replay


async def test_other_channels_are_passed_by(migrated_database: Database) -> None:
    await tell_some(migrated_database, 700, channel=OTHER_CHANNEL)
    first = await tell_some(migrated_database, 1)
    await tell_some(migrated_database, 700, channel=OTHER_CHANNEL)
    second = await tell_some(migrated_database, 1)
    [newest] = await tell_some(migrated_database, 1, channel=OTHER_CHANNEL)
    async with reader(migrated_database, prefetch=100, lease_seconds=0.3) as events:
        assert await take(events, 2) == first + second
        waiting = asyncio.create_task(take(events, 1))

        async def is_passed() -> bool:
            return bool((await standing(migrated_database))["position"] == newest)

        # Else retention would wait for a consumer that nothing is told to.
        await until(is_passed, "the cursor to pass events of other channels")
        third = await tell_some(migrated_database, 1)
        assert await waiting == third


async def test_a_channel_that_nothing_is_told_on_is_an_error() -> None:
    with pytest.raises(ValueError, match="no such channel: parsing:setups; there are bot:lifecycle, "):
        EventReader("desk", channels=["parsing:setup", "parsing:setups"])


async def test_imported_history_is_not_read_unless_asked_for(migrated_database: Database) -> None:
    await execute(migrated_database, IMPORTED)
    told = await tell_some(migrated_database, 2)
    async with reader(migrated_database) as events:
        assert await take(events, 2) == told
    async with reader(migrated_database, "archive", start_after=-1_000_000) as events:
        assert await take(events, 52) == [*range(-50, 0), *told]


async def test_a_new_name_can_begin_after_the_newest(migrated_database: Database) -> None:
    await execute(migrated_database, IMPORTED)
    await tell_some(migrated_database, 2)
    async with reader(migrated_database, start_after=None) as events:
        told = await tell_some(migrated_database, 1)
        assert await take(events, 1) == told
        async with events.transaction():
            pass
    # Where it stands counts, once it is known.
    told = await tell_some(migrated_database, 1)
    async with reader(migrated_database, start_after=None) as events:
        assert await take(events, 1) == told


async def test_a_notification_wakes_it(migrated_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "POLL_SECONDS", 10 * LONGEST_SECONDS)
    async with reader(migrated_database) as events:
        # A listener looks by itself once, when it begins.
        for _ in range(3):
            waiting = asyncio.create_task(take(events, 1))
            told = await tell_some(migrated_database, 1, notify=True)
            assert await waiting == told
        # One that dies is replaced, and what came meanwhile is looked for.
        waiting = asyncio.create_task(take(events, 1))
        assert await end_sessions(migrated_database, "listener:desk") == 1
        told = await tell_some(migrated_database, 1, notify=True)
        assert await waiting == told


async def test_it_looks_by_itself_where_nobody_notifies(migrated_database: Database) -> None:
    async with reader(migrated_database) as events:
        first = asyncio.create_task(take(events, 1))
        await asyncio.sleep(0)
        told = await tell_some(migrated_database, 1)
        assert await first == told


async def test_a_lost_connection_is_made_anew(migrated_database: Database) -> None:
    told = await tell_some(migrated_database, 2000)
    taken: list[int] = []
    async with reader(migrated_database, prefetch=100) as events, asyncio.timeout(LONGEST_SECONDS):
        async for event in events:
            taken.append(event.id)
            if event.id % 400 == 0:
                await end_sessions(migrated_database, "reader:desk")
            if event.id == told[-1]:
                break
    assert taken == told


async def test_without_the_schema_it_says_what_to_do(empty_database: Database) -> None:
    with pytest.raises(ConfigError, match="python -m worker migrate"):
        async with reader(empty_database):
            pass


def test_a_program_that_reads_needs_nothing_of_discord() -> None:
    script = "import sys, worker.events.reader; print([name for name in sys.modules if name.startswith('discord')])"
    ended = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert ended.stdout == "[]\n"
