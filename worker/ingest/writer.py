"""The only writer of messages, plans, setups and levels: one transaction for whatever waits.

A transaction locks the channels concerned, reads what is stored, decides, writes, and tells. Nothing is taken from
memory, so that doing it again changes nothing: every retry and every replay is harmless."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field

import asyncpg
import structlog
from asyncpg import Connection

from worker import correlation
from worker.db.lease import LeaseLostError, begin
from worker.events.catalogue import Event, MessageEdited, MessageStored
from worker.events.outbox import commit_events
from worker.failpoints import reach
from worker.ingest import message_rows
from worker.ingest import statements as sql
from worker.ingest.erased import withhold
from worker.ingest.message_events import deleted_event, text_events
from worker.ingest.message_rows import RacedError
from worker.ingest.observation import Covered, Observation
from worker.ingest.plan_rows import columns
from worker.ingest.plan_writer import MessagePlans, write_plans
from worker.ingest.precedence import StoredMessage, Verdict, verdict
from worker.ingest.prepared import SETUP_LIMIT, PreparedMessage, Read, prepare, with_less


class NotConnectedError(Exception):
    """No session could be opened, whatever the reason: that is never the fault of what was to be written."""


# What passes with time or with another connection. Everything else is the fault of one message, or ours.
PASSING = (
    RacedError,
    NotConnectedError,
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what a connection that was cut can leave behind
    asyncpg.PostgresConnectionError,
    asyncpg.TransactionRollbackError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.InvalidTransactionStateError,
    asyncpg.ObjectInUseError,
    asyncpg.ObjectNotInPrerequisiteStateError,  # such as a database that lets nobody in
    asyncpg.PostgresSystemError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
)

TRANSACTION_SECONDS = 30  # one transaction, waiting for locks included

log = structlog.get_logger(__name__)

Seen = PreparedMessage | Observation
"""A message as it was seen, or a deletion."""

First = Callable[[Connection, str], Awaitable[str]]
"""Sends statements on a connection, and returns the status of the last one."""


@dataclass(slots=True)
class Written:
    """What a write changed, by number."""

    observations: int = 0
    stored: int = 0
    edited: int = 0
    deleted: int = 0
    plans: int = 0
    refused: int = 0  # stored with less than they brought
    unstorable: int = 0
    events: int = 0
    readings: Counter[str] = field(default_factory=Counter)  # texts by how they were read

    def add(self, other: "Written") -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(slots=True)
class _Wave:
    """Observations of different messages, with what has been decided for each."""

    stored: dict[int, StoredMessage]
    inserts: list[PreparedMessage] = field(default_factory=list)
    updates: list[tuple[PreparedMessage, int]] = field(default_factory=list)
    revised: list[int] = field(default_factory=list)  # those that another text stands for now
    kept: list[int] = field(default_factory=list)  # of those, the ones whose text becomes a former one
    former: list[PreparedMessage] = field(default_factory=list)
    tombstones: list[Observation] = field(default_factory=list)
    deletions: list[Observation] = field(default_factory=list)
    plans: list[MessagePlans] = field(default_factory=list)
    readings: list[str] = field(default_factory=list)
    events: dict[int, list[Event]] = field(default_factory=dict)


class Writer:
    """Writes on one connection of its own, which it opens when it needs one.

    Of several tasks one is in a transaction; what the others bring is made ready meanwhile."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        read: Read,
        parser_of: Callable[[int], str | None],
        *,
        epoch: int | None = None,
    ) -> None:
        """`parser_of` gives the parser that a channel is bound to; None leaves its messages to detection.

        With the epoch of an ingest lease nothing is written once another one has begun."""
        self._epoch = epoch
        self._connect = connect
        self._read = read
        self._parser_of = parser_of
        self._connection: Connection | None = None
        self._turn = asyncio.Lock()

    async def close(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await connection.close(timeout=2)

    async def write(self, observations: Sequence[Observation], covered: Sequence[Covered] = ()) -> Written:
        """Stores observations in their order, and tells what that changed; what they cover is stored with the last.

        A message that the database refuses is stored by itself with less, so that it costs no other message.
        Raises one of PASSING where the same call may succeed later, and LeaseLostError."""
        seen = await self._made_ready(observations)
        *portions, last = _portions(seen)
        written = Written()
        async with self._turn:
            for portion in portions:
                written.add(await self._write_portion(portion, ()))
            # What could not be stored stays a gap, so that it is fetched again and not forgotten.
            written.add(await self._write_portion(last, () if written.unstorable else covered))
        return written

    async def _made_ready(self, observations: Sequence[Observation]) -> list[Seen]:
        seen: list[Seen] = []
        for one in observations:
            seen.append(prepare(one, self._read, self._parser_of(one.channel_id)) if one.kind == "posted" else one)
            if self._turn.locked():  # the transaction that is under way goes on with what the server has answered
                await asyncio.sleep(0)
        return seen

    async def _write_portion(self, seen: Sequence[Seen], covered: Sequence[Covered]) -> Written:
        try:
            return await self._transaction(seen, covered)
        except (*PASSING, LeaseLostError):
            raise
        except Exception:
            log.warning("ingest.split", observations=len(seen), exc_info=True)
            written = Written()
            for part in _halves(seen):
                written.add(await self._isolate(part))
            if covered and not written.unstorable:
                written.add(await self._transaction([], covered))
            return written

    async def _isolate(self, seen: Sequence[Seen]) -> Written:
        """Halves a batch that was refused until the message is found that is to blame."""
        try:
            return await self._transaction(seen, ())
        except (*PASSING, LeaseLostError):
            raise
        except Exception as error:
            written = Written()
            if len(seen) > 1:
                for part in _halves(seen):
                    written.add(await self._isolate(part))
                return written
            only = seen[0]
            correlation_id = str(correlation.of_message(only.message_id))
            lesser = with_less(only, error) if isinstance(only, PreparedMessage) else None
            if lesser is None:
                log.exception("ingest.unstorable", correlation_id=correlation_id)
                written.unstorable = 1
                return written
            log.exception("ingest.refused", correlation_id=correlation_id)
            written.add(await self._isolate([lesser]))
            written.refused = 1 - written.unstorable
            return written

    async def _transaction(self, seen: Sequence[Seen], covered: Sequence[Covered]) -> Written:
        connection = await self._connected()
        written = Written(observations=len(seen))
        try:
            # A connection that swallows everything would otherwise hold what waits for ever.
            async with asyncio.timeout(TRANSACTION_SECONDS):
                await self._write_all(connection, seen, covered, written)
        except BaseException:
            await self._abandon(connection)
            raise
        return written

    async def _write_all(
        self, connection: Connection, seen: Sequence[Seen], covered: Sequence[Covered], written: Written
    ) -> None:
        events = await write_seen(connection, seen, covered, written, first=self._begin)
        reach("writer.rows_written")
        written.events = len(events)
        rows = [(had.channel_id, had.after, had.up_to) for had in covered]
        await commit_events(connection, events, first=sql.with_ids(sql.ADD_COVERAGE, *columns(rows)) if rows else "")
        reach("writer.committed")

    async def _begin(self, connection: Connection, statement: str) -> str:
        status = await begin(connection, self._epoch, then=f"{sql.WITHOUT_SCANS}; {statement}")
        reach("writer.begun")
        return status

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            try:
                self._connection = await self._connect()
            except asyncpg.PostgresError as error:
                raise NotConnectedError(f"{type(error).__name__}: {error}") from error
        return self._connection

    async def _abandon(self, connection: Connection) -> None:
        """Leaves no transaction open: rolled back where the server answers, else the connection goes."""
        try:
            async with asyncio.timeout(2):
                await connection.execute("ROLLBACK")
        except (*PASSING, asyncpg.PostgresError):
            connection.terminate()
            self._connection = None


async def write_seen(
    connection: Connection,
    seen: Sequence[Seen],
    covered: Sequence[Covered],
    written: Written,
    *,
    first: First = Connection.execute,
) -> list[Event]:
    """Stores observations in their order within one transaction; returns what is to be told of it.

    `covered` says which channels are concerned as well; `first` sends the first statement, and may begin the
    transaction with it. Raises one of PASSING where a new attempt may succeed."""
    await _lock_channels(connection, seen, covered, first)
    events: list[Event] = []
    for wave in _waves(await withhold(connection, seen)):
        events += await _write_wave(connection, wave, written)
    return events


def _portions(seen: Sequence[Seen]) -> list[list[Seen]]:
    """One transaction's worth each; nearly always that is all. There is at least one, which may be empty."""
    portions: list[list[Seen]] = [[]]
    setups = 0
    for one in seen:
        own = 0 if isinstance(one, Observation) else one.setups
        if setups + own > SETUP_LIMIT:
            portions.append([])
            setups = 0
        portions[-1].append(one)
        setups += own
    return portions


def _halves(seen: Sequence[Seen]) -> list[Sequence[Seen]]:
    middle = len(seen) // 2
    return [half for half in (seen[:middle], seen[middle:]) if half]


def _waves(seen: Sequence[Seen]) -> Iterator[list[Seen]]:
    """Runs in which no message stands twice, in order of id, which is the order that rows are locked and told in."""
    wave: dict[int, Seen] = {}
    for one in seen:
        if one.message_id in wave:
            yield [wave[message_id] for message_id in sorted(wave)]
            wave = {}
        wave[one.message_id] = one
    if wave:
        yield [wave[message_id] for message_id in sorted(wave)]


async def _lock_channels(
    connection: Connection, seen: Sequence[Seen], covered: Sequence[Covered], first: First
) -> None:
    guilds = {had.channel_id: None for had in covered} | {one.channel_id: one.guild_id for one in seen}
    channels = sorted(guilds)
    status = await first(connection, sql.with_ids(sql.LOCK_CHANNELS, channels))
    if status != f"SELECT {len(channels)}":
        await connection.execute(sql.ADD_CHANNELS, channels, [guilds[channel] for channel in channels])
        await connection.fetch(sql.LOCK_CHANNELS, channels)


async def _write_wave(connection: Connection, seen: Sequence[Seen], written: Written) -> list[Event]:
    wave = _Wave(await message_rows.stored_messages(connection, [one.message_id for one in seen]))
    for one in seen:
        if isinstance(one, Observation):
            _decide_deletion(wave, one)
        else:
            _decide(wave, one)
    await message_rows.insert_messages(connection, wave.inserts, wave.tombstones)
    await message_rows.update_messages(connection, wave.updates, wave.kept)
    for message in wave.former:
        await message_rows.add_former(connection, message)
    changed = [message for message, _ in wave.updates] + wave.former
    await message_rows.remove_repeated_revisions(connection, [message.message_id for message in changed])
    await message_rows.mark_deleted(connection, wave.deletions)
    plan_events = await write_plans(connection, wave.plans)
    told = await message_rows.told_edits(connection, wave.revised)
    written.stored += len(wave.inserts)
    written.readings.update(wave.readings)
    written.edited += len(wave.revised)
    written.deleted += len(wave.deletions) + len(wave.tombstones)
    written.plans += sum(len(message.plans) for message in wave.plans)
    return [
        event
        for message_id in sorted(wave.events)
        for event in (*wave.events[message_id], *plan_events.get(message_id, ()))
        if not (isinstance(event.fact, MessageEdited) and (event.correlation_id, event.fact.edited_at) in told)
    ]


def _decide(wave: _Wave, message: PreparedMessage) -> None:
    stored = wave.stored.get(message.message_id)
    decided = verdict(stored, message)
    if stored is None:
        wave.inserts.append(message)
        _tell(wave, message, MessageStored, None, revision=1)
    elif decided is Verdict.FILL:
        wave.updates.append((message, 1))
        _tell(wave, message, MessageStored, stored, revision=1)
    elif decided is Verdict.REVISE:
        wave.updates.append((message, stored.revision + 1))
        wave.revised.append(message.message_id)
        if message.edited_at != stored.edited_at:
            wave.kept.append(message.message_id)
        _tell(wave, message, MessageEdited, stored, revision=stored.revision + 1)
    elif decided is Verdict.REFRESH:
        wave.updates.append((message, stored.revision))
    elif decided is Verdict.FORMER:
        wave.former.append(message)


def _tell(
    wave: _Wave,
    message: PreparedMessage,
    fact: type[MessageStored | MessageEdited],
    stored: StoredMessage | None,
    *,
    revision: int,
) -> None:
    """A text that was not stored before: its events, and its plans to be written."""
    deleted_at = stored.deleted_at if stored else None
    wave.events[message.message_id] = list(text_events(message, fact=fact, revision=revision, deleted_at=deleted_at))
    wave.readings.append(message.reading.state)
    wave.plans.append(
        MessagePlans(
            message.message_id,
            message.channel_id,
            message.guild_id,
            message.origin,
            is_deleted=deleted_at is not None,
            has_plans=stored is not None and stored.has_plans,
            plans=message.plans,
        )
    )


def _decide_deletion(wave: _Wave, gone: Observation) -> None:
    stored = wave.stored.get(gone.message_id)
    if stored is None:
        wave.tombstones.append(gone)
    elif stored.deleted_at is None:
        wave.deletions.append(gone)
        wave.plans.append(
            MessagePlans(
                gone.message_id,
                stored.channel_id,
                stored.guild_id,
                gone.origin,
                is_deleted=True,
                has_plans=stored.has_plans,
                plans=(),
            )
        )
    else:
        return
    wave.events[gone.message_id] = [deleted_event(gone, stored)]
