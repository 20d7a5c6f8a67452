"""A reparse of many stored messages, one plan in 1,000, beside reading the same rows and doing nothing with them.

python -m tests.benchmarks reparse            100,000 messages
MESSAGES=1000000 python -m tests.benchmarks reparse
"""

import os
import resource
import time
from datetime import datetime

from asyncpg import Connection

import parsers
from parsers.reading import Reading
from tests.support.observations import MORNING, snowflake
from tests.support.postgres import embedded_server
from worker import correlation
from worker.db.connection import Database, connected
from worker.db.migrate import migrate
from worker.demo_posts import opening_plan
from worker.ingest.reparse import reparse

MESSAGES = int(os.environ.get("MESSAGES", "100000"))
CHANNEL = 1_300_000_000_000_000_000
PAGE = 2000
COLUMNS = ("message_id", "channel_id", "text", "content", "posted_at", "origin", "parse_state", "correlation_id")
CHAT = (
    "gm all",
    "who is watching the 584 level on SPY today?",
    "took the rejection at 586.49, out at 584.20 for a nice scalp, thanks for the A+ setups this week everyone!",
    "https://example.com/chart/12345 looks like a breakout to me",
    "lol 😂 that candle",
)


async def main() -> None:
    with embedded_server(durable=True) as server:
        database = Database(server.dsn(), server.dsn())
        await migrate(database, budget_seconds=60, lock_timeout_milliseconds=200)
        async with connected(database, purpose="benchmark") as connection:
            await _measure(connection)


async def _measure(connection: Connection) -> None:
    await _fill(connection)
    first = await _reparse(connection, execute=True)  # the plans, which were stored unread
    bare = await _bare(connection)
    again = await _reparse(connection, execute=True)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for name, (seconds, different) in (("first", first), ("again", again)):
        print(
            f"reparse of {MESSAGES:,} messages, {name}: {seconds / bare:.1f} times reading their rows "
            f"({MESSAGES / seconds:,.0f} messages/s, {different:,} read otherwise)"
        )
    print(f"a million messages at that rate: {1e6 / MESSAGES * again[0] / 60:.1f} minutes (goal: under 20)")
    print(f"memory: {memory:.0f} MB")


async def _fill(connection: Connection) -> None:
    await connection.execute("INSERT INTO discord_channels (channel_id) VALUES ($1)", CHANNEL)
    plan = opening_plan(MORNING.date())
    beginning = snowflake(MORNING)
    for start in range(0, MESSAGES, 20_000):
        records = []
        for number in range(start, min(start + 20_000, MESSAGES)):
            text = plan.replace("612.40", f"612.{number % 90 + 10}") if number % 1000 == 0 else CHAT[number % len(CHAT)]
            message_id = beginning + (number << 22)
            records.append(
                (
                    message_id,
                    CHANNEL,
                    text,
                    text,
                    MORNING,
                    "live",
                    "not_a_plan",
                    correlation.of_message(message_id),
                    "{}",
                )
            )
        await connection.copy_records_to_table("discord_messages", records=records, columns=COLUMNS)
    await connection.execute("VACUUM ANALYZE discord_messages")


async def _reparse(connection: Connection, *, execute: bool) -> tuple[float, int]:
    def read(text: str, posted_at: datetime, parser: str | None) -> Reading:
        return parsers.parse(text, posted_at, format=parser)

    started, different = time.perf_counter(), 0
    async for batch in reparse(connection, read, lambda _: None, execute=execute):
        different += len(batch.differences)
    return time.perf_counter() - started, different


async def _bare(connection: Connection) -> float:
    started, last = time.perf_counter(), 0
    while rows := await connection.fetch(
        "SELECT message_id, text, posted_at FROM discord_messages WHERE message_id > $1 ORDER BY message_id LIMIT $2",
        last,
        PAGE,
    ):
        last = rows[-1]["message_id"]
    return time.perf_counter() - started
