"""Reading events from another program, under a name whose position the database keeps.

    async with EventReader("my-consumer", channels=["parsing:setup"]) as events:
        async for event in events:
            ...

An event is done when the next one is asked for, or when `events.transaction()` has committed. docs/events.md has the
whole contract.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import NoReturn, Self

import asyncpg
import structlog

from worker.db.connection import Database, open_database, wait_until_ready
from worker.db.dsn import normalise
from worker.events import leases
from worker.events import statements as sql
from worker.events.catalogue import CHANNELS
from worker.events.leases import ReaderLeaseLostError, reason_of
from worker.events.listener import Listener
from worker.events.session import CLOSE_SECONDS, LOST, ConsumerSession
from worker.events.stored import StoredEvent
from worker.settings import load_settings
from worker.waiting import happened

POLL_SECONDS = 1.0  # a notification can be lost, so it only makes the wait shorter
LETTERS_PAGE = 16  # letters between two looks at the stream, which goes first
ANSWER_SECONDS = 30.0  # the longest wait for a page: a dead connection can look like a slow one

log = structlog.get_logger(__name__)


class StalledError(Exception):
    """A transaction stood still for longer than the lease lasts, so the server ended it."""


class EventReader:
    """The events of a consumer, in order, each at least once.

    One reader a name is handed events; others wait and take over when it ends, dies or freezes. Not for two tasks."""

    def __init__(
        self,
        consumer: str,
        *,
        channels: Collection[str] = (),
        dsn: str | None = None,
        start_after: int | None = 0,
        prefetch: int = 500,
        tries: int = 5,
        retry_seconds: float = 1.0,
        lease_seconds: float = 10.0,
    ) -> None:
        """`channels`: none for all. `dsn`: None for the worker's own DATABASE_URL, or its embedded server.

        `start_after`: where a new name begins, as the id of an event; None: after the newest. `prefetch`: events read
        ahead. `tries`: how often an event is handed over before it becomes a dead letter; the pause in between starts
        at `retry_seconds` and doubles. `lease_seconds`: how soon another reader takes over from one that is dead, and
        how long a transaction may stand still.

        Raises ValueError for a channel that nothing is told on."""
        if unknown := sorted(set(channels) - set(CHANNELS)):
            raise ValueError(f"no such channel: {unknown[0]}; there are {', '.join(CHANNELS)}")
        self.consumer = consumer
        self._channels = sorted(set(channels))
        self._dsn = dsn
        self._start_after = start_after
        self._prefetch = prefetch
        self._tries_limit = tries
        self._retry_seconds = retry_seconds
        self._lease_seconds = lease_seconds
        self._stack = AsyncExitStack()
        self._session: ConsumerSession
        self._listener: Listener
        self._listening: asyncio.Task[None]

        self._buffer: deque[StoredEvent] = deque()
        self._has_letters = False  # the buffer holds letters instead of the stream
        self._in_hand: tuple[StoredEvent, ...] = ()
        self._read_up_to = 0
        self._tries = 0
        self._retry_at = 0.0
        self._failed_up_to: int | None = None

    async def __aenter__(self) -> Self:
        """Raises ConfigError, RefusedError or UnavailableError, each one sentence for the user."""
        async with AsyncExitStack() as stack:
            database = await stack.enter_async_context(_open(self._dsn))
            self._session = ConsumerSession(database, self.consumer, self._channels, self._lease_seconds)
            stack.push_async_callback(self._session.close)
            await self._session.register(self._start_after)
            self._listener = Listener(
                database,
                purpose=f"listener:{self.consumer}",
                beat=self._session.beat,
                beat_seconds=self._lease_seconds / 3,
            )
            self._listening = asyncio.create_task(self._listener.run())
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """What is done is written and the lease released. An exception counts as a try of what is in hand."""
        async with self._stack:
            self._listening.cancel()
            await asyncio.wait([self._listening])
            try:
                async with asyncio.timeout(CLOSE_SECONDS):
                    if isinstance(error, Exception) and self._in_hand:
                        await self._failed(error)
                    await self._session.release()
            except (*LOST, ReaderLeaseLostError) as lost:
                log.warning("events.not_released", consumer=self.consumer, reason=reason_of(lost))

    def __aiter__(self) -> AsyncIterator[StoredEvent]:
        return self

    async def __anext__(self) -> StoredEvent:
        return (await self._next(1))[0]

    async def batches(self, limit: int = 100) -> AsyncIterator[tuple[StoredEvent, ...]]:
        """As many events as are there, at most `limit`, which are done together. After a failure they come singly."""
        while True:
            yield await self._next(limit)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[asyncpg.Connection]:
        """A transaction in which what is in hand is done: effects in it happen exactly once.

        json and jsonb are read as Python values and written from JSON text. Raises ReaderLeaseLostError, with
        everything rolled back, if another reader took over; StalledError if it stood still for longer than the lease
        lasts."""
        session, started = self._session, time.monotonic()
        if not self._in_hand or session.lease is None:
            raise RuntimeError("there is no event in hand to be done in this transaction")
        done = session.done_with(self._in_hand[-1].id, is_letter=self._has_letters)
        connection = await session.connection()
        try:
            async with connection.transaction():
                yield connection
                await leases.acknowledge(connection, session.lease, done)
        except LOST as error:
            if time.monotonic() - started >= self._lease_seconds and not await session.is_alive():
                raise StalledError(f"nothing was asked of the database for {self._lease_seconds:g} s") from error
            raise
        self._in_hand, self._tries = (), 0
        session.written(done.position, started)

    async def handle(self, handler: Callable[[StoredEvent], Awaitable[None]]) -> NoReturn:
        """Calls the handler with each event, for ever. One that raises is called again after a pause that doubles.

        After the last try the event becomes a dead letter with the reason, and the next one's turn comes."""
        async for event in self:
            try:
                await handler(event)
            except Exception as error:  # noqa: BLE001  logged and counted in _failed
                await self._failed(error)
        raise AssertionError("events never end")

    async def _next(self, limit: int) -> tuple[StoredEvent, ...]:
        """The next events, which are in hand then; what was in hand is done."""
        session = self._session
        if self._in_hand:
            session.settle(self._in_hand[-1].id, is_letter=self._has_letters)
            self._in_hand, self._tries = (), 0
        while not self._buffer or time.monotonic() >= session.attend_at:
            try:
                await self._attend()
            except ReaderLeaseLostError:
                session.lose_lease()
                self._buffer.clear()
            except LOST as error:
                session.lose_connection(error)
        if limit == 1 or self._has_letters or self._is_singly():
            self._in_hand = (self._buffer.popleft(),)
        else:
            self._in_hand = tuple(self._buffer.popleft() for _ in range(min(limit, len(self._buffer))))
        return self._in_hand

    def _is_singly(self) -> bool:
        """Whether what comes next was in a batch that failed."""
        return self._failed_up_to is not None and self._buffer[0].id <= self._failed_up_to

    async def _attend(self) -> None:
        """Does one thing that is due before an event may be handed over."""
        session, now = self._session, time.monotonic()
        if session.lease is None:
            standing = await session.take_lease()
            self._tries, self._failed_up_to = standing.tries, standing.failed_up_to
            self._retry_at = now + standing.retry_in
            self._start_over()
        elif now >= session.attend_at:
            await session.acknowledge()
            self._read_up_to = max(self._read_up_to, session.position)
        elif now < self._retry_at:
            await asyncio.sleep(self._retry_at - now)
        else:
            await self._fill()

    async def _fill(self) -> None:
        """Reads ahead: the stream, or letters when it has nothing; or waits until there may be something."""
        session, connection = self._session, await self._session.connection()
        self._listener.woken.clear()
        rows = await connection.fetch(
            sql.PAGE, self._read_up_to, self._channels, self._prefetch, timeout=ANSWER_SECONDS
        )
        if rows[0]["id"] is not None:
            self._buffer.extend(StoredEvent._make(row[:-1]) for row in rows)
            self._has_letters, self._read_up_to = False, rows[-1]["id"]
            return
        # Nothing up to the newest is for this consumer.
        session.position = self._read_up_to = rows[0]["newest"]
        if session.has_unwritten:  # letters that are taken must be known to be
            await session.acknowledge()
        letters = await connection.fetch(sql.WAITING_LETTERS, self.consumer, LETTERS_PAGE, timeout=ANSWER_SECONDS)
        self._buffer.extend(StoredEvent._make(row) for row in letters)
        self._has_letters = bool(letters)
        if not letters:
            await self._wait()

    async def _wait(self) -> None:
        if self._listening.done():
            self._listening.result()
        await happened(self._listener.woken, POLL_SECONDS)

    def _start_over(self) -> None:
        """What was read ahead is read again."""
        self._buffer.clear()
        self._has_letters = False
        self._read_up_to = self._session.position

    async def _failed(self, error: Exception) -> None:
        """What is in hand was tried in vain: it comes again, or is set aside after its last try."""
        events, self._in_hand = self._in_hand, ()
        session = self._session
        try:
            if isinstance(error, ReaderLeaseLostError) or (isinstance(error, LOST) and not await session.is_alive()):
                raise error  # not the fault of what is in hand
            log.warning(
                "events.handler_failed",
                consumer=self.consumer,
                event_id=events[0].id if events else None,
                correlation_id=str(events[0].correlation_id) if events else None,
                exc_info=error,
            )
            if events:
                await self._count_try(events, reason_of(error))
        except ReaderLeaseLostError:
            session.lose_lease()
        except LOST as lost:
            session.lose_connection(lost)
        self._start_over()

    async def _count_try(self, events: tuple[StoredEvent, ...], reason: str) -> None:
        session, first = self._session, events[0]
        await session.acknowledge()  # so that the position is right before what failed
        connection, lease = await session.connection(), session.lease
        if lease is None:
            return
        if self._has_letters:
            is_dead = await leases.fail_letter(
                connection, lease, first.id, reason=reason, pause=self._retry_seconds, tries=self._tries_limit
            )
        else:
            self._tries += len(events) == 1
            is_dead = self._tries >= self._tries_limit
            if is_dead:
                await leases.set_aside(connection, lease, first.id, tries=self._tries, reason=reason)
                session.position, self._tries = first.id, 0
            else:
                self._failed_up_to = max(self._failed_up_to or events[-1].id, events[-1].id)
                pause = leases.pause_seconds(self._retry_seconds, self._tries)
                self._retry_at = time.monotonic() + pause
                await leases.fail(
                    connection, lease, tries=self._tries, failed_up_to=self._failed_up_to, reason=reason, pause=pause
                )
        if is_dead:
            log.error("events.dead_letter", consumer=self.consumer, event_id=first.id, reason=reason)


@asynccontextmanager
async def _open(dsn: str | None) -> AsyncIterator[Database]:
    settings = load_settings()
    if dsn is None:
        async with open_database(settings) as database:
            yield database
        return
    dsn = normalise(dsn, "dsn")
    database = Database(dsn, dsn)
    await wait_until_ready(database, wait_seconds=settings.database_wait_seconds)
    yield database
