"""Sorts the rows of a batch by what is to be done with each, by what is kept of earlier imports."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from asyncpg import Connection

from worker.legacy.kept_rows import changed_rows, mapped_rows, quarantined_rows
from worker.legacy.target import ReadRow, Refusal, Taken, Target
from worker.words import QuarantineReason

ERASED_ROW = Refusal("erased", "")


@dataclass(slots=True)
class Batch:
    """`fresh` rows are to be made into something, `copies` equal an earlier row, `known` ones were taken before.

    `waiting` are in quarantine and stay there. `mapped` and `reasons` say of earlier rows what became of them."""

    fresh: list[ReadRow] = field(default_factory=list)
    copies: list[ReadRow] = field(default_factory=list)
    known: list[tuple[ReadRow, Taken]] = field(default_factory=list)
    refused: list[tuple[ReadRow, Refusal]] = field(default_factory=list)
    waiting: list[ReadRow] = field(default_factory=list)
    mapped: dict[str, Taken] = field(default_factory=dict)
    reasons: dict[str, QuarantineReason] = field(default_factory=dict)


async def sort_batch(
    connection: Connection,
    label: str,
    target: Target,
    rows: Sequence[ReadRow],
    *,
    is_new: bool,
    retry: bool,
    erased: Collection[str] = (),
) -> Batch:
    """`is_new`: nothing was kept of this table before. `retry`: what is in quarantine is fresh again. `erased` are the
    keys of rows about people who are not to be stored."""
    batch = Batch()
    keys = [read.row.copy_of for read in rows if read.row.copy_of is not None]
    if not is_new:
        keys += [read.row.key for read in rows]
    if keys:
        batch.mapped = await mapped_rows(connection, label, keys)
        batch.reasons = await quarantined_rows(connection, label, keys)
    known = [(read, batch.mapped[read.row.key]) for read in rows if read.row.key in batch.mapped]
    changed = await _changed(connection, label, target, known) if known else set()
    for read in rows:
        row = read.row
        if row.key in batch.reasons and not retry:
            batch.waiting.append(read)
        elif row.key in erased:
            batch.refused.append((read, ERASED_ROW))
        elif row.key in changed:
            batch.refused.append((read, Refusal("changed", "the row says something else than when it was imported")))
        elif row.key in batch.mapped:
            batch.known.append((read, batch.mapped[row.key]))
        elif row.copy_of is not None:
            batch.copies.append(read)
        elif isinstance(read.found, Refusal):
            batch.refused.append((read, read.found))
        else:
            batch.fresh.append(read)
    return batch


async def _changed(
    connection: Connection, label: str, target: Target, known: Sequence[tuple[ReadRow, Taken]]
) -> set[str]:
    """The keys of rows that are no longer what they were, be it in what is kept of them or in what became of them."""
    changed = await changed_rows(connection, label, {read.row.key: read.kept for read, _ in known})
    pairs = await target.compare(known)
    return changed | {
        read.row.key for (read, _), pair in zip(known, pairs, strict=True) if pair.expected != pair.actual
    }
