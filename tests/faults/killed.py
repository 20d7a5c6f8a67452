"""Workers that are killed: at named points of the code, at random moments, and with another one standing by."""

import asyncio
import signal
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass

from tests.acceptance.test_lease import in_role
from tests.faults.run import Run
from tests.support.cable import Cable, cable_to
from tests.support.ledger import assert_coverage_holds
from tests.support.waiting import LONGEST_SECONDS
from tests.support.worker_process import WorkerProcess
from worker.failpoints import Failpoint

# How often a point can be passed before it kills: all of these come again and again, or once for every channel.
PASSES: dict[Failpoint, int] = {
    "gateway.received": 4,
    "writer.begun": 4,
    "writer.rows_written": 4,
    "writer.committed": 4,
    "history.page_received": 3,
    "history.page_written": 3,
    "look_back.page_written": 3,
    "lease.renewed": 4,
}
REVISIONS_PASSED = 3  # of more that there are


async def first_life(run: Run) -> None:
    """So that there is something to look back at, and a gap to fetch."""
    async with run.at_work() as worker:
        await run.load(0.3)
        await run.settled()
        await worker.stop(signal.SIGKILL)
    await _while_away(run)


async def killed_at(run: Run, *points: Failpoint) -> None:
    """One life after the other ends at a failpoint, which is reached for certain: a worker that lives on fails it."""
    await first_life(run)
    for point in points:
        passes = run.chance.randrange(PASSES.get(point, 1))
        async with run.worker(FAILPOINTS=f"{point}={passes}") as worker:
            await _dies(run, worker, point)
        run.struck[point] += 1
        await _while_away(run)
    await run.recovered()


async def killed_while_migrating(run: Run, *points: Failpoint) -> None:
    """The database is empty at first, and nobody has been here."""
    passed = 0
    for point in points:
        passes = run.chance.randrange(REVISIONS_PASSED - passed) if point == "migration.applied" else 0
        passed += passes
        async with run.worker(FAILPOINTS=f"{point}={passes}") as worker:
            await _dies(run, worker, point, act=False)
        run.struck[point] += 1
    await run.recovered()


async def killed_at_random(run: Run, times: int) -> None:
    await first_life(run)
    for _ in range(times):
        async with run.worker() as worker:
            if run.chance.random() < 0.7:
                await worker.ready()
            await run.load(run.chance.uniform(0, 1.5))
            assert await worker.stop(signal.SIGKILL) == -signal.SIGKILL
        run.struck["killed at random"] += 1
        await _while_away(run)
    await run.recovered()


async def _dies(run: Run, worker: WorkerProcess, point: Failpoint, *, act: bool = True) -> None:
    end = time.monotonic() + LONGEST_SECONDS
    while worker.process.returncode is None:
        assert time.monotonic() < end, f"{point} was not reached"
        if act:
            run.traders.act()
        await asyncio.sleep(0.05)
    assert await worker.ended() == -signal.SIGKILL, (point, worker.output, worker.log[-5:])


async def _while_away(run: Run) -> None:
    await assert_coverage_holds(run.database, run.sandbox, *run.traders.channels)
    with run.traders.nobody_there():
        run.traders.act(10)
        run.traders.miss()
        if run.chance.random() < 0.2:
            run.traders.miss(110)


@dataclass(frozen=True, slots=True)
class _Member:
    """One of two workers, at the end of a cable of its own."""

    worker: WorkerProcess
    cable: Cable


async def leader_lost(run: Run, times: int) -> None:
    """Killed, frozen for three lease times or cut off, with a standby there, which leads from then on."""
    async with AsyncExitStack() as stack:
        leader = await _member(run, stack, "ingester")
        standby = await _member(run, stack, "standby")
        for _ in range(times):
            how = run.chance.choice(["killed", "frozen", "cut off"])
            await run.load(0.3)
            with run.traders.nobody_there():
                _lose(leader, how)
                await run.load(3 if how == "frozen" else 0.3)
                await in_role(standby.worker, "ingester")
            if how == "killed":
                leader, standby = standby, await _member(run, stack, "standby")
            else:
                leader.cable.mend()
                leader.worker.process.send_signal(signal.SIGCONT)
                await in_role(leader.worker, "standby")
                leader, standby = standby, leader
            await run.load(0.3)
            await run.settled()
            run.struck[how] += 1


async def _member(run: Run, stack: AsyncExitStack, role: str) -> _Member:
    cable, url = await stack.enter_async_context(cable_to(run.database))
    worker = await stack.enter_async_context(run.worker(DATABASE_URL=url))
    await in_role(worker, role)
    return _Member(worker, cable)


def _lose(leader: _Member, how: str) -> None:
    if how == "cut off":
        leader.cable.cut()
    else:
        leader.worker.process.send_signal(signal.SIGKILL if how == "killed" else signal.SIGSTOP)
