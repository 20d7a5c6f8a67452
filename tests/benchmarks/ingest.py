"""What storing costs: pages of history against a bare COPY of the same rows, plans alone, and one live message.

The server is durable, as a user's is. The ready rows are copied by the driver, in one transaction, into the same table
with the same indexes and keys. What is measured beside it begins with Discord's payloads and ends with coverage and
events, page by page."""

import asyncio
import functools
import gc
import json
import random
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
from asyncpg import Connection

import parsers
from parsers.reading import Reading
from tests.support.observations import Room
from tests.support.postgres import embedded_server
from tests.support.quantile import quantile
from worker.db.connection import Database, connect, connected
from worker.db.migrate import migrate
from worker.ingest.observation import Covered, Observation
from worker.ingest.writer import Writer
from worker.ingest.writers import Writers

PAIRS = 9
CHANNELS, PAGES_OF_EACH, PAGE = 32, 8, 100  # on a side of a pair; channels are caught up side by side, page after page
ONE_PLAN_IN = 1000
PLANS = 300
LIVE_MESSAGES = 400
POST = (Path(__file__).parents[1] / "data" / "parsers" / "post.txt").read_text("utf-8")
FIRST_DAY = date(2024, 12, 1)  # the year that is nearest to a message's time is taken
CHAT = [
    "good morning everyone",
    "watching SPY here, 580 looks heavy",
    "took some off at 1.20, letting the rest ride into the close 🚀",
    "anyone else seeing the halt on this? volume dried up right after the open and I would rather wait than chase it",
    "https://example.com/chart looks like the same pattern as last week to me, what do you think?",
    "lol",
]
TABLES = ("discord_messages", "ticker_plans", "trade_setups", "parsed_levels", "events")
EMPTY = f"TRUNCATE {', '.join(TABLES)}, setup_revisions, message_revisions RESTART IDENTITY CASCADE"


async def main() -> None:
    async with durable_database() as database, connected(database, purpose="benchmark") as connection:
        await report_pages(database, connection)
        await report_plans(database, connection)
        await report_live(database, connection)


@asynccontextmanager
async def durable_database() -> AsyncIterator[Database]:
    with embedded_server(durable=True) as server:
        database = Database(server.dsn(), server.dsn())
        await migrate(database, budget_seconds=60, lock_timeout_milliseconds=200)
        yield database


def writer_on(database: Database) -> Writer:
    opened = functools.partial(connect, database, purpose="writer", idle_in_transaction_timeout="2s")
    return Writer(opened, read, lambda _: None)


def read(text: str, posted_at: datetime, parser: str | None) -> Reading:
    return parsers.parse(text, posted_at, format=parser)


def history(room: Room, places: Iterable[int], *, one_plan_in: int) -> list[Observation]:
    """Messages as a page of history has them: about 1.6 kB of payload each, mostly short chat."""
    chosen = random.Random(room.number)
    seen = []
    for place in places:
        text = plan(place // one_plan_in) if place % one_plan_in == 0 else chosen.choice(CHAT)
        seen.append(room.posted(place, text, origin="history", **padding(place)))
    # A worker has one page in memory and not thousands of messages for the collector to go through again and again.
    gc.freeze()
    return seen


def plan(number: int) -> str:
    """A plan for a day of its own."""
    header, _, rest = POST.partition("\n")
    day = FIRST_DAY + timedelta(days=number)
    return f"{header.partition(' — ')[0]} — {day:%a %b} {day.day}\n{rest}"


def padding(place: int) -> dict[str, Any]:
    """The rest of what Discord sends with every message."""
    member = {
        "roles": [str(900_000_000_000_000_000 + number) for number in range(12)],
        "joined_at": "2024-01-02T03:04:05",
    }
    people = [
        {"id": str(700_000_000_000_000_000 + place + number), "username": f"trader{number}", "avatar": "a" * 32}
        for number in range(4)
    ]
    reactions = [{"emoji": {"id": None, "name": "🔥"}, "count": number, "me": False} for number in range(1, 4)]
    return {"member": member, "mentions": people, "reactions": reactions, "mention_roles": [], "flags": 0, "tts": False}


async def report_pages(database: Database, connection: Connection) -> None:
    """Both sides keep their sessions, as a worker does for as long as it lives."""
    # Without our codec, so that jsonb goes to and fro as text.
    bare_connection = await asyncpg.connect(database.dsn)
    writers = Writers(lambda: writer_on(database))
    ratios, rates = [], []
    for pair in range(PAIRS):
        channels = [
            history(Room(pair * CHANNELS + channel), places_of(channel), one_plan_in=ONE_PLAN_IN)
            for channel in range(CHANNELS)
        ]
        ours = await seconds(functools.partial(write_channels, writers, channels))
        rows = [tuple(row) for row in await bare_connection.fetch("SELECT * FROM discord_messages")]
        await connection.execute(EMPTY)
        await connection.execute("CHECKPOINT")
        bare = await seconds(functools.partial(copy_rows, bare_connection, rows))
        await connection.execute(EMPTY)
        await connection.execute("CHECKPOINT")
        ratios.append(bare / ours)
        rates.append(len(rows) / ours)
    await bare_connection.close()
    await writers.close()
    print(
        f"history in pages of {PAGE}, one plan in {ONE_PLAN_IN}: {statistics.median(ratios):.2f} of the rate of a raw "
        f"COPY of the same message rows (median of {PAIRS} pairs, {min(ratios):.2f} to {max(ratios):.2f}; "
        f"{statistics.median(rates):.0f} messages/s; goal: at least 0.4)"
    )


def places_of(channel: int) -> Iterable[int]:
    """Of all the places on a side, those of one channel."""
    return range(channel * PAGES_OF_EACH * PAGE + 1, (channel + 1) * PAGES_OF_EACH * PAGE + 1)


async def write_channels(writers: Writers | Writer, channels: Sequence[Sequence[Observation]]) -> None:
    await asyncio.gather(*(write_pages(writers, seen) for seen in channels))


async def write_pages(writers: Writers | Writer, seen: Sequence[Observation]) -> None:
    for start in range(0, len(seen), PAGE):
        page = seen[start : start + PAGE]
        covered = Covered(page[0].channel_id, page[0].message_id - 1, page[-1].message_id)
        written = await writers.write(page, [covered])
        assert written.stored == len(page)


async def copy_rows(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    await connection.copy_records_to_table("discord_messages", records=rows)


async def report_plans(database: Database, connection: Connection) -> None:
    seen = history(Room(1000), range(1, PLANS + 1), one_plan_in=1)
    writer = writer_on(database)
    taken = await seconds(functools.partial(write_pages, writer, seen))
    await writer.close()
    counts = {table: await connection.fetchval(f"SELECT count(*) FROM {table}") for table in TABLES}  # noqa: S608
    rows = sum(counts.values())
    listed = ", ".join(f"{number} {table}" for table, number in counts.items())
    print(f"plans alone: {rows / taken:.0f} rows/s over {listed} ({PLANS / taken:.0f} plans/s)")
    await connection.execute(EMPTY)


async def report_live(database: Database, connection: Connection) -> None:
    """One message a transaction, with its event, beside the same row inserted and committed by the bare driver."""
    writer = writer_on(database)
    seen = history(Room(2000), range(1, LIVE_MESSAGES + 1), one_plan_in=LIVE_MESSAGES + 1)
    await connection.execute("CREATE TABLE bare (LIKE discord_messages INCLUDING ALL)")
    ours, bare = [], []
    for one in seen:
        covered = [Covered(one.channel_id, one.message_id - 1, one.message_id)]
        ours.append(await seconds(functools.partial(writer.write, [one], covered)))
        bare.append(await seconds(functools.partial(insert_bare, connection, one)))
    await writer.close()
    for name, part in (("p50", 0.5), ("p99", 0.99)):
        mine, theirs = quantile(ours, part), quantile(bare, part)
        print(
            f"one live message, {name}: {mine / theirs:.1f} times a bare insert and commit of the same row "
            f"({mine * 1000:.2f} ms against {theirs * 1000:.2f} ms)"
        )


async def insert_bare(connection: Connection, one: Observation) -> None:
    assert one.payload is not None
    await connection.execute(
        """
        INSERT INTO bare (message_id, channel_id, guild_id, author_id, author_name, content, text, raw, posted_at,
                          origin, correlation_id)
        VALUES ($1, $2, $3, $4, $5, $6, $6, $7::text::jsonb, $8, $9, gen_random_uuid())
        """,
        one.message_id,
        one.channel_id,
        one.guild_id,
        int(one.payload["author"]["id"]),
        one.payload["author"]["username"],
        one.payload["content"],
        json.dumps(one.payload),
        one.received_at,
        one.origin,
    )


async def seconds(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began
