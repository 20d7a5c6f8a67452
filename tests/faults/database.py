"""A database that stops, freezes, or whose answer to COMMIT gets lost, while the worker and its session with Discord
stay."""

import asyncio
import os
import signal
import time
from functools import partial
from pathlib import Path

from tests.faults.run import Run
from tests.support.waiting import LONGEST_SECONDS, until
from tests.support.wire import wire_to
from tests.support.worker_process import WorkerProcess

COMMIT = b"COMMIT"


async def answer_to_commit_lost(run: Run, times: int) -> None:
    async with wire_to(run.database) as (wire, database), run.at_work(DATABASE_URL=database.dsn):
        for _ in range(times):
            lost = wire.lost
            wire.lose_answer_to(COMMIT)
            end = time.monotonic() + LONGEST_SECONDS
            while wire.lost == lost:
                assert time.monotonic() < end, "no COMMIT was sent"
                run.traders.act()
                await asyncio.sleep(0.02)
            run.struck["answer to COMMIT lost"] += 1
        await run.settled()


async def database_restarted(run: Run, times: int) -> None:
    """Stopped at once, as by a power cut, and started again."""
    async with run.at_work() as worker:
        for _ in range(times):
            await run.load(0.3)
            os.kill(_postmaster(run), signal.SIGQUIT)
            await until(partial(_has_stopped, run), "the server to stop")
            await run.load(run.chance.uniform(0, 1))
            await until(partial(_says_so, worker), "readiness to say what it waits for")
            await asyncio.to_thread(run.server.start)
            await run.settled()
            run.struck["database restarted"] += 1
        assert len(run.sandbox.identifies) == 1


async def database_frozen(run: Run, times: int) -> None:
    async with run.at_work():
        for _ in range(times):
            await run.load(0.3)
            processes = _with_children(_postmaster(run))
            for process in processes:
                os.kill(process, signal.SIGSTOP)
            try:
                await run.load(5)
            finally:
                for process in processes:
                    os.kill(process, signal.SIGCONT)
            await run.settled()
            run.struck["database frozen"] += 1


def _postmaster(run: Run) -> int:
    return int((run.server.data / "postmaster.pid").read_text().splitlines()[0])


async def _says_so(worker: WorkerProcess) -> bool:
    status, body = await worker.health()
    return status == 503 and not {"database", "lease"}.isdisjoint(body["waiting_for"])


async def _has_stopped(run: Run) -> bool:
    return not run.server.is_running()


def _with_children(process: int) -> list[int]:
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [process, *map(int, children)]
