"""One reader a name, as real processes: who waits, who takes over, and what a zombie can no longer do."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.support.consumers import reader, standing, take, tell_some
from tests.support.reader_program import EFFECTS
from tests.support.sql import execute, fetch
from tests.support.waiting import LONGEST_SECONDS, until
from tests.support.worker_process import ROOT
from worker.db.connection import Database

LEASE_SECONDS = 1.0


class Program:
    """A reader as a process of its own."""

    def __init__(self, process: Process) -> None:
        self.process = process
        assert process.stdin
        assert process.stdout
        self._stdin, self._stdout = process.stdin, process.stdout

    async def in_hand(self) -> int:
        """The event that it has got; its log lines are left out."""
        async with asyncio.timeout(LONGEST_SECONDS):
            while not (line := await self._stdout.readline()).strip().isdigit():
                assert line, "the program ended"
        return int(line)

    def go_on(self) -> None:
        self._stdin.write(b"\n")

    def send(self, number: int) -> None:
        self.process.send_signal(number)


@asynccontextmanager
async def program(database: Database, mode: str) -> AsyncIterator[Program]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.support.reader_program", database.dsn, str(LEASE_SECONDS), mode),
        cwd=ROOT,
        stdin=PIPE,
        stdout=PIPE,
    )
    try:
        yield Program(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.fixture
async def database(migrated_database: Database) -> Database:
    await execute(migrated_database, EFFECTS)
    return migrated_database


async def effects(database: Database) -> list[tuple[int, int]]:
    """Event and process."""
    return [(row["event_id"], row["process"]) for row in await fetch(database, "SELECT * FROM effects ORDER BY number")]


async def test_another_reader_of_the_name_waits_and_follows_at_once(migrated_database: Database) -> None:
    told = await tell_some(migrated_database, 4)
    # The lease lasts for longer than anything is waited for: only its release lets the second in.
    patient = 100 * LONGEST_SECONDS
    async with reader(migrated_database, lease_seconds=patient) as second:
        async with reader(migrated_database, lease_seconds=patient) as first:
            assert await take(first, 2) == told[:2]
            holder = (await standing(migrated_database))["lease_holder"]
            following = asyncio.create_task(take(second, 3))
            async with first.transaction():
                pass
            assert await take(first, 1) == told[2:3]
            assert not following.done()
            assert (await standing(migrated_database))["lease_holder"] == holder
        more = await tell_some(migrated_database, 1)
        assert await following == told[2:] + more


async def test_a_reader_that_is_killed_is_followed(database: Database) -> None:
    first, second = await tell_some(database, 2)
    async with program(database, "within") as killed, program(database, "within") as follower:
        holder, other = await both(killed, follower)
        holder.send(signal.SIGKILL)
        assert await other.in_hand() == first
        other.go_on()
        assert await other.in_hand() == second
        assert await effects(database) == [(first, other.process.pid)]


async def both(one: Program, two: Program) -> tuple[Program, Program]:
    """The one that was handed the first event, and the one that waits."""
    waiting = {asyncio.create_task(one.in_hand()): (one, two), asyncio.create_task(two.in_hand()): (two, one)}
    done, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.wait(pending)
    assert len(done) == 1
    return waiting[done.pop()]


@pytest.mark.parametrize("mode", ["transaction", "within", "plain"])
async def test_a_frozen_reader_is_followed_and_can_do_nothing_more(database: Database, mode: str) -> None:
    first, second, third = await tell_some(database, 3)
    async with program(database, mode) as one, program(database, mode) as two:
        zombie, follower = await both(one, two)
        zombie.send(signal.SIGSTOP)
        assert await follower.in_hand() == first
        follower.go_on()
        assert await follower.in_hand() == second
        zombie.send(signal.SIGCONT)
        zombie.go_on()
        follower.go_on()
        assert await follower.in_hand() == third

        async def is_written() -> bool:
            return bool((await standing(database))["position"] == second)

        await until(is_written, "what the follower did to be written")
        # The zombie has found out, and waits until it is its turn again.
        follower.send(signal.SIGKILL)
        assert await zombie.in_hand() == third
        row = await standing(database)
        assert (row["position"], row["lease_token"], row["tries"]) == (second, 3, 0)
        if mode != "plain":
            follower_did = [(first, follower.process.pid), (second, follower.process.pid)]
            assert await effects(database) == follower_did


async def test_the_lease_is_kept_while_a_handler_takes_its_time(database: Database) -> None:
    first, _ = await tell_some(database, 2)
    async with program(database, "plain") as one, program(database, "plain") as two:
        holder, _ = await both(one, two)
        token = (await standing(database))["lease_token"]
        for _ in range(4):
            renewed = (await standing(database))["lease_until"]

            async def is_renewed(before: object = renewed) -> bool:
                return bool((await standing(database))["lease_until"] > before)

            await until(is_renewed, "the lease to be renewed")
        row = await standing(database)
        assert (row["lease_token"], row["position"] < first) == (token, True)
        holder.go_on()
        assert await holder.in_hand() > first
