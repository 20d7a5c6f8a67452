"""The faults by name; each is one run."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from tests.acceptance.test_lease import in_role
from tests.faults.campaign import Run
from tests.support.cable import cable_to
from tests.support.waiting import until
from tests.support.wire import wire_to
from tests.support.worker_process import WorkerProcess, worker_process
from worker.failpoints import FAILPOINTS, Failpoint

Fault = Callable[[Run], Awaitable[None]]

COMMIT = b"COMMIT"


@asynccontextmanager
async def at_work(run: Run, **more: str) -> AsyncIterator[WorkerProcess]:
    async with worker_process("run", env=run.env | more) as worker:
        await worker.ready()
        yield worker


async def _recovered(run: Run) -> None:
    async with at_work(run):
        await run.load(0.2)
        await run.settled()


def killed_at(point: Failpoint) -> Fault:
    """The worker dies at a failpoint, which is reached for certain: a worker that lives on fails the run."""

    async def fault(run: Run) -> None:
        is_migration = point.startswith("migration.")
        if not is_migration:
            await _first_life(run)
        passes = run.chance.randrange(3) if point.startswith(("writer.", "gateway.", "lease.renewed")) else 0
        async with worker_process("run", env=run.env | {"FAILPOINTS": f"{point}={passes}"}) as worker:
            end = time.monotonic() + 60
            while worker.process.returncode is None:
                assert time.monotonic() < end, f"{point} was not reached"
                if not is_migration:
                    run.traders.act()
                await asyncio.sleep(0.05)
            assert await worker.ended() == -signal.SIGKILL, (worker.output, worker.log[-5:])
        if not is_migration:
            with run.traders.nobody_there():
                await run.load(0.2)
        await _recovered(run)

    return fault


async def _first_life(run: Run) -> None:
    """So that there is something to look back at, and a gap to fetch."""
    async with at_work(run) as worker:
        await run.load(0.3)
        await run.settled()
        await worker.stop(signal.SIGKILL)
    with run.traders.nobody_there():
        await run.load(0.2)


async def killed_at_random(run: Run) -> None:
    await _first_life(run)
    for _ in range(3):
        async with worker_process("run", env=run.env) as worker:
            if run.chance.random() < 0.7:
                await worker.ready()
            await run.load(run.chance.uniform(0, 1))
            await worker.stop(signal.SIGKILL)
        with run.traders.nobody_there():
            await run.load(0.1)
    await _recovered(run)


async def answer_to_commit_lost(run: Run) -> None:
    async with wire_to(run.database) as (wire, database), at_work(run, DATABASE_URL=database.dsn):
        for _ in range(5):
            lost = wire.lost
            wire.lose_answer_to(COMMIT)
            end = time.monotonic() + 60
            while wire.lost == lost:
                assert time.monotonic() < end, "no COMMIT was sent"
                run.traders.act()
                await asyncio.sleep(0.02)
        await run.settled()


async def database_restarted(run: Run) -> None:
    """Stopped at once, as by a power cut, and started again; the worker and its session with Discord stay."""
    async with at_work(run):
        await run.load(0.3)
        os.kill(_postmaster(run), signal.SIGQUIT)
        await until(partial(_has_stopped, run), "the server to stop")
        await run.load(run.chance.uniform(0, 1))
        await asyncio.to_thread(run.server.start)
        await run.settled()
        assert len(run.sandbox.identifies) == 1


async def database_frozen(run: Run) -> None:
    async with at_work(run):
        await run.load(0.3)
        processes = _backends(_postmaster(run))
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        try:
            await run.load(5)
        finally:
            for process in processes:
                os.kill(process, signal.SIGCONT)
        await run.settled()


async def gateway_broken(run: Run) -> None:
    gateway = run.sandbox.faults.gateway
    # What waits for the next connection strikes once this one is cut.
    waiting: dict[str, Callable[[], object]] = {
        "forgotten": gateway.forget_sessions,
        "resume refused": gateway.refuse_resumes,
        "connection refused": lambda: gateway.refuse_connections(2),
    }
    faults: dict[str, Callable[[], object]] = {
        "cut": gateway.cut,
        "op 7": gateway.reconnect,
        "op 9 resumable": lambda: gateway.invalidate(resumable=True),
        "op 9": lambda: gateway.invalidate(resumable=False),
        "duplicate": lambda: gateway.distort("duplicate", "MESSAGE_CREATE", times=5),
        "reorder": lambda: gateway.distort("reorder", "MESSAGE_CREATE", times=1),
        "truncate": lambda: gateway.distort("truncate", "MESSAGE_CREATE", times=1),
        **{f"close {code}": partial(gateway.close, code) for code in (1000, 4000, 4001, 4007, 4008, 4009)},
        **waiting,
    }
    async with at_work(run) as worker:
        for name in run.chance.sample(sorted(faults), 3):
            await run.load(0.2)
            faults[name]()
            if name in waiting:
                gateway.cut()
            await run.load(0.2)
            await worker.ready()
        await run.settled()


async def rest_broken(run: Run) -> None:
    await _first_life(run)
    with run.traders.nobody_there():
        run.traders.act(150)
    rest = run.sandbox.faults.rest
    pages = "GET /channels/*/messages"
    faults: dict[str, Callable[[], object]] = {
        "429": lambda: rest.limit(pages, times=2),
        "429 as from a ban": lambda: rest.limit(pages, times=1, via=False),
        "500": lambda: rest.answer(pages, 500, times=2),
        "503": lambda: rest.answer(pages, 503, times=2),
        "cut": lambda: rest.cut(pages, times=2),
        "reset": lambda: rest.reset(pages, times=2),
        "slow": lambda: rest.delay(pages, 0.5, times=2),
        "headers": lambda: rest.headers(pages, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "0.2"}, 3),
        "empty": lambda: (
            rest.answer(pages, 200, times=1, body=[]),
            rest.answer("GET /channels/*/messages/*", 403, times=1),
        ),
    }
    for name in run.chance.sample(sorted(faults), 3):
        faults[name]()
    async with at_work(run):
        await run.load(0.2)
        # What looked as if it might not be read is looked at again when permissions change, or by the self-check.
        for channel in run.traders.listened:
            channel.set_permissions(allow=channel.guild.roles[channel.guild.id].permissions)
        await run.settled()


async def leader_lost(run: Run) -> None:
    """Killed, frozen for three lease times or cut off, with a standby there."""
    how = run.chance.choice(["killed", "frozen", "cut off"])
    async with (
        cable_to(run.database) as (cable, url),
        at_work(run, DATABASE_URL=url) as leader,
        worker_process("run", env=run.env) as standby,
    ):
        await in_role(standby, "standby")
        await run.load(0.3)
        lose: dict[str, Callable[[], object]] = {
            "killed": leader.process.kill,
            "frozen": partial(leader.process.send_signal, signal.SIGSTOP),
            "cut off": cable.cut,
        }
        with run.traders.nobody_there():
            lose[how]()
            await run.load(3)
            await in_role(standby, "ingester")
        cable.mend()
        if how == "frozen":
            leader.process.send_signal(signal.SIGCONT)
        if how != "killed":
            await in_role(leader, "standby")
        await run.load(0.3)
        await run.settled()


def _postmaster(run: Run) -> int:
    return int((run.server.data / "postmaster.pid").read_text().splitlines()[0])


async def _has_stopped(run: Run) -> bool:
    return not run.server.is_running()


def _backends(postmaster: int) -> list[int]:
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    return [postmaster, *map(int, children)]


FAULTS: dict[str, Fault] = {
    # What is announced has tests of its own: tests/acceptance/discord/test_announcing_killed.py.
    **{f"killed at {point}": killed_at(point) for point in FAILPOINTS if not point.startswith("announcer.")},
    "killed at random": killed_at_random,
    "answer to COMMIT lost": answer_to_commit_lost,
    "database restarted": database_restarted,
    "database frozen": database_frozen,
    "gateway broken": gateway_broken,
    "REST broken": rest_broken,
    "leader lost": leader_lost,
}

AT_LEAST: dict[str, int] = {
    **dict.fromkeys(FAULTS, 40),
    "killed at random": 70,  # three kills a run
    "answer to COMMIT lost": 20,  # five a run
    "database frozen": 10,
    "gateway broken": 100,  # three a run
    "REST broken": 70,  # three a run
}
