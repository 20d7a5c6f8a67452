"""What is taken in is written, in its order, whatever the database does meanwhile; what does not fit is refused."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from typing import cast

import pytest
from asyncpg import Connection
from structlog.typing import EventDict

from tests.support.observations import Room
from tests.support.oracle import expected_messages
from tests.support.sql import execute
from tests.support.stored import assert_sound, stored_messages, told
from tests.support.waiting import until
from worker.db.connection import Database, connected
from worker.db.embedded import EmbeddedServer
from worker.health import Health
from worker.ingest.observation import Covered, Observation
from worker.ingest.queue import BATCH_LIMIT, IngestQueue
from worker.ingest.writer import Writer
from worker.metrics import REGISTRY
from worker.words import Origin

rooms = map(Room, count())


class Running:
    """A queue that is being emptied."""

    def __init__(self, writer: Writer, limit: int) -> None:
        self.health = Health()
        self.commits = 0
        self.queue = IngestQueue(writer, limit=limit, health=self.health, on_commit=self._committed)
        self.task = asyncio.create_task(self.queue.run())

    def _committed(self) -> None:
        self.commits += 1

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])


@pytest.fixture
async def run(new_writer: Callable[[], Writer]) -> AsyncIterator[Callable[..., Running]]:
    started: list[Running] = []

    def start(*, limit: int = 10_000) -> Running:
        started.append(Running(new_writer(), limit))
        return started[-1]

    yield start
    for one in started:
        await one.stop()


@asynccontextmanager
async def away(server: EmbeddedServer, database: Database) -> AsyncIterator[None]:
    """The database throws everybody out and lets nobody in."""
    name = database.dsn.partition("@/")[2].partition("?")[0]
    maintenance = Database(server.dsn(), server.dsn())
    async with connected(maintenance, purpose="test") as connection:
        await connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        sessions = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1"

        async def all_are_gone() -> bool:
            return not await connection.fetch(sessions, name)

        try:
            await until(all_are_gone, "all sessions to end")
            yield
        finally:
            await connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


async def test_everything_is_written_in_its_order(run: Callable[..., Running], connection: Connection) -> None:
    room, running = next(rooms), run()
    observations = [room.posted(place, f"message {place}") for place in range(1, 3 * BATCH_LIMIT)]
    for one in observations:
        assert running.queue.put(one, Covered(room.channel_id, one.message_id - 1, one.message_id))
    assert len(running.queue) == len(observations)
    await running.queue.drained()
    assert len(running.queue) == 0
    assert await stored_messages(connection, room) == expected_messages(observations)
    stored = [int(event.data["message_id"]) for event in await told(connection, room)]
    assert stored == [one.message_id for one in observations]
    assert running.commits < len(observations) / 50
    covered = await connection.fetchval("SELECT covered FROM discord_channels WHERE channel_id = $1", room.channel_id)
    assert len(covered) == len(observations)


async def test_a_lone_message_is_written_at_once(run: Callable[..., Running], connection: Connection) -> None:
    room, running = next(rooms), run()
    for place in range(1, 4):
        running.queue.put(room.posted(place, "hello"))
        await running.queue.drained()
        assert running.commits == place


async def test_full_memory_refuses_and_says_so(
    run: Callable[..., Running], connection: Connection, logged: list[EventDict]
) -> None:
    room, running = next(rooms), run(limit=3)
    dropped = REGISTRY.get_sample_value("worker_queue_dropped_total") or 0
    assert [running.queue.put(room.posted(place, "hello")) for place in range(1, 6)] == [True, True, True, False, False]
    assert REGISTRY.get_sample_value("worker_queue_dropped_total") == dropped + 2
    assert REGISTRY.get_sample_value("worker_queue_length") == 3
    await running.queue.drained()
    assert running.queue.put(room.posted(4, "hello"))
    await running.queue.drained()
    assert sorted(await stored_messages(connection, room)) == [room.message_id(place) for place in range(1, 5)]
    assert [line["event"] for line in logged if line["log_level"] == "error"] == ["ingest.queue_full"] * 2
    assert REGISTRY.get_sample_value("worker_queue_length") == 0


async def test_while_the_database_is_away_everything_waits(
    run: Callable[..., Running], postgres: EmbeddedServer, migrated_database: Database
) -> None:
    room, running = next(rooms), run()
    running.queue.put(room.posted(1, "before"))
    await running.queue.drained()
    observations = [room.posted(place, "meanwhile") for place in range(2, 50)] + [room.deleted(3)]
    async with away(postgres, migrated_database):
        for one in observations:
            assert running.queue.put(one)

        async def said() -> bool:
            return "database" in running.health.waiting

        await until(said, "the queue to say that it waits")
        assert running.health.waiting["database"].startswith("writing failed: the database ")
        assert len(running.queue) == len(observations)
    await running.queue.drained()
    assert running.health.waiting == {}
    async with connected(migrated_database, purpose="test") as connection:
        messages = expected_messages([room.posted(1, "before"), *observations])
        assert await stored_messages(connection, room) == messages
        await assert_sound(connection, room)
        assert len(await told(connection, room)) == 50


async def test_a_queue_that_is_stopped_and_started_goes_on(
    new_writer: Callable[[], Writer], connection: Connection
) -> None:
    """What is being written when it stops is written again, and told once."""
    room, running = next(rooms), Running(new_writer(), 10_000)
    observations: list[Observation] = []
    for place in range(1, 40):
        observations.append(room.posted(place, "hello"))
        running.queue.put(observations[-1])
        await asyncio.sleep(0)
        if place % 7 == 0:
            await running.stop()
            running.task = asyncio.create_task(running.queue.run())
    await running.queue.drained()
    await running.stop()
    assert await stored_messages(connection, room) == expected_messages(observations)
    await assert_sound(connection, room)


async def test_a_message_that_cannot_be_stored_does_not_stop_the_rest(
    run: Callable[..., Running], connection: Connection, logged: list[EventDict]
) -> None:
    room, running = next(rooms), run()
    bad = replace(room.posted(2, "bad"), origin=cast(Origin, "hearsay"))
    for one in (room.posted(1, "before"), bad, room.posted(3, "after")):
        running.queue.put(one, Covered(room.channel_id, one.message_id - 1, one.message_id))
    await running.queue.drained()
    assert sorted(await stored_messages(connection, room)) == [room.message_id(1), room.message_id(3)]
    assert "ingest.unstorable" in [line["event"] for line in logged]
    # Nothing of the batch is covered, so that history fetches it again.
    covered = await connection.fetchval("SELECT covered FROM discord_channels WHERE channel_id = $1", room.channel_id)
    assert list(covered) == []


async def test_the_canonical_line_has_the_id_that_follows_a_message(
    run: Callable[..., Running], logged: list[EventDict], migrated_database: Database
) -> None:
    room, running = next(rooms), run()
    running.queue.put(room.posted(1, "day plan 2025-05-15\nSPY\nbounce - 580 > 585"))
    await running.queue.drained()
    (line,) = [line for line in logged if line["event"] == "ingest.written"]
    numbers = ("observations", "stored", "edited", "deleted", "plans", "events")
    assert [line[name] for name in numbers] == [1, 1, 0, 0, 1, 3]
    assert line["origin"] == "live"
    await execute(
        migrated_database, "SELECT 1 / count(*) FROM events WHERE correlation_id = $1", line["correlation_id"]
    )
