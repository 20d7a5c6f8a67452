"""What reading events costs: from commit to consumer, catching up, and what retention does to writers."""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from uuid import uuid4

import asyncpg
import structlog

from tests.support.postgres import embedded_server
from tests.support.quantile import quantile
from worker.db.connection import Database, connect, connected
from worker.db.migrate import migrate
from worker.events.catalogue import BotConnected, Event
from worker.events.examples import EXAMPLES
from worker.events.outbox import tell
from worker.events.reader import EventReader
from worker.events.retention import remove_old_events
from worker.events.wakeup import Wakeup

ROOT = Path(__file__).resolve().parents[2]
EVENTS_PER_SECOND = 50
LIVE_EVENTS = 1000
WARM_UP = 50  # events that are not counted: plans, caches
STORED_EVENTS = 50_000
ROUNDS = 9
WRITES = 2000  # with and without retention beside them
COLUMNS = "id, channel, event_type, source, correlation_id, data, created_at"

_FILL = """
INSERT INTO events (channel, event_type, source, correlation_id, data, created_at)
SELECT 'parsing:setup', 'setup.created', 'worker', gen_random_uuid(), $1::text::jsonb, now() - make_interval(days => $3)
FROM generate_series(1, $2)
"""
_EXAMPLE = next(fact for fact in EXAMPLES if fact.event_type == "setup.created").model_dump_json()


async def main() -> None:
    with embedded_server(durable=True) as server:
        database = Database(server.dsn(), server.dsn())
        await migrate(database, budget_seconds=60, lock_timeout_milliseconds=200)
        await _report_latency(database)
        await _report_catching_up(database)
        await _report_retention(database)


async def _report_latency(database: Database) -> None:
    """From just before COMMIT is sent to the other process having it, beside a row whose COMMIT notifies by itself."""
    reader = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.benchmarks.events", database.dsn), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert reader.stdout
    assert await reader.stdout.readline() == b"ready\n"
    wakeup = Wakeup(partial(connect, database, purpose="wakeup"))
    waking = asyncio.create_task(wakeup.run())
    told: list[float] = []
    notified: list[float] = []
    async with (
        connected(database, purpose="writer", idle_in_transaction_timeout="2s") as writer,
        connected(database, purpose="notifier") as notifier,
    ):
        await notifier.execute("CREATE TABLE bare (data text)")
        for number in range(WARM_UP + LIVE_EVENTS):
            event = Event(BotConnected(resumed=False, guilds=number), uuid4())
            told.append(time.monotonic())
            await tell(writer, [event])
            wakeup.committed()
            await asyncio.sleep(0.5 / EVENTS_PER_SECOND)
            notified.append(time.monotonic())
            await notifier.execute(f"INSERT INTO bare VALUES ('{number}'); NOTIFY bare")  # noqa: S608
            await asyncio.sleep(0.5 / EVENTS_PER_SECOND)
    heard = json.loads(await reader.stdout.readline())
    await reader.wait()
    waking.cancel()
    ours = _elapsed(told, heard["events"])
    bare = _elapsed(notified, heard["bare"])
    for name, part in (("p50", 0.5), ("p99", 0.99)):
        mine, theirs = quantile(ours, part), quantile(bare, part)
        print(
            f"commit to consumer at {EVENTS_PER_SECOND} events/s, {name}: {mine / theirs:.1f} times a bare LISTEN "
            f"round trip ({mine * 1000:.1f} ms against {theirs * 1000:.1f} ms; goal: p99 under 20 ms)"
        )


def _elapsed(sent: list[float], heard: list[float]) -> list[float]:
    assert len(sent) == len(heard)
    return [after - before for before, after in zip(sent, heard, strict=True)][WARM_UP:]


async def _listen_and_read(dsn: str) -> None:
    """The other process: writes when it had each event and each bare notification, on the system's monotonic clock."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    number = WARM_UP + LIVE_EVENTS
    bare: list[float] = []
    events: list[float] = []
    connection = await asyncpg.connect(dsn)
    await connection.add_listener("bare", lambda *_: bare.append(time.monotonic()))
    async with EventReader("benchmark", dsn=dsn, channels=["bot:lifecycle"]) as reader:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        async for _ in reader:
            events.append(time.monotonic())
            if len(events) == number:
                break
    while len(bare) < number:  # noqa: ASYNC110  its own callback
        await asyncio.sleep(0.01)
    await connection.close()
    print(json.dumps({"events": events, "bare": bare}))


async def _report_catching_up(database: Database) -> None:
    async with connected(database, purpose="benchmark") as connection:
        await connection.execute("TRUNCATE events RESTART IDENTITY")
        await connection.execute(_FILL, _EXAMPLE, STORED_EVENTS, 0)
        await connection.execute("VACUUM ANALYZE events")
    for what, is_decoded in (("as they are", False), ("with their data decoded", True)):
        ratios, ours = [], []
        for number in range(ROUNDS):
            bare = await _rate(partial(_read_by_cursor, database, is_decoded))
            mine = await _rate(partial(_read, database, f"catching-up-{is_decoded}-{number}", is_decoded))
            ratios.append(mine / bare)
            ours.append(mine)
        print(
            f"catching up, events {what}: {statistics.median(ratios):.2f} of a bare cursor's rate over the same rows "
            f"(median of {ROUNDS} pairs, {statistics.median(ours):,.0f} events/s; goal: at least 0.5)"
        )


async def _rate(read: Callable[[], Awaitable[float]]) -> float:
    return STORED_EVENTS / await read()


async def _read_by_cursor(database: Database, is_decoded: bool) -> float:
    """Seconds. The rows as asyncpg gives them: `data` is text."""
    connection = await asyncpg.connect(database.dsn)
    try:
        started, number = time.perf_counter(), 0
        async with connection.transaction():
            async for row in connection.cursor(f"SELECT {COLUMNS} FROM events WHERE id > 0 ORDER BY id", prefetch=500):  # noqa: S608
                if is_decoded:
                    json.loads(row["data"])
                number += 1
        assert number == STORED_EVENTS
        return time.perf_counter() - started
    finally:
        await connection.close()


async def _read(database: Database, consumer: str, is_decoded: bool) -> float:
    """Seconds, acknowledging included."""
    async with EventReader(consumer, dsn=database.dsn) as events:
        started, number = time.perf_counter(), 0
        async for event in events:
            if is_decoded:
                assert event.data
            number += 1
            if number == STORED_EVENTS:
                break
        return time.perf_counter() - started


async def _report_retention(database: Database) -> None:
    async with connected(database, purpose="benchmark") as connection:
        await connection.execute("TRUNCATE events, event_consumers CASCADE")
        await connection.execute(_FILL, _EXAMPLE, STORED_EVENTS, 100)
        alone = await _write(database)
        removing = asyncio.create_task(remove_old_events(connection, days=90))
        beside: list[float] = []
        while not removing.done():
            beside += await _write(database, WRITES // 10)
        assert await removing == STORED_EVENTS
    for name, part in (("p50", 0.5), ("p99", 0.99), ("longest", 1.0)):
        mine, theirs = quantile(beside, part), quantile(alone, part)
        print(
            f"a write beside retention, {name}: {mine / theirs:.1f} times one alone "
            f"({mine * 1000:.1f} ms against {theirs * 1000:.1f} ms; goal: never over 100 ms)"
        )


async def _write(database: Database, number: int = WRITES) -> list[float]:
    taken = []
    async with connected(database, purpose="writer", idle_in_transaction_timeout="2s") as writer:
        for _ in range(number):
            started = time.perf_counter()
            await tell(writer, [Event(BotConnected(resumed=False, guilds=1), uuid4())])
            taken.append(time.perf_counter() - started)
    return taken


if __name__ == "__main__":
    asyncio.run(_listen_and_read(sys.argv[1]))
