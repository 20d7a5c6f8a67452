"""One run of a fault: a worker under load, what goes wrong, and afterwards everything as the ledger says.

A run is decided by its seed, which a failure prints. What Discord shows nobody is left out of the comparison: a message
that was deleted while no session was there, and before it was stored."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from tests.support.ledger import settled
from tests.support.postgres import fresh_database
from tests.support.waiting import until
from tests.support.worker_process import settings_for
from worker.db.connection import Database, connected
from worker.db.embedded import EmbeddedServer
from worker.sandbox import Channel, Message, Sandbox

IN_MEMORY_SECONDS = 10.0  # for what was received and not yet committed, on a busy machine
HOSTILE = ("\x00", "\ud800", "A\u202eB", "x" * 4000, "'; DROP TABLE events; --", "\u2028", "`" * 50, "<@1>", "")


class Traders:
    """Users who post, edit and delete in two channels and a thread, by a random generator of the run's own."""

    def __init__(self, sandbox: Sandbox, chance: random.Random) -> None:
        self.sandbox = sandbox
        self.chance = chance
        guild = sandbox.add_guild("Traders")
        self.listened = [guild.add_channel("plans"), guild.add_channel("chat")]
        self._threads: list[Channel] = []
        self._standing: list[Message] = []
        self._nobody_is_there = False
        self.unwatched: set[int] = set()
        self._changes: list[tuple[float, int]] = []

    @contextmanager
    def nobody_there(self) -> Iterator[None]:
        """While the worker is dead: what changes now, or changed just before, may have been received by nobody."""
        now = asyncio.get_running_loop().time()
        self.unwatched |= {message_id for at, message_id in self._changes if at > now - IN_MEMORY_SECONDS}
        self._nobody_is_there = True
        try:
            yield
        finally:
            self._nobody_is_there = False

    @property
    def channels(self) -> list[Channel]:
        return [*self.listened, *self._threads]

    def act(self, times: int = 1) -> None:
        """Posts for the most part; edits and deletes what stands. Not before the channels are listened to: what
        is older is not asked for."""
        if not self._threads:
            self._threads.append(self.listened[0].add_thread("a thread", "its beginning"))
        for _ in range(times):
            kind = self.chance.choices(["post", "edit", "delete"], [8, 3, 1])[0]
            if kind == "post" or not self._standing:
                text = self.chance.choice(HOSTILE) if self.chance.random() < 0.05 else f"{self.chance.random()}"
                message = self.sandbox.post(self.chance.choice(self.channels), text or "empty")
                self._standing.append(message)
            elif kind == "edit":
                message = self.chance.choice(self._standing)
                self.sandbox.edit(message, f"edited {self.chance.random()}")
            else:
                message = self._standing.pop(self.chance.randrange(len(self._standing)))
                self.sandbox.delete(message)
            self._changed(message)

    def _changed(self, message: Message) -> None:
        self._changes.append((asyncio.get_running_loop().time(), message.id))
        if self._nobody_is_there:
            self.unwatched.add(message.id)


@dataclass(slots=True)
class Run:
    """What a fault has in hand. `env` is that of its workers."""

    chance: random.Random
    sandbox: Sandbox
    traders: Traders
    server: EmbeddedServer
    database: Database
    env: dict[str, str]

    async def load(self, seconds: float) -> None:
        """Traffic for about so long."""
        for _ in range(max(int(seconds / 0.02), 1)):
            self.traders.act()
            await asyncio.sleep(0.02)

    async def settled(self) -> None:
        traders = self.traders
        await settled(self.database, self.sandbox, *traders.channels, unwatched=traders.unwatched)
        async with connected(self.database, purpose="test") as connection:
            open_gaps = "SELECT count(*) FROM ingestion_gaps WHERE closed_at IS NULL"

            async def none_open() -> bool:
                return not await connection.fetchval(open_gaps)

            await until(none_open, "every gap to be closed")


@asynccontextmanager
async def a_run(server: EmbeddedServer, seed: int, **more: str) -> AsyncIterator[Run]:
    chance = random.Random(seed)
    async with fresh_database(server) as database, Sandbox(token="sandbox-token") as sandbox:
        traders = Traders(sandbox, chance)
        env = settings_for(
            sandbox,
            DATABASE_URL=database.dsn,
            DISCORD_CHANNELS=",".join(str(channel.id) for channel in traders.listened),
            HISTORY_PAGE_SECONDS="0",
            LEASE_SECONDS="1",
            LOOK_BACK_SETTLED_SECONDS="2",
            GATEWAY_CHECK_SECONDS="2",
            **more,
        )
        yield Run(chance, sandbox, traders, server, database, env)
