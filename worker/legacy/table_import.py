"""Brings one old table over: each batch in one transaction, with what is kept of its rows and the checkpoint."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import asyncpg
import structlog
from asyncpg import Connection

from worker.events.outbox import commit_events
from worker.faults import named
from worker.ingest.erased_imports import Place, erased_rows, keep_places
from worker.ingest.writer import PASSING
from worker.legacy.batch import ERASED_ROW, Batch, sort_batch
from worker.legacy.fields import NEW_TABLES
from worker.legacy.kept_rows import RefusedRow, keep_refused, keep_taken, mapped_rows, release
from worker.legacy.old_rows import row_text
from worker.legacy.plan import TablePlan
from worker.legacy.posts import Post
from worker.legacy.runs import Run, TableProgress, keep_progress
from worker.legacy.target import ReadRow, Refusal, Taken, Target, Written

ATTEMPTS = 5  # at one batch, where another session's transaction is in the way
RETRY_SECONDS = 0.1  # after the first attempt; doubles

# What PostgreSQL says of a row, as against what it says of us or of itself.
OF_ONE_ROW = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
    asyncpg.RaiseError,
)

log = structlog.get_logger(__name__)


class TableImport:
    """The import of one table within a run. `is_new`: nothing was kept of the table before it.

    `retry`: rows in quarantine are tried again."""

    def __init__(
        self, connection: Connection, run: Run, plan: TablePlan, target: Target, *, is_new: bool, retry: bool
    ) -> None:
        self._connection = connection
        self._run = run
        self._plan = plan
        self._label = plan.table.label
        self._new_table = NEW_TABLES[plan.role]
        self._target = target
        self._is_new = is_new
        self._retry = retry

    async def take(self, rows: Sequence[ReadRow]) -> None:
        """The next rows in their order; those that an earlier process of this run has done are only recalled.

        A row that the database refuses is quarantined by itself, so that it costs no other row.
        Raises one of PASSING where the database is away."""
        if done := rows[: max(self._run.tables[self._label].position - rows[0].row.position, 0)]:
            mapped = await mapped_rows(self._connection, self._label, [read.row.key for read in done])
            await self._target.recall([(read, mapped[read.row.key]) for read in done if read.row.key in mapped])
        if due := rows[len(done) :]:
            await self._isolated(due)

    async def _isolated(self, rows: Sequence[ReadRow]) -> None:
        """Halves a batch that is refused until the row is found that is to blame."""
        try:
            await self._persistently(rows, None)
        except OF_ONE_ROW as error:
            if len(rows) == 1:
                log.warning("legacy.refused", table=self._label, key=rows[0].row.key, error=type(error).__name__)
                await self._persistently(rows, Refusal("refused", named(error)))
                return
            await self._isolated(rows[: len(rows) // 2])
            await self._isolated(rows[len(rows) // 2 :])

    async def _persistently(self, rows: Sequence[ReadRow], refusal: Refusal | None) -> None:
        """A live writer can be in the way for a moment; a connection that is lost is not to be mended here."""
        for attempt in range(ATTEMPTS):
            try:
                await self._transaction(rows, refusal)
            except PASSING as error:
                if self._connection.is_closed() or attempt == ATTEMPTS - 1:
                    raise
                log.info("legacy.retried", table=self._label, reason=named(error))
                await asyncio.sleep(RETRY_SECONDS * 2**attempt)
            else:
                return

    async def _transaction(self, rows: Sequence[ReadRow], refusal: Refusal | None) -> None:
        """`refusal` is what the database said of these rows when they were written."""
        progress = TableProgress.of(self._run.tables[self._label].stored())
        batch = await sort_batch(
            self._connection,
            self._label,
            self._target,
            rows,
            is_new=self._is_new,
            retry=self._retry,
            erased=await erased_rows(
                self._connection, lambda: {read.row.key: row_text(self._plan.table, read.row.cells) for read in rows}
            ),
        )
        accepted, entries = await self._placed(batch, refusal)
        await self._connection.execute("BEGIN; SET LOCAL worker.import = 'on'")
        try:
            written = await self._target.write(entries, progress)
            taken = list(zip(accepted, written.taken, strict=True))
            taken += _copies(batch, taken)
            await self._keep(batch, taken)
            _count(batch, taken, progress)
            progress.position = rows[-1].row.position + 1
            await keep_progress(self._connection, self._run, self._label, progress)
            await self._commit(written)
        except BaseException:
            if not self._connection.is_closed():
                await self._connection.execute("ROLLBACK")
            raise
        self._run.tables[self._label] = progress
        self._run.written += len(taken) + len(batch.refused)
        await self._target.recall([*batch.known, *taken])

    async def _placed(self, batch: Batch, refusal: Refusal | None) -> tuple[list[ReadRow], list[Any]]:
        """The fresh rows that are taken, and what is to be written of each."""
        if refusal is not None:
            batch.refused += [(read, refusal) for read in batch.fresh]
            return [], []
        accepted: list[ReadRow] = []
        entries: list[Any] = []
        placed = await self._target.place([read.found for read in batch.fresh])
        for read, entry in zip(batch.fresh, placed, strict=True):
            if isinstance(entry, Refusal):
                batch.refused.append((read, entry))
            else:
                accepted.append(read)
                entries.append(entry)
        return accepted, entries

    async def _keep(self, batch: Batch, taken: Sequence[tuple[ReadRow, Taken]]) -> None:
        await keep_taken(self._connection, self._label, self._new_table, taken)
        if self._retry:
            await release(self._connection, self._label, [read.row.key for read, _ in (*taken, *batch.known)])
        table = self._plan.table
        refused = [
            RefusedRow(
                read.row.key,
                refusal,
                "{}" if refusal.reason == ERASED_ROW.reason else row_text(table, read.row.cells),
            )
            for read, refusal in batch.refused
        ]
        await keep_refused(self._connection, self._label, refused)
        await keep_places(self._connection, [*_places(batch)])

    async def _commit(self, written: Written) -> None:
        """What every reader is told takes the lock that orders events, with COMMIT in the same round trip."""
        if written.events:
            await self._connection.execute("SET LOCAL worker.import = 'off'")
        await commit_events(self._connection, written.events)


def _places(batch: Batch) -> Iterator[Place]:
    """The messages that rows about erased people are of, where the rows know them."""
    for read, refusal in batch.refused:
        post = read.found
        if refusal == ERASED_ROW and isinstance(post, Post) and post.message_id is not None:
            yield Place(post.message_id, post.channel_id, post.guild_id, post.posted_at)


def _copies(batch: Batch, taken: Sequence[tuple[ReadRow, Taken]]) -> list[tuple[ReadRow, Taken]]:
    """A row that equals another one has become what that one became, or is refused as it is."""
    if not batch.copies:
        return []
    became = batch.mapped | {read.row.key: one for read, one in taken}
    reasons = batch.reasons | {read.row.key: refusal.reason for read, refusal in batch.refused}
    merged = []
    for read in batch.copies:
        original = read.row.copy_of or ""
        if original in became:
            merged.append((read, Taken("merged", became[original].new_id)))
        else:
            batch.refused.append((read, Refusal(reasons[original], f"equals the row {original}")))
    return merged


def _count(batch: Batch, taken: Sequence[tuple[ReadRow, Taken]], progress: TableProgress) -> None:
    outcomes = Counter(one.outcome for _, one in taken)
    progress.inserted += outcomes["inserted"]
    progress.merged += outcomes["merged"]
    progress.already_there += outcomes["already_there"] + len(batch.known)
    for read in batch.waiting:
        progress.quarantine(batch.reasons[read.row.key])
    for _, refusal in batch.refused:
        progress.quarantine(refusal.reason)
