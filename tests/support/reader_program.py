"""A program that reads events: python -m tests.support.reader_program DSN LEASE_SECONDS MODE.

It writes a line with an event's id when it has it in hand, and handles it when it is sent a line: plainly, or by a row
in `effects` whose transaction begins before (`within`) or after (`transaction`) that line."""

import asyncio
import os
import sys

from tests.support.consumers import CHANNEL
from worker.events.reader import EventReader
from worker.events.stored import StoredEvent

EFFECTS = (
    "CREATE TABLE effects (number bigint GENERATED ALWAYS AS IDENTITY, consumer text, event_id bigint, process bigint)"
)
INSERT_EFFECT = "INSERT INTO effects (consumer, event_id, process) VALUES ($1, $2, $3)"


async def read(dsn: str, lease_seconds: float, mode: str) -> None:
    async with EventReader("desk", dsn=dsn, channels=[CHANNEL], lease_seconds=lease_seconds) as events:

        async def handle(event: StoredEvent) -> None:
            if mode == "plain":
                await _told_to_go_on(event)
                return
            if mode == "transaction":
                await _told_to_go_on(event)
            async with events.transaction() as connection:
                await connection.execute(INSERT_EFFECT, "desk", event.id, os.getpid())
                if mode == "within":
                    await _told_to_go_on(event)

        await events.handle(handle)


async def _told_to_go_on(event: StoredEvent) -> None:
    sys.stdout.write(f"{event.id}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)


if __name__ == "__main__":
    asyncio.run(read(sys.argv[1], float(sys.argv[2]), sys.argv[3]))
