"""Proves that everything arrived: counts, a checksum over the mapped columns on both sides, rows side by side."""

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from asyncpg import Connection

from worker.legacy.kept_rows import mapped_rows, quarantined_rows
from worker.legacy.old_rows import TableState
from worker.legacy.runs import TableProgress
from worker.legacy.target import Pair, ReadRow, Target

SAMPLE_ROWS = 3  # side by side, of each table
DIFFERENCES_SHOWN = 10
_CHECKSUM_MODULUS = 1 << 64


@dataclass(slots=True)
class Verification:
    """What was found of one table. The checksums are sums, so no order matters; they are of the rows in legacy_map.

    `missing` counts rows that are neither there nor in quarantine."""

    rows: int = 0
    mapped: int = 0
    quarantined: int = 0
    missing: int = 0
    is_conserved: bool = False
    is_unchanged: bool = False
    expected_checksum: int = 0
    actual_checksum: int = 0
    sample: list[Pair] = field(default_factory=list)
    differences: list[Pair] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return (
            self.is_conserved
            and self.is_unchanged
            and not self.missing
            and not self.differences
            and self.expected_checksum == self.actual_checksum
        )


async def verify(
    connection: Connection, label: str, target: Target, batches: AsyncIterator[Sequence[ReadRow]]
) -> Verification:
    """Reads every old row again, and beside it what it became. The two last promises are for `conclude`."""
    found = Verification()
    async for rows in batches:
        keys = [read.row.key for read in rows]
        quarantined = await quarantined_rows(connection, label, keys)
        mapped = await mapped_rows(connection, label, keys)
        taken = [
            (read, mapped[read.row.key]) for read in rows if read.row.key in mapped and read.row.key not in quarantined
        ]
        for pair in await target.compare(taken):
            _add(found, pair)
        found.rows += len(rows)
        found.mapped += len(taken)
        found.quarantined += len(quarantined)
        found.missing += len(rows) - len(taken) - len(quarantined)
    return found


def conclude(found: Verification, progress: TableProgress, state: TableState) -> None:
    """Adds that every row is accounted for once, and that the old table is what it was at the start."""
    found.is_conserved = (
        progress.is_conserved
        and found.rows == progress.position
        and found.quarantined == progress.quarantined
        and found.mapped == progress.inserted + progress.already_there + progress.merged
    )
    found.is_unchanged = progress.state == state


def _add(found: Verification, pair: Pair) -> None:
    found.expected_checksum = (found.expected_checksum + _hash(pair.expected)) % _CHECKSUM_MODULUS
    found.actual_checksum = (found.actual_checksum + _hash(pair.actual)) % _CHECKSUM_MODULUS
    if len(found.sample) < SAMPLE_ROWS:
        found.sample.append(pair)
    if pair.expected != pair.actual and len(found.differences) < DIFFERENCES_SHOWN:
        found.differences.append(pair)


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.md5(text.encode(), usedforsecurity=False).digest()[:8])
