"""What catching up costs a worker on a durable server: a long history (of HISTORY_MESSAGES), many channels side by
side, and live messages meanwhile."""

import asyncio
import itertools
import json
import os
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import asyncpg
from asyncpg import Connection

from tests.support.postgres import embedded_server
from tests.support.quantile import quantile
from tests.support.waiting import until
from tests.support.worker_process import WorkerProcess, settings_for, worker_process
from worker.db.connection import Database, connected
from worker.gateway.pacing import REQUESTS_PER_SECOND
from worker.sandbox import Channel, Sandbox

HISTORY_MESSAGES = int(os.environ.get("HISTORY_MESSAGES", "100000"))
HISTORY_CHANNELS = 50  # Discord answers a page a second of each
TENTHS = 10
SIDE_BY_SIDE, PAGES_OF_EACH, PAGE = 50, 20, 100
LIVE_PER_SECOND, LIVE_MESSAGES = 50, 1000
MANY = 200_000  # messages that the worker is busy with while others come live
LONGEST_SECONDS = 1800.0
TEXT = "watching SPY here, {} looks heavy; I would rather wait than chase it"

STORED = "SELECT count(*) FROM discord_messages"

_EVENTS = """
SELECT id, (data->>'message_id')::bigint AS message_id FROM events
 WHERE id > $1 AND event_type = 'discord.message.stored' AND data->>'origin' = 'live' ORDER BY id
"""


async def main() -> None:
    await _on_a_database(report_history)
    await _on_a_database(report_side_by_side)
    await _on_a_database(report_live)


async def _on_a_database(report: Callable[[Database, Sandbox], Awaitable[None]]) -> None:
    with embedded_server(durable=True) as server:
        async with Sandbox(token="sandbox-token") as sandbox:
            await report(Database(server.dsn(), server.dsn()), sandbox)


@asynccontextmanager
async def _at_work(
    database: Database, sandbox: Sandbox, channels: list[Channel], **more: str
) -> AsyncIterator[tuple[WorkerProcess, Connection]]:
    listened = ",".join(str(channel.id) for channel in channels)
    env = settings_for(sandbox, DATABASE_URL=database.dsn, DISCORD_CHANNELS=listened, LOG_LEVEL="WARNING", **more)
    async with worker_process("run", env=env) as worker:
        await sandbox.connected()
        async with connected(database, purpose="benchmark") as connection:
            await _at_least(connection, len(channels), "SELECT count(*) FROM discord_channels WHERE kind = 'text'")
            yield worker, connection


def _channels(sandbox: Sandbox, number: int, messages: int) -> list[Channel]:
    guild = sandbox.add_guild("Traders")
    channels = [guild.add_channel(f"channel-{place}") for place in range(number)]
    for channel in channels:
        sandbox.seed(channel, messages, text=TEXT.format)
    return channels


async def _ask_for_everything(connection: Connection, channels: list[Channel]) -> None:
    ids = [channel.id for channel in channels]
    await connection.execute("UPDATE discord_channels SET history_from = '2015-01-01Z' WHERE channel_id = ANY($1)", ids)


async def _at_least(connection: Connection, number: int, query: str) -> None:
    async def is_there() -> bool:
        return bool(await connection.fetchval(query) >= number)

    await until(is_there, f"{number} at least: {query}", seconds=LONGEST_SECONDS)


async def report_history(database: Database, sandbox: Sandbox) -> None:
    """Pages are not held back for a channel, only in all, so that what is measured is the worker."""
    channels = _channels(sandbox, HISTORY_CHANNELS, HISTORY_MESSAGES // HISTORY_CHANNELS)
    async with _at_work(database, sandbox, channels, HISTORY_PAGE_SECONDS="0") as (worker, connection):
        idle = _megabytes(worker)
        await _ask_for_everything(connection, channels)
        reached: list[tuple[float, float]] = []
        while len(reached) <= TENTHS:
            stored = await connection.fetchval(STORED)
            if stored and not reached:
                reached.append((time.perf_counter(), _megabytes(worker)))
            while len(reached) <= TENTHS and stored >= HISTORY_MESSAGES * len(reached) // TENTHS:
                reached.append((time.perf_counter(), _megabytes(worker)))
            await asyncio.sleep(0.1)
        peak = _peak_megabytes(worker)
    times = [end - begin for (begin, _), (end, _) in itertools.pairwise(reached)]
    half = len(times) // 2
    print(
        f"{HISTORY_MESSAGES:,} messages of history: the second half took {sum(times[-half:]) / sum(times[:half]):.2f} "
        f"times the first ({HISTORY_MESSAGES / (reached[-1][0] - reached[0][0]):.0f} messages/s; goal: about 1)"
    )
    print(
        f"memory: at most {peak / idle:.2f} times the idle worker ({peak:.0f} MB against {idle:.0f} MB; goal: 200 MB), "
        f"after each tenth {', '.join(f'{megabytes:.0f}' for _, megabytes in reached[1:])}"
    )


def _megabytes(worker: WorkerProcess) -> float:
    return _status(worker, "VmRSS:")


def _peak_megabytes(worker: WorkerProcess) -> float:
    return _status(worker, "VmHWM:")


def _status(worker: WorkerProcess, name: str) -> float:
    lines = Path(f"/proc/{worker.process.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1000


async def report_side_by_side(database: Database, sandbox: Sandbox) -> None:
    """With every setting as it is by default; beside it, how fast the sandbox answers one who does not wait."""
    channels = _channels(sandbox, SIDE_BY_SIDE, PAGES_OF_EACH * PAGE)
    bare = await _pages_per_second(sandbox, channels)
    asked = len(sandbox.requests)
    async with _at_work(database, sandbox, channels) as (_, connection):
        await _ask_for_everything(connection, channels)
        await _at_least(connection, SIDE_BY_SIDE * PAGES_OF_EACH * PAGE, STORED)
    requests = sorted(sandbox.requests[asked:], key=lambda one: one.at)
    pages = [one for one in requests if one.path.endswith("/messages")]
    first, last = pages[len(pages) // 10].at, pages[len(pages) * 9 // 10].at  # while every channel has pages left
    seconds = (last - first).total_seconds()
    rate, page_rate = (sum(first < one.at <= last for one in ones) / seconds for ones in (requests, pages))
    refused = sum(one.status == 429 for one in requests) / len(requests)
    print(
        f"{SIDE_BY_SIDE} channels side by side: {rate:.1f} requests/s of the {REQUESTS_PER_SECOND} that the worker "
        f"allows itself, {page_rate:.1f} of them for pages and the others for archived threads; the sandbox answers "
        f"{bare:.0f} pages/s to a bare client; {refused:.2%} of {len(requests)} answered by 429 (goal: under 1 %)"
    )


async def _pages_per_second(sandbox: Sandbox, channels: list[Channel]) -> float:
    """One request after the other, within what a sandbox allows in a second."""
    async with aiohttp.ClientSession(headers={"Authorization": "Bot sandbox-token"}) as session:
        began, number = time.perf_counter(), 0
        for channel in channels[:40]:
            async with session.get(f"{sandbox.api_url}/channels/{channel.id}/messages?limit={PAGE}&after=0") as answer:
                number += len(await answer.json()) == PAGE
        return number / (time.perf_counter() - began)


async def report_live(database: Database, sandbox: Sandbox) -> None:
    """From the sandbox sending the frame to a reader, who polls without a rest, finding the committed event."""
    quiet, busy = _channels(sandbox, 2, MANY)
    async with _at_work(database, sandbox, [quiet, busy]) as (_, connection):
        await _report_latency(database, sandbox, quiet, "alone")
        await _ask_for_everything(connection, [busy])
        await _at_least(connection, PAGE, STORED)
        await _report_latency(database, sandbox, quiet, "while history is fetched")
        stored = await connection.fetchval("SELECT count(*) FROM discord_messages WHERE channel_id = $1", busy.id)
        assert stored < MANY, "history was over before the live messages were"


async def _report_latency(database: Database, sandbox: Sandbox, channel: Channel, when: str) -> None:
    sent: dict[int, float] = {}
    taken: list[float] = []
    bare: deque[float] = deque()
    async with connected(database, purpose="benchmark") as connection:
        position = await connection.fetchval("SELECT coalesce(max(id), 0) FROM events")
        # The bare insert goes on at its own pace beside it, on the same disk at the same time.
        inserting = asyncio.create_task(_insert(database, bare))
        posting = asyncio.create_task(_post(sandbox, channel, sent))
        while len(taken) < LIVE_MESSAGES:
            for row in await connection.fetch(_EVENTS, position):
                position = row["id"]
                if row["message_id"] in sent:
                    taken.append(time.perf_counter() - sent[row["message_id"]])
            await asyncio.sleep(0.001)
        await posting
        inserting.cancel()
    for name, part in (("p50", 0.5), ("p99", 0.99)):
        ours, theirs = quantile(taken, part), quantile(bare, part)
        print(
            f"{LIVE_PER_SECOND} live messages a second {when}, frame to committed row and event, {name}: "
            f"{ours / theirs:.1f} times a bare insert and commit ({ours * 1000:.1f} ms against {theirs * 1000:.1f} ms)"
        )


async def _post(sandbox: Sandbox, channel: Channel, sent: dict[int, float]) -> None:
    clock = time.perf_counter
    begin = clock()
    for number in range(LIVE_MESSAGES):
        await asyncio.sleep(max(begin + number / LIVE_PER_SECOND - clock(), 0))
        began = clock()
        sent[sandbox.post(channel, TEXT.format(number)).id] = began


async def _insert(database: Database, bare: deque[float]) -> None:
    connection = await asyncpg.connect(database.dsn)
    try:
        await connection.execute("CREATE TABLE IF NOT EXISTS bare (id bigserial PRIMARY KEY, raw jsonb)")
        raw = json.dumps({"content": "x" * 400, "id": "1" * 18})
        while True:
            began = time.perf_counter()
            await connection.execute("INSERT INTO bare (raw) VALUES ($1::text::jsonb)", raw)
            bare.append(time.perf_counter() - began)
            await asyncio.sleep(1 / LIVE_PER_SECOND)
    finally:
        await connection.close()
