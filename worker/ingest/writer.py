"""The only writer of messages, plans, setups and levels: one transaction for whatever waits."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import asyncpg
import structlog
from asyncpg import Connection

from worker import correlation
from worker.db.lease import LeaseLostError, begin
from worker.events.outbox import commit_events
from worker.failpoints import reach
from worker.faults import named
from worker.ingest import statements as sql
from worker.ingest.message_rows import RacedError
from worker.ingest.message_writer import Seen, Written, write_seen
from worker.ingest.observation import Covered, Observation
from worker.ingest.plan_rows import columns
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
OBSERVATION_LIMIT = 800  # of several writes in one transaction, which live messages of the same channels wait for
WRITES_AT_ONCE = 16  # what is made ready takes memory: some pages can be a megabyte each
LONG_TEXT = 250  # characters, which take as long as a short message
# Short messages, before the transaction that is under way goes on with what the server has answered.
MADE_READY_AT_ONCE = 16

log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class _Brought:
    """What one call of `write` brought, made ready; `written` once it is committed."""

    seen: Sequence[Seen]
    covered: Sequence[Covered]
    setups: int
    written: Written | None = None
    is_alone: bool = False  # since what it went together with could not be written


class Writer:
    """Writes on one connection of its own, which it opens when it needs one.

    Of several tasks one is in a transaction, in which it takes along what others brought before it began; what they
    bring meanwhile is made ready."""

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
        self._room = asyncio.Semaphore(WRITES_AT_ONCE)
        self._making_ready = asyncio.Lock()
        self._turn = asyncio.Lock()
        self._waiting: list[_Brought] = []

    async def close(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await connection.close(timeout=2)

    async def write(self, observations: Sequence[Observation], covered: Sequence[Covered] = ()) -> Written:
        """Stores observations in their order, and tells what that changed; what they cover is stored with the last.

        A message that the database refuses is stored by itself with less, so that it costs no other message.
        Raises one of PASSING where the same call may succeed later, and LeaseLostError."""
        async with self._room:
            async with self._making_ready:
                seen = await self._made_ready(observations)
            own = _Brought(seen, covered, sum(map(_setups, seen)))
            self._waiting.append(own)
            try:
                async with self._turn:
                    if own.written is None:
                        own.written = await self._write_together(own) or await self._write_alone(own)
            finally:
                self._waiting.remove(own)
            return own.written

    async def _made_ready(self, observations: Sequence[Observation]) -> list[Seen]:
        seen: list[Seen] = []
        since = 0
        for one in observations:
            if one.kind != "posted":
                seen.append(one)
                continue
            message = prepare(one, self._read, self._parser_of(one.channel_id))
            seen.append(message)
            since += 1 + len(message.text) // LONG_TEXT
            if since >= MADE_READY_AT_ONCE:
                since = 0
                await asyncio.sleep(0)
        return seen

    async def _write_together(self, own: _Brought) -> Written | None:
        """One transaction for what this call and the ones behind it brought.

        None: it has to be written by itself, as each of those has whose transaction failed, whoever was to blame."""
        together = _short([one for one in self._waiting if one.written is None and not one.is_alone])
        if own.is_alone or len(together) < 2:
            return None
        try:
            covered = [had for one in together for had in one.covered]
            written = await self._transaction([one.seen for one in together], covered)
        except LeaseLostError:
            raise
        except Exception:
            log.warning("ingest.split", observations=sum(len(one.seen) for one in together), exc_info=True)
            for one in together:
                one.is_alone = True
            return None
        for one, its in zip(together, written, strict=True):
            one.written = its
        return own.written

    async def _write_alone(self, own: _Brought) -> Written:
        *portions, last = _portions(own.seen)
        written = Written()
        for portion in portions:
            written.add(await self._write_portion(portion, ()))
        # What could not be stored stays a gap, so that it is fetched again and not forgotten.
        written.add(await self._write_portion(last, () if written.unstorable else own.covered))
        return written

    async def _write_portion(self, seen: Sequence[Seen], covered: Sequence[Covered]) -> Written:
        try:
            return (await self._transaction([seen], covered))[0]
        except (*PASSING, LeaseLostError):
            raise
        except Exception:
            log.warning("ingest.split", observations=len(seen), exc_info=True)
            written = Written()
            for part in _halves(seen):
                written.add(await self._isolate(part))
            if covered and not written.unstorable:
                await self._transaction([], covered)
            return written

    async def _isolate(self, seen: Sequence[Seen]) -> Written:
        """Halves a batch that was refused until the message is found that is to blame."""
        try:
            return (await self._transaction([seen], ()))[0]
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

    async def _transaction(self, parts: Sequence[Sequence[Seen]], covered: Sequence[Covered]) -> list[Written]:
        """What each of the parts changed."""
        connection = await self._connected()
        written = [Written(observations=len(part)) for part in parts]
        tally = {one.message_id: its for part, its in zip(parts, written, strict=True) for one in part}
        try:
            # A connection that swallows everything would otherwise hold what waits for ever.
            async with asyncio.timeout(TRANSACTION_SECONDS):
                await self._write_all(connection, [one for part in parts for one in part], covered, tally)
        except BaseException:
            await self._abandon(connection)
            raise
        return written

    async def _write_all(
        self, connection: Connection, seen: Sequence[Seen], covered: Sequence[Covered], tally: Mapping[int, Written]
    ) -> None:
        events = await write_seen(connection, seen, covered, tally, first=self._begin)
        reach("writer.rows_written")
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
                raise NotConnectedError(named(error)) from error
        return self._connection

    async def _abandon(self, connection: Connection) -> None:
        """Leaves no transaction open: rolled back where the server answers, else the connection goes."""
        try:
            async with asyncio.timeout(2):
                await connection.execute("ROLLBACK")
        except BaseException as error:
            connection.terminate()
            self._connection = None
            if not isinstance(error, (*PASSING, asyncpg.PostgresError)):
                raise


def _portions(seen: Sequence[Seen]) -> list[list[Seen]]:
    """One transaction's worth each; nearly always that is all. There is at least one, which may be empty."""
    portions: list[list[Seen]] = [[]]
    setups = 0
    for one in seen:
        own = _setups(one)
        if setups + own > SETUP_LIMIT:
            portions.append([])
            setups = 0
        portions[-1].append(one)
        setups += own
    return portions


def _short(waiting: Sequence[_Brought]) -> list[_Brought]:
    """The first of what waits, as far as one transaction may go."""
    together: list[_Brought] = []
    observations = setups = 0
    for one in waiting:
        observations += len(one.seen)
        setups += one.setups
        if observations > OBSERVATION_LIMIT or setups > SETUP_LIMIT:
            break
        together.append(one)
    return together


def _setups(seen: Seen) -> int:
    return 0 if isinstance(seen, Observation) else seen.setups


def _halves(seen: Sequence[Seen]) -> list[Sequence[Seen]]:
    middle = len(seen) // 2
    return [half for half in (seen[:middle], seen[middle:]) if half]
