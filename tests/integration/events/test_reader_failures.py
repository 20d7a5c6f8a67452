"""A handler that fails: tries, pauses, dead letters and what becomes of them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
import pytest

from tests.support.consumers import CHANNEL, letters, reader, standing, take, tell_some
from tests.support.sql import execute, fetch
from tests.support.waiting import LONGEST_SECONDS, until
from worker.db.connection import Database, connected
from worker.events import leases
from worker.events.consumers import requeue
from worker.events.leases import Done, Lease, ReaderLeaseLostError
from worker.events.reader import EventReader
from worker.events.stored import StoredEvent


@asynccontextmanager
async def handling(events: EventReader, handler: Callable[[StoredEvent], Awaitable[None]]) -> AsyncIterator[None]:
    task = asyncio.create_task(events.handle(handler))
    yield
    assert not task.done(), task.result()
    task.cancel()
    await asyncio.wait([task])


class Handler:
    """Fails on some events; `seen` has each call."""

    def __init__(self, *poison: int, times: int = 1_000_000) -> None:
        self.seen: list[int] = []
        self._poison = poison
        self._times = times

    async def __call__(self, event: StoredEvent) -> None:
        self.seen.append(event.id)
        if event.id in self._poison and self.seen.count(event.id) <= self._times:
            raise ValueError(f"cannot handle {event.id}")

    async def saw(self, *ids: int) -> None:
        async def is_so() -> bool:
            return len(self.seen) >= len(ids)

        await until(is_so, f"{len(ids)} calls")
        assert self.seen == list(ids)


async def test_an_event_is_tried_again_before_its_successors(migrated_database: Database) -> None:
    first, second, third = await tell_some(migrated_database, 3)
    handler = Handler(second, times=3)
    async with reader(migrated_database) as events, handling(events, handler):
        await handler.saw(first, second, second, second, second, third)
    assert await letters(migrated_database) == []
    row = await standing(migrated_database)
    assert (row["tries"], row["reason"], row["retry_at"], row["failed_up_to"]) == (0, None, None, None)


async def test_after_the_last_try_it_is_a_dead_letter_with_the_reason(migrated_database: Database) -> None:
    first, second, third = await tell_some(migrated_database, 3)
    handler = Handler(second)
    async with reader(migrated_database, tries=3) as events, handling(events, handler):
        await handler.saw(first, second, second, second, third)
    assert await letters(migrated_database) == [(second, "dead", 3)]
    [row] = await fetch(
        migrated_database,
        "SELECT l.reason, l.data = e.data AND l.created_at = e.created_at AND l.correlation_id = e.correlation_id "
        "AND (l.channel, l.event_type, l.source) = (e.channel, e.event_type, e.source) AS is_whole "
        "FROM event_letters AS l JOIN events AS e ON e.id = l.event_id",
    )
    assert tuple(row) == (f"ValueError: cannot handle {second}", True)


async def test_the_pause_outlives_the_reader(migrated_database: Database) -> None:
    first, second = await tell_some(migrated_database, 2)
    with pytest.raises(ValueError, match="no"):
        await fail_once(migrated_database, retry_seconds=1000)
    row = await standing(migrated_database)
    assert (row["tries"], row["reason"], row["position"] < first) == (1, "ValueError: no", True)
    async with reader(migrated_database, lease_seconds=0.3) as events:
        waiting = asyncio.create_task(take(events, 2))
        for _ in range(3):
            # Each beat of the lease is a chance to be handed the event too early.
            renewed = (await standing(migrated_database))["lease_until"]

            async def is_renewed(before: object = renewed) -> bool:
                return (await standing(migrated_database))["lease_until"] not in (None, before)

            await until(is_renewed, "the lease to be renewed")
        assert not waiting.done()
        waiting.cancel()
    await execute(migrated_database, "UPDATE event_consumers SET retry_at = clock_timestamp()")
    async with reader(migrated_database) as events:
        assert await take(events, 2) == [first, second]


async def fail_once(database: Database, *, retry_seconds: float) -> None:
    async with reader(database, retry_seconds=retry_seconds) as events:
        async for _ in events:
            raise ValueError("no")


async def test_programs_that_end_at_each_failure_get_to_the_dead_letter_too(migrated_database: Database) -> None:
    first, second = await tell_some(migrated_database, 2)
    seen = []

    async def run() -> None:
        async with reader(migrated_database, tries=3) as events:
            async for event in events:
                seen.append(event.id)
                if event.id == first:
                    raise ValueError("no")

    for _ in range(3):
        with pytest.raises(ValueError, match="no"):
            await run()
    async with reader(migrated_database, tries=3) as events:
        assert await take(events, 1) == [second]
    assert seen == [first] * 3
    assert await letters(migrated_database) == [(first, "dead", 3)]


async def test_what_ends_a_program_on_purpose_is_no_try(migrated_database: Database) -> None:
    await tell_some(migrated_database, 1)

    async def stop() -> None:
        async with reader(migrated_database) as events:
            async for _ in events:
                raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await stop()
    assert (await standing(migrated_database))["tries"] == 0


async def test_a_batch_that_fails_comes_again_one_by_one(migrated_database: Database) -> None:
    told = await tell_some(migrated_database, 12)
    seen: list[list[int]] = []

    async def run() -> None:
        async with reader(migrated_database, tries=2) as events:
            async for batch in events.batches(5):
                seen.append([event.id for event in batch])
                if told[3] in seen[-1]:
                    raise ValueError("no")
                if told[-1] in seen[-1]:
                    async with events.transaction():
                        return

    # What is known about the batch outlives the reader.
    for _ in range(3):
        with pytest.raises(ValueError, match="no"):
            await run()
    await run()
    batch, rest = told[:5], told[5:]
    assert seen == [batch, *([one] for one in batch[:4]), [batch[3]], [batch[4]], rest[:5], rest[5:]]
    assert await letters(migrated_database) == [(told[3], "dead", 2)]


async def test_a_dead_letter_that_is_requeued_comes_once_more(migrated_database: Database) -> None:
    first, second = await tell_some(migrated_database, 2)
    handler = Handler(first, times=2)
    async with reader(migrated_database, tries=2) as events, handling(events, handler):
        await handler.saw(first, first, second)
        # Retention may have taken the event by then.
        await execute(migrated_database, "DELETE FROM events WHERE id = $1", first)
        assert await requeue_all(migrated_database) == 1
        await handler.saw(first, first, second, first)
        [third] = await tell_some(migrated_database, 1)
        await handler.saw(first, first, second, first, third)

        async def is_taken() -> bool:
            return await letters(migrated_database) == [(first, "taken", 0)]

        await until(is_taken, "the letter to be taken")
    assert await requeue_all(migrated_database) == 0


async def requeue_all(database: Database) -> int:
    async with connected(database, purpose="test") as connection:
        return await requeue(connection, "desk")


async def test_a_letter_that_fails_holds_nothing_up_and_dies_again(migrated_database: Database) -> None:
    [first] = await tell_some(migrated_database, 1)
    handler = Handler(first)
    async with reader(migrated_database, tries=2) as events, handling(events, handler):
        await handler.saw(first, first)
        await requeue_all(migrated_database)
        [second] = await tell_some(migrated_database, 1)

        async def is_dead_again() -> bool:
            return await letters(migrated_database) == [(first, "dead", 2)] and second in handler.seen

        await until(is_dead_again, "the letter to die again, and the next event to be taken")
        assert sorted(handler.seen) == [first] * 4 + [second]


async def test_a_letter_taken_in_a_transaction_is_taken_with_it(migrated_database: Database) -> None:
    [first] = await tell_some(migrated_database, 1)
    handler = Handler(first)
    async with reader(migrated_database, tries=1) as events, handling(events, handler):

        async def is_dead() -> bool:
            return await letters(migrated_database) == [(first, "dead", 1)]

        await until(is_dead, "the letter to be dead")
    await requeue_all(migrated_database)
    async with reader(migrated_database) as events, asyncio.timeout(LONGEST_SECONDS):
        event = await anext(events)
        assert (event.id, event.is_replay) == (first, False)
        with pytest.raises(ValueError, match="undone"):
            async with events.transaction():
                raise ValueError("undone")
        assert await letters(migrated_database) == [(first, "waiting", 0)]
        async with events.transaction():
            assert await letters(migrated_database) == [(first, "waiting", 0)]
        assert await letters(migrated_database) == [(first, "taken", 0)]


async def test_an_event_is_set_aside_and_passed_in_one_step(migrated_database: Database) -> None:
    """Killed in between, a reader would hand it over again."""
    [event_id] = await tell_some(migrated_database, 1)
    async with connected(migrated_database, purpose="test") as connection:
        lease = await lease_of(connection)
        await leases.set_aside(connection, lease, event_id, tries=5, reason="no")
    assert (await standing(migrated_database))["position"] == event_id
    assert await letters(migrated_database) == [(event_id, "dead", 5)]


async def test_whose_lease_went_to_another_reader_writes_nothing(migrated_database: Database) -> None:
    first, second = await tell_some(migrated_database, 2)
    async with connected(migrated_database, purpose="test") as connection:
        lease = await lease_of(connection)
        await leases.set_aside(connection, lease, first, tries=1, reason="no")
        await requeue(connection, "desk")
        stale = Lease(lease.consumer, lease.token - 1, lease.seconds)
        before = await standing(migrated_database), await letters(migrated_database)
        for write in (
            leases.acknowledge(connection, stale, Done(second, second)),
            leases.acknowledge(connection, stale, Done(first, None, (first,))),
            leases.fail(connection, stale, tries=1, failed_up_to=None, reason="no", pause=1),
            leases.set_aside(connection, stale, second, tries=1, reason="no"),
            leases.fail_letter(connection, stale, first, reason="no", pause=1, tries=5),
        ):
            with pytest.raises(ReaderLeaseLostError):
                await write
        await leases.release(connection, stale)
    assert (await standing(migrated_database), await letters(migrated_database)) == before
    assert await fetch(migrated_database, "SELECT FROM event_acknowledgements") == []


async def lease_of(connection: asyncpg.Connection) -> Lease:
    await leases.register(connection, "desk", [CHANNEL], 0)
    taken = await leases.take(connection, "desk", [CHANNEL], "test", LONGEST_SECONDS)
    assert taken is not None
    return taken.lease
