"""What an import costs beside COPY: old events, old posts with all that is read in them, and its memory on the way.

Each side writes into tables of the same definitions, with the same indexes and checks, on one server with fsync on and
its settings untouched. The import is the command's own, in its own batches, each with its checkpoint and its rows of
legacy_map; its proof is timed by itself. COPY gets the rows ready-made, in binary and from memory, in one transaction
a table: old events through a temporary staging table, posts as every row that they became in every table, legacy_map
included. There is enough of both that connecting and planning do not count.

EVENTS and POSTS in the environment change how many there are."""

import asyncio
import io
import os
import statistics
import time
from collections.abc import Mapping
from pathlib import Path

from asyncpg import Connection

from tests.support.legacy import CHANNEL_ID, EVENTS, MESSAGES, create, naive, plan_text, posting_time, snowflake
from tests.support.migrated import migrate_fully
from tests.support.postgres import embedded_server
from worker.db.connection import Database, connect, connected
from worker.db.embedded import EmbeddedServer
from worker.legacy.importing import Importing, Work
from worker.legacy.preflight import look_around
from worker.legacy.runs import begin_run
from worker.legacy.sessions import reading_session, writing_session
from worker.settings import Settings

CHANNELS = 5
RUNS = 3  # of what is compared with; the median counts
_FILLED = (
    "discord_channels",
    "discord_messages",
    "ticker_plans",
    "trade_setups",
    "parsed_levels",
    "events",
    "legacy_map",
)

OLD_EVENTS = int(os.environ.get("EVENTS", "1000000"))
POSTS = int(os.environ.get("POSTS", "10000"))

_FILL_EVENTS = """
INSERT INTO old_events (channel, event_type, data, created_at)
SELECT 'parsing:setup', 'setup.created',
       jsonb_build_object('message_id', (1325824946995200000 + n::bigint / 20 * 4194304)::text, 'ticker', 'SPY', 'n', n,
                          'setups', jsonb_build_array(612.40, 610.80, 609.10), 'note', repeat('breakout above ', 12)),
       '2025-01-06 13:55Z'::timestamptz + n * interval '1 second'
  FROM generate_series(1, $1) AS n
"""


async def main() -> None:
    with embedded_server(durable=True) as server:
        await _events(await _fresh(server, "old_events"))
        await _posts(await _fresh(server, "old_posts"), await _fresh(server, "copied_posts"))


async def _fresh(server: EmbeddedServer, name: str) -> Database:
    maintenance = await connect(Database(server.dsn(), server.dsn()), purpose="benchmark")
    await maintenance.execute(f"CREATE DATABASE {name}")
    await maintenance.close()
    database = Database(server.dsn(name), server.dsn(name))
    await migrate_fully(database)
    return database


async def _events(database: Database) -> None:
    connection = await connect(database, purpose="benchmark")
    await create(connection, EVENTS)
    await connection.execute(_FILL_EVENTS, OLD_EVENTS)
    await connection.execute("ANALYZE old_events")
    took, proof, memory = await _import(database)
    copied = await _copy_through_staging(connection)
    _report("old events", OLD_EVENTS, took, "COPY through a staging table into the same indexes", copied, 0.5)
    print(f"    and {proof:.1f} s to prove it; memory in megabytes after each tenth: {', '.join(memory)}")
    await connection.close()


async def _posts(database: Database, beside: Database) -> None:
    connection = await connect(database, purpose="benchmark")
    await create(connection, MESSAGES)
    await connection.copy_records_to_table(
        "old_discord_messages",
        columns=["message_id", "channel_id", "content", "timestamp", "created_at"],
        records=[
            (str(snowflake(at, channel)), str(CHANNEL_ID + channel), plan_text(number), at, naive(at))
            for number in range(POSTS)
            for channel in [number % CHANNELS]
            for at in [posting_time(number // CHANNELS)]
        ],
    )
    took, _, _ = await _import(database)
    copied, rows = await _copy_again(connection, beside)
    _report("posts read again", POSTS, took, f"COPY of the {rows} rows that they become", copied, 0.3)
    await connection.close()


async def _import(database: Database) -> tuple[float, float, list[str]]:
    """Seconds of the import and of its proof, and the memory on the way."""
    memory: list[str] = []
    async with writing_session(database) as writer, reading_session(database, None, writer) as reader:
        settings = Settings()
        preflight = await look_around(reader, {}, settings, is_elsewhere=False, execute=True)
        run = await begin_run(writer, "", preflight.plan, preflight.states, restart=False)
        work = Work(preflight.plan, run)
        importing = Importing(reader, writer, work, asyncio.Event())
        rows = sum(state.rows for state in preflight.states.values())
        watching = asyncio.create_task(_watch(run.tables, rows, memory))
        began = time.perf_counter()
        await importing.bring()
        brought = time.perf_counter()
        watching.cancel()
        found = await importing.prove()
        proved = time.perf_counter()
        assert all(one.holds for one in found.values()), found
    return brought - began, proved - brought, memory


async def _watch(tables: Mapping[str, object], rows: int, memory: list[str]) -> None:
    while True:
        done = sum(getattr(table, "position", 0) for table in tables.values())
        if done * 10 // rows > len(memory):
            memory.append(f"{_resident_megabytes():.0f}")
        await asyncio.sleep(0.05)


def _resident_megabytes() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


async def _copy_through_staging(connection: Connection) -> float:
    """Seconds for the rows as they came to be, into a staging table and from there into one with the same indexes."""
    rows = io.BytesIO()
    await connection.copy_from_query("SELECT * FROM events WHERE id < 0 ORDER BY id", output=rows, format="binary")
    await connection.execute("CREATE TEMPORARY TABLE staging (LIKE events)")
    await connection.execute("CREATE TABLE copied (LIKE events INCLUDING ALL)")
    taken = []
    for _ in range(RUNS):
        await connection.execute("TRUNCATE staging, copied")
        rows.seek(0)
        began = time.perf_counter()
        await connection.copy_to_table("staging", source=rows, format="binary")
        await connection.execute("INSERT INTO copied SELECT * FROM staging")
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


async def _copy_again(connection: Connection, beside: Database) -> tuple[float, int]:
    """Seconds for every row once more, into the same tables of another database; and how many rows these are."""
    files = {}
    for table in _FILLED:
        files[table] = io.BytesIO()
        await connection.copy_from_table(table, output=files[table], format="binary")
    taken = []
    async with connected(beside, purpose="benchmark") as copying:
        for _ in range(RUNS):
            await copying.execute(f"TRUNCATE {', '.join(_FILLED)} CASCADE")
            rows, began = 0, time.perf_counter()
            for table, file in files.items():
                file.seek(0)
                status = await copying.copy_to_table(table, source=file, format="binary")
                rows += int(status.rpartition(" ")[2])
            taken.append(time.perf_counter() - began)
    return statistics.median(taken), rows


def _report(what: str, number: int, seconds: float, beside: str, reference: float, goal: float) -> None:  # noqa: PLR0917
    print(
        f"{what}: {reference / seconds:.2f} (goal: at least {goal}) of the rate of {beside} "
        f"({number / seconds:,.0f}/s against {number / reference:,.0f}/s)",
        flush=True,
    )


if __name__ == "__main__":
    asyncio.run(main())
