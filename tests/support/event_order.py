"""Many writers that pause before they commit, readers that must see it all, and kills of both, as real processes.

By name, with as many events as you like: python -m tests.support.event_order 1000000 [SEED]
"""

import asyncio
import random
import sys
from asyncio.subprocess import Process
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import asyncpg
import structlog

from tests.support.migrated import migrate_fully
from tests.support.postgres import embedded_server
from tests.support.waiting import until
from worker.db.connection import Database, connect
from worker.events.catalogue import BotDisconnected, Event
from worker.events.outbox import commit_events
from worker.events.reader import EventReader

ROOT = Path(__file__).parents[2]

WRITERS = 32
WRITER_PROCESSES = 4
READERS = 5
KILLS_OF_WRITERS, KILLS_OF_READERS = 4, 8
LONGEST_PAUSE_SECONDS = 0.004  # between insert and COMMIT
EVENTS_A_TRANSACTION = 10
LEASE_SECONDS = 2.0
ENDS_BY_THEMSELVES = 20  # of one process, before that is a failure
LOOK_SECONDS = 0.2
LONGEST_SECONDS = 3600.0  # for any one wait, where there are a million events

EFFECTS = "CREATE TABLE effects (number bigint GENERATED ALWAYS AS IDENTITY, consumer text, event_id bigint)"

_INSERT = """
INSERT INTO events (channel, event_type, source, correlation_id, data)
SELECT 'bot:lifecycle', 'bot.disconnected', 'worker', gen_random_uuid(), '{"schema": 1}' FROM generate_series(1, $1)
"""

_VERDICT = """
WITH taken AS (
  SELECT consumer, event_id, lag(event_id) OVER (PARTITION BY consumer ORDER BY number) AS before FROM effects
)
SELECT (SELECT count(*) FROM events) AS events,
       (SELECT count(*) FROM events, event_consumers AS c
         WHERE NOT EXISTS (SELECT FROM effects AS e WHERE e.consumer = c.name AND e.event_id = events.id)) AS skipped,
       count(*) - count(DISTINCT (consumer, event_id)) AS doubled,
       count(*) FILTER (WHERE event_id < before) AS out_of_order
  FROM taken
"""

_WRITTEN = "SELECT count(*) >= $1 FROM events"

_ALL_READ = """
SELECT count(*) = $1 AND bool_and(position >= (SELECT max(id) FROM events)) FROM event_consumers
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`events` is how many there were; the others count over all readers."""

    events: int
    skipped: int
    doubled: int
    out_of_order: int


async def run(database: Database, *, events: int, seed: int, kills: bool = True) -> Verdict:
    """Writes at least so many events while READERS consumers read them, and compares what each took with what is
    there."""
    chance = random.Random(seed)
    connection = await connect(database, purpose="test")
    try:
        await connection.execute(EFFECTS)
        async with asyncio.TaskGroup() as group:
            writers = [Crew(database, "write", number) for number in range(WRITER_PROCESSES)]
            readers = [Crew(database, "read", number) for number in range(READERS)]
            writing = [group.create_task(crew.keep()) for crew in writers]
            reading = [group.create_task(crew.keep()) for crew in readers]
            turns = [writers] * KILLS_OF_WRITERS + [readers] * KILLS_OF_READERS if kills else []
            chance.shuffle(turns)
            for number, crews in enumerate(turns, 1):
                await _until(connection, _WRITTEN, events * number // (len(turns) + 1))
                chance.choice(crews).kill()
            await _until(connection, _WRITTEN, events)
            await _ended(writing)
            await _until(connection, _ALL_READ, READERS)
            await _ended(reading)
        row = await connection.fetchrow(_VERDICT)
        assert row is not None
        return Verdict(**row)
    finally:
        await connection.close()


async def _ended(crews: "list[asyncio.Task[None]]") -> None:
    for crew in crews:
        crew.cancel()
    await asyncio.wait(crews)


async def _until(connection: asyncpg.Connection, question: str, number: int) -> None:
    async def is_so() -> bool:
        await asyncio.sleep(LOOK_SECONDS)
        return bool(await connection.fetchval(question, number))

    await until(is_so, question, seconds=LONGEST_SECONDS)


class Crew:
    """A process that is started again whenever it ends, as a supervisor would: killed here, or starved of the machine
    for so long that the server ended its transaction."""

    def __init__(self, database: Database, task: str, number: int) -> None:
        self._arguments = ("-m", "tests.support.event_order", task, database.dsn, str(number))
        self._process: Process | None = None
        self._kills = 0

    def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            self._kills += 1

    async def keep(self) -> None:
        for starts in range(1, 1000):
            assert starts <= self._kills + 1 + ENDS_BY_THEMSELVES, f"{self._arguments} ends again and again"
            self._process = await asyncio.create_subprocess_exec(sys.executable, *self._arguments, cwd=ROOT)
            try:
                await self._process.wait()
            except asyncio.CancelledError:
                self._process.kill()
                await self._process.wait()
                raise


async def _write(database: Database) -> None:
    await asyncio.gather(*(_write_on_one(database) for _ in range(WRITERS // WRITER_PROCESSES)))


async def _write_on_one(database: Database) -> None:
    connection = await connect(database, purpose="writer", idle_in_transaction_timeout="2s")
    while True:
        number = random.randint(1, EVENTS_A_TRANSACTION)
        await connection.execute("BEGIN")
        await asyncio.sleep(random.uniform(0, LONGEST_PAUSE_SECONDS))
        if random.random() < 0.3:
            await commit_events(connection, [Event(BotDisconnected(), uuid4()) for _ in range(number)])
            continue
        await connection.execute(_INSERT, number)
        await asyncio.sleep(random.uniform(0, LONGEST_PAUSE_SECONDS))
        await connection.execute(random.choice(["COMMIT"] * 9 + ["ROLLBACK"]))


async def _read(database: Database, number: int) -> None:
    consumer = f"reader-{number}"
    async with EventReader(consumer, dsn=database.dsn, lease_seconds=LEASE_SECONDS, prefetch=200) as events:
        async for batch in events.batches(random.randint(1, 100)):
            async with events.transaction() as connection:
                await connection.execute(
                    "INSERT INTO effects (consumer, event_id) SELECT $1, unnest($2::bigint[])",
                    consumer,
                    [event.id for event in batch],
                )


async def _by_name(events: int, seed: int) -> Verdict:
    with embedded_server() as server:
        database = Database(server.dsn(), server.dsn())
        await migrate_fully(database)
        return await run(database, events=events, seed=seed)


def main(arguments: list[str]) -> None:
    if arguments[0] in ("write", "read"):
        structlog.configure(processors=[structlog.processors.JSONRenderer()], logger_factory=_to_standard_error)
        database = Database(arguments[1], arguments[1])
        asyncio.run(_write(database) if arguments[0] == "write" else _read(database, int(arguments[2])))
        return
    seed = int(arguments[1]) if len(arguments) > 1 else random.randrange(1 << 32)
    verdict = asyncio.run(_by_name(int(arguments[0]), seed))
    sys.stdout.write(f"seed {seed}: {verdict}\n")
    sys.exit(verdict.skipped + verdict.doubled + verdict.out_of_order > 0)


def _to_standard_error(*_: object) -> structlog.PrintLogger:
    return structlog.PrintLogger(sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
