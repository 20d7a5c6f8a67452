"""Brings all tables of a plan over, one after the other, and proves it."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field

from asyncpg import Connection

from worker.collector import FOR_ROWS, rare_collections
from worker.ingest.channels import ChannelBook, load_channels
from worker.legacy.channels import ChannelRows
from worker.legacy.ending import InterruptedImportError
from worker.legacy.fields import Role
from worker.legacy.kept_rows import is_new
from worker.legacy.known_texts import KnownTexts
from worker.legacy.messages import MessageRows
from worker.legacy.old_rows import OldRow, read_rows, table_state
from worker.legacy.past_events import EventRows
from worker.legacy.plan import Plan, TablePlan
from worker.legacy.runs import Run
from worker.legacy.table_import import TableImport
from worker.legacy.target import ReadRow, Refusal, Target
from worker.legacy.verification import Verification, conclude, verify
from worker.views.progress import Advance, shown_progress

BATCH_ROWS: Mapping[Role, int] = {"channels": 500, "messages": 200, "ingestion_status": 500, "events": 10_000}
"""Rows a transaction. One of messages holds their channel for as long as it takes, so it is short."""

SLICE_SECONDS = 0.002  # of reading without a look at the connections


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done. `retry`: rows in quarantine are tried again. `batch_rows` is how many a transaction takes."""

    plan: Plan
    run: Run
    retry: bool = False
    batch_rows: Mapping[Role, int] = field(default_factory=lambda: BATCH_ROWS)


class Importing:
    """A run at work. `stop` is set to end it after the batch that is being written."""

    def __init__(self, reader: Connection, writer: Connection, work: Work, stop: asyncio.Event) -> None:
        self._reader = reader
        self._writer = writer
        self._work = work
        self._stop = stop
        self._book = ChannelBook()
        self._known_texts = KnownTexts(writer, work.plan.plan_timezone)
        self._imported_channels: set[int] = set()
        self._targets: dict[str, Target] = {}

    async def bring(self) -> None:
        """Raises InterruptedImportError when it is told to stop, one of PASSING when the database is lost."""
        plans = self._work.plan.tables
        if any(plan.role == "messages" for plan in plans):
            await self._known_texts.load()
        rows = sum(plan.table.rows for plan in plans)
        with rare_collections(FOR_ROWS), shown_progress("legacy.import", rows, unit="rows") as advance:
            for plan in plans:
                # Messages are read by the parsers of their channels, which may have come with the table before.
                self._book.replace(await load_channels(self._writer))
                await self._bring_table(plan, advance)

    async def _bring_table(self, plan: TablePlan, advance: Advance) -> None:
        label, run = plan.table.label, self._work.run
        target = self._targets[label] = self._target(plan)
        is_first = run.tables[label].position == 0 and await is_new(self._writer, label)
        table_import = TableImport(self._writer, run, plan, target, is_new=is_first, retry=self._work.retry)
        # What was imported before need not be parsed again.
        async with aclosing(self._batches(plan, "importing", advance, study=is_first)) as batches:
            async for rows in batches:
                await table_import.take(rows)

    async def prove(self) -> dict[str, Verification]:
        """Reads everything again, on both sides. Raises as `bring` does."""
        plans = self._work.plan.tables
        rows = sum(plan.table.rows for plan in plans)
        found = {}
        with rare_collections(FOR_ROWS), shown_progress("legacy.verify", rows, unit="rows") as advance:
            for plan in plans:
                label = plan.table.label
                async with aclosing(self._batches(plan, "verifying", advance, study=False)) as batches:
                    found[label] = await verify(self._writer, label, self._targets[label], batches)
        for plan in plans:
            label = plan.table.label
            conclude(found[label], self._work.run.tables[label], await table_state(self._reader, plan.table))
        return found

    def _target(self, plan: TablePlan) -> Target:
        if plan.role == "events":
            return EventRows(self._writer, plan, self._work.run.tables[plan.table.label].first_event_id)
        if plan.role == "messages":
            timezone = self._work.plan.plan_timezone
            return MessageRows(self._writer, plan, self._known_texts, timezone, self._book.parser_of)
        return ChannelRows(self._writer, plan, self._imported_channels)

    async def _batches(
        self, plan: TablePlan, doing: str, advance: Advance, *, study: bool
    ) -> AsyncGenerator[list[ReadRow], None]:
        """The rows of one table, each batch read while the one before is being written."""
        tables = [one.table for one in self._work.plan.tables]
        before = sum(table.rows for table in tables[: tables.index(plan.table)])
        batches = read_rows(self._reader, plan.table, self._work.batch_rows[plan.role])
        target = self._targets[plan.table.label]

        def read_next() -> asyncio.Task[list[ReadRow]]:
            return asyncio.create_task(_read(batches, target, study=study))

        ahead = read_next()
        try:
            while rows := await ahead:
                if self._stop.is_set():
                    raise InterruptedImportError("Stopped: the same command goes on where this one ended.")
                ahead = read_next()
                yield rows
                done = before + rows[-1].row.position + 1
                advance(f"{doing} {plan.table.label}", done, done)
        finally:
            ahead.cancel()
            await asyncio.gather(ahead, return_exceptions=True)


async def _read(batches: AsyncIterator[list[OldRow]], target: Target, *, study: bool) -> list[ReadRow]:
    """The next batch; in slices, so that the connection that writes is served in between."""
    read: list[ReadRow] = []
    slice_ends = 0.0
    for row in await anext(batches, []):
        if time.monotonic() > slice_ends:
            await asyncio.sleep(0)
            slice_ends = time.monotonic() + SLICE_SECONDS
        found = target.read(row)
        if isinstance(found, Refusal):
            read.append(ReadRow(row, found, ""))
        else:
            read.append(ReadRow(row, target.study(found) if study else found, target.kept(row, found)))
    return read
