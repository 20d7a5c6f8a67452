"""What it costs to start and to keep a worker: `--help`, boot at head, memory when idle, and a live message's way."""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.postgres import embedded_server
from tests.support.quantile import quantile
from tests.support.worker_process import ROOT, WorkerProcess, environment, settings_for, worker_process
from worker.db.connection import Database, connected
from worker.db.migrate import migrate
from worker.events.wakeup import NOTIFY_CHANNEL
from worker.sandbox import Sandbox
from worker.sandbox.world.model import Channel

RUNS = 9
LIVE_MESSAGES = 300

_BOOT = """
import asyncio, time
from worker.settings import load_settings
from worker.db.connection import open_database
from worker.db.migrate import migrate
async def main():
    settings = load_settings()
    async with open_database(settings) as database:
        await migrate(database, budget_seconds=60, lock_timeout_milliseconds=200)
asyncio.run(main())
"""


async def main() -> None:
    bare = _median(lambda: _run("-c", "pass"))
    help_page = _median(lambda: _run("-m", "worker", "--help"))
    _report("--help", help_page, "a bare interpreter", bare, "goal: at most 0.5 s")
    with embedded_server(durable=True) as server:
        database = Database(server.dsn(), server.dsn())
        await migrate(database, budget_seconds=60, lock_timeout_milliseconds=200)
        boot = _median(lambda: _run("-c", _BOOT, DATA_DIRECTORY=str(server.home.parent)))
        imports = _median(lambda: _run("-c", "import asyncpg, pydantic_settings, structlog"))
        _report("boot at head", boot, "importing its libraries alone", imports, "goal: at most 1 s")
        await _live(database)


def _run(*arguments: str, **settings: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, cwd=ROOT, env=environment(**settings), capture_output=True)


def _median(work: Callable[[], None]) -> float:
    """Seconds of the median run."""
    taken = []
    for _ in range(RUNS):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def _report(what: str, seconds: float, beside: str, reference: float, goal: str) -> None:
    print(f"{what}: {seconds / reference:.2f} times {beside} ({seconds:.3f} s against {reference:.3f} s; {goal})")


async def _live(database: Database) -> None:
    async with Sandbox(token="sandbox-token") as sandbox:
        channel = sandbox.add_guild("Traders").add_channel("plans")
        env = settings_for(sandbox, DATABASE_URL=database.dsn, DISCORD_CHANNELS=str(channel.id))
        async with worker_process("run", env=env) as worker:
            await worker.ready()
            _report_memory(worker)
            await _report_latency(database, sandbox, channel)
            await worker.stop()


def _report_memory(worker: WorkerProcess) -> None:
    bare = int(
        subprocess.run(
            [sys.executable, "-c", "import discord, asyncpg; print(open('/proc/self/statm').read().split()[1])"],
            check=True,
            capture_output=True,
        ).stdout
    )
    pages = int(Path(f"/proc/{worker.process.pid}/statm").read_text().split()[1])
    megabytes, ratio = pages * 4096 / 1e6, pages / bare
    print(f"idle worker: {ratio:.2f} times discord.py and asyncpg imported ({megabytes:.0f} MB; goal: at most 150 MB)")


async def _report_latency(database: Database, sandbox: Sandbox, channel: Channel) -> None:
    """From the sandbox sending the frame to a listener that hears of the committed event."""
    heard: asyncio.Queue[float] = asyncio.Queue()
    async with connected(database, purpose="benchmark") as connection:
        await connection.add_listener(NOTIFY_CHANNEL, lambda *_: heard.put_nowait(time.perf_counter()))
        taken = []
        for number in range(LIVE_MESSAGES):
            while not heard.empty():
                heard.get_nowait()
            began = time.perf_counter()
            sandbox.post(channel, f"message {number}")
            taken.append(await heard.get() - began)
            await asyncio.sleep(0.03)  # beyond the debounce of notifications
        bare = []
        await connection.execute("CREATE TABLE bare (id bigint PRIMARY KEY, raw jsonb)")
        raw = json.dumps({"content": "x" * 400, "id": "1" * 18})
        for number in range(LIVE_MESSAGES):
            began = time.perf_counter()
            await connection.execute("INSERT INTO bare VALUES ($1, $2::text::jsonb)", number, raw)
            bare.append(time.perf_counter() - began)
        for name, part in (("p50", 0.5), ("p99", 0.99)):
            ours, theirs = quantile(taken, part), quantile(bare, part)
            print(
                f"live message, frame to heard event, {name}: {ours / theirs:.1f} times a bare insert and commit "
                f"({ours * 1000:.1f} ms against {theirs * 1000:.1f} ms)"
            )
