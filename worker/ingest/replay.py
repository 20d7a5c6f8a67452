"""Messages from exported files to the writer.

A replay is second-hand: it fills holes and never overrides what Discord itself told. It proves no coverage, because an
export can have holes of its own."""

import asyncio
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import structlog

import parsers
from parsers.reading import Reading
from worker.db.connection import Database, connect, connected, wait_until_ready
from worker.exits import InputError, UnavailableError
from worker.faults import named
from worker.ingest.channels import ChannelBook, Described, describe_channels, load_channels
from worker.ingest.exports import Export, ExportChannel, Record, open_export, snowflake
from worker.ingest.message_writer import Written
from worker.ingest.observation import Observation
from worker.ingest.writer import PASSING, Writer

BATCH_SIZE = 500  # messages a transaction: the channel is locked for as long as one takes
ATTEMPTS = 5  # to write one batch
RETRY_SECONDS = 0.1  # after the first attempt; doubles
TRANSACTION_TIMEOUT = "2s"  # a stalled writer must not hold the lock that orders events
LEFT_OUT_NAMED = 5  # records of a file that its sentence names

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Replayed:
    """What came of a replay, in messages but for `plans` and `unread_lines`.

    `unread_lines` counts those of all messages read, `plans` and `parse_failures` those of what was stored.
    `problems` has a sentence for every file that was not read whole."""

    read: int = 0
    stored: int = 0
    edited: int = 0
    plans: int = 0
    unread_lines: int = 0
    parse_failures: int = 0
    failed: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def already_there(self) -> int:
        return self.read - self.stored - self.edited - self.failed


class Progress(NamedTuple):
    """How far a replay is: messages and bytes read of all files so far."""

    path: Path
    messages: int
    bytes_read: int


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """`channel_id` is the channel of messages that do not say theirs, `timezone` that of plans without a date.

    `wait_seconds` bounds the wait for a database that goes away meanwhile."""

    channel_id: int | None
    timezone: str
    wait_seconds: float


def check_files(paths: Sequence[Path], *, channel_id: int | None) -> None:
    """Raises NotFoundError or InputError for the first file that is not there or of another format."""
    for path in paths:
        if not path.is_fifo():  # which can be read only once
            with open_export(path, channel_id=channel_id):
                pass


async def replay(
    database: Database, paths: Sequence[Path], options: ReplayOptions, on_progress: Callable[[Progress], None]
) -> Replayed:
    """Stores the messages of the files, one file after the other; what cannot be read is left out and named.

    Raises UnavailableError when the database stays away, and as `check_files` does."""
    run = _Replay(database, options, on_progress)
    try:
        for path in paths:
            with open_export(path, channel_id=options.channel_id) as export:
                await run.file(export)
    finally:
        await run.close()
    replayed = run.replayed
    log.info("replay.completed", files=len(paths), read=replayed.read, stored=replayed.stored, edited=replayed.edited)
    return replayed


class _Replay:
    def __init__(self, database: Database, options: ReplayOptions, on_progress: Callable[[Progress], None]) -> None:
        self.replayed = Replayed()
        self._database = database
        self._options = options
        self._on_progress = on_progress
        self._bytes_before = 0
        self._unread_lines = 0
        self._book = ChannelBook()
        session = functools.partial(
            connect, database, purpose="writer-replay", idle_in_transaction_timeout=TRANSACTION_TIMEOUT
        )
        self._writer = Writer(session, self._read, self._book.parser_of)

    async def close(self) -> None:
        await self._writer.close()

    async def file(self, export: Export) -> None:
        replayed, left_out = self.replayed, _LeftOut()
        await self._meet(export.channel)
        try:
            for batch in _batches(export.records()):
                replayed.read += len(batch)
                left_out.add(record for record in batch if record.payload is None)
                await self._write([_observation(record) for record in batch if record.payload is not None])
                self._on_progress(Progress(export.path, replayed.read, self._bytes_before + export.bytes_read()))
        except InputError as error:
            replayed.problems.append(str(error))
        if left_out.count:
            replayed.failed += left_out.count
            replayed.problems.append(left_out.sentence(export.path))
        self._bytes_before += export.bytes_read()

    async def _meet(self, channel: ExportChannel | None) -> None:
        """A channel that nothing is known of gets the name that its export tells; it is not listened to."""
        async with connected(self._database, purpose="replay") as connection:
            known = await load_channels(connection)
            if channel is not None and not any(one.channel_id == channel.channel_id and one.name for one in known):
                await describe_channels(connection, [Described(**asdict(channel))], None)
                known = await load_channels(connection)
        self._book.replace(known)

    async def _write(self, observations: Sequence[Observation]) -> None:
        if not observations:
            return
        written = await self._written(observations)
        replayed = self.replayed
        replayed.stored += written.stored
        replayed.edited += written.edited
        replayed.plans += written.plans
        replayed.failed += written.unstorable
        replayed.parse_failures += written.readings["failed"]
        replayed.unread_lines += self._unread_lines

    async def _written(self, observations: Sequence[Observation]) -> Written:
        reason = ""
        for attempt in range(ATTEMPTS):
            self._unread_lines = 0
            try:
                return await self._writer.write(observations)
            except PASSING as error:
                reason = named(error)
            log.warning("replay.write_retried", reason=reason)
            await asyncio.sleep(RETRY_SECONDS * 2**attempt)
            await wait_until_ready(self._database, wait_seconds=self._options.wait_seconds)
        raise UnavailableError(
            f"The database refused to write {ATTEMPTS} times in a row ({reason}): what was written before stays; "
            "run the same command again when the database is well."
        )

    def _read(self, text: str, posted_at: datetime, parser: str | None) -> Reading:
        reading = parsers.parse(text, posted_at, timezone=self._options.timezone, format=parser)
        self._unread_lines += len(reading.unread)
        return reading


@dataclass(slots=True)
class _LeftOut:
    """The records of a file that are no message, the first of them by name."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, records: Iterable[Record]) -> None:
        for record in records:
            self.count += 1
            if len(self.first) < LEFT_OUT_NAMED:
                self.first.append(f"{record.place} {record.reason}")

    def sentence(self, path: Path) -> str:
        more = f" and {self.count - len(self.first)} more" if self.count > len(self.first) else ""
        return f"{path} has {self.count} that could not be read: {', '.join(self.first)}{more}; the others are stored."


def _batches(records: Iterator[Record]) -> Iterator[list[Record]]:
    """What was read before a file breaks off is a batch too; then the error is raised."""
    batch: list[Record] = []
    try:
        for record in records:
            batch.append(record)
            if len(batch) == BATCH_SIZE:
                yield batch
                batch = []
    except InputError:
        yield batch
        raise
    yield batch


def _observation(record: Record) -> Observation:
    payload = record.payload or {}
    message_id, channel_id = snowflake(payload.get("id")), snowflake(payload.get("channel_id"))
    if message_id is None or channel_id is None:
        raise ValueError(f"{record.place} was not checked")
    guild_id = snowflake(payload.get("guild_id"))
    return Observation("posted", "replay", message_id, channel_id, guild_id, datetime.now(UTC), payload)
