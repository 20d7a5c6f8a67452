"""One run of faults: workers under load, what goes wrong, and afterwards everything as the ledger says.

A run is decided by its seed, which a failure prints. What Discord shows nobody is left out of the comparison: a message
that was deleted while no session was there, and before it was stored."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.faults.traders import Traders
from tests.support.ledger import assert_migrations_told, nothing_left_behind, settled
from tests.support.postgres import fresh_database
from tests.support.waiting import until
from tests.support.worker_process import WorkerProcess, settings_for, worker_process
from worker.db.connection import Database, connected
from worker.db.embedded import EmbeddedServer
from worker.sandbox import Rules, Sandbox

OPEN_GAPS = "SELECT count(*) FROM ingestion_gaps WHERE closed_at IS NULL"


@dataclass(slots=True)
class Run:
    """What a fault has in hand. `env` is that of its workers; `struck` counts what has gone wrong, by kind."""

    chance: random.Random
    sandbox: Sandbox
    traders: Traders
    server: EmbeddedServer
    database: Database
    env: dict[str, str]
    struck: Counter[str] = field(default_factory=Counter)
    workers: list[WorkerProcess] = field(default_factory=list)

    @asynccontextmanager
    async def worker(self, **more: str) -> AsyncIterator[WorkerProcess]:
        """A worker that has been started, whatever becomes of it."""
        async with worker_process("run", env=self.env | more) as worker:
            self.workers.append(worker)
            yield worker

    @asynccontextmanager
    async def at_work(self, **more: str) -> AsyncIterator[WorkerProcess]:
        async with self.worker(**more) as worker:
            await worker.ready()
            yield worker

    async def load(self, seconds: float) -> None:
        """Traffic for about so long."""
        for _ in range(max(int(seconds / 0.02), 1)):
            self.traders.act()
            await asyncio.sleep(0.02)

    async def recovered(self) -> None:
        """A worker that nothing happens to brings everything in order, and ends as it should."""
        async with self.at_work() as worker:
            await self.load(0.2)
            await self.settled()
            assert await worker.stop() == 0

    async def settled(self) -> None:
        traders = self.traders
        await settled(self.database, self.sandbox, *traders.channels, unwatched=traders.unwatched)
        async with connected(self.database, purpose="test") as connection:

            async def none_open() -> bool:
                return not await connection.fetchval(OPEN_GAPS)

            await until(none_open, "every gap to be closed")


@asynccontextmanager
async def a_run(server: EmbeddedServer, seed: int, template: str = "template1") -> AsyncIterator[Run]:
    """`template` is the database that the run's own begins as: the empty one, so that it has to be migrated, or one
    that is migrated already. Waits are shortened by settings; nothing is skipped."""
    chance = random.Random(seed)
    rules = Rules(heartbeat_seconds=3)
    async with fresh_database(server, template) as database, Sandbox(token="sandbox-token", rules=rules) as sandbox:
        traders = Traders(sandbox, chance)
        env = settings_for(
            sandbox,
            DATABASE_URL=database.dsn,
            DISCORD_CHANNELS=",".join(str(channel.id) for channel in traders.listened),
            HISTORY_PAGE_SECONDS="0",
            LEASE_SECONDS="1",
            LOOK_BACK_MESSAGES="2000",
            LOOK_BACK_SETTLED_SECONDS="1",
            GATEWAY_READY_SECONDS="0.1",
            GATEWAY_CHECK_SECONDS="1",
            GATEWAY_PATIENCE_SECONDS="5",
        )
        run = Run(chance, sandbox, traders, server, database, env)
        yield run
        await nothing_left_behind(database)
        await assert_migrations_told(database)
