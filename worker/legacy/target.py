"""What the rows of an old table are made into: one class for each role, all with the same steps."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from struct import Struct
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from asyncpg import Connection

from worker.db.packing import EPOCH, JSONB_VERSION, MICROSECOND, copy_packed, pack_text
from worker.events.catalogue import Event
from worker.legacy.old_rows import OldRow
from worker.legacy.runs import TableProgress
from worker.words import ImportOutcome, QuarantineReason

_EVENT_COLUMNS = ("id", "channel", "event_type", "source", "correlation_id", "data", "created_at")
# Fields of a row in COPY's binary form, each with what stands before it.
_pack_id, _pack_correlation, _pack_time = Struct("!hiq").pack, Struct("!i16sib").pack, Struct("!iq").pack


class Refusal(NamedTuple):
    """Why a row is not taken; `detail` is for people."""

    reason: QuarantineReason
    detail: str


class PastEvent(NamedTuple):
    """A row of `events` with an id below zero, where readers that start at 0 never come."""

    event_id: int
    channel: str
    event_type: str
    source: str
    correlation_id: UUID
    data: str
    created_at: datetime


class ReadRow(NamedTuple):
    """A row with what `Target.read` says of it, and what is to be kept of it: JSON, column to text."""

    row: OldRow
    found: Any | Refusal
    kept: str


class Taken(NamedTuple):
    """What became of a row: the row of ours that it is in, by id."""

    outcome: ImportOutcome
    new_id: int


@dataclass(slots=True)
class Written:
    """What a write did, row by row. `events` are facts of today, for every reader."""

    taken: list[Taken]
    events: list[Event] = field(default_factory=list)


class Pair(NamedTuple):
    """The mapped columns of a row as they should be and as they are, in one spelling."""

    expected: str
    actual: str


class Target(Protocol):
    """The steps of an import for one old table.

    `read` says what a row holds, or why it is refused, by itself; `study` does the slow part of that ahead of its turn.
    `kept` has what the new row would not hold to the letter. `place` says by what is stored what is to be written.
    `write` does that inside the open transaction and counts in `progress` what it makes.
    `recall` is told what is committed, be it by this process or by one before it.
    `compare` reads back what rows became; one that is not there is compared with nothing."""

    def read(self, row: OldRow) -> Any | Refusal: ...

    def study(self, found: Any) -> Any: ...

    def kept(self, row: OldRow, found: Any) -> str: ...

    async def place(self, found: Sequence[Any]) -> list[Any | Refusal]: ...

    async def write(self, entries: Sequence[Any], progress: TableProgress) -> Written: ...

    async def recall(self, rows: Sequence[tuple[ReadRow, Taken]]) -> None: ...

    async def compare(self, rows: Sequence[tuple[ReadRow, Taken]]) -> list[Pair]: ...


async def tell_past(connection: Connection, events: Sequence[PastEvent]) -> None:
    """Writes events below zero; the transaction must have turned the lock that orders events off."""
    if events:
        await copy_packed(connection, "events", _EVENT_COLUMNS, map(_packed, events))


def _packed(event: PastEvent) -> bytes:
    event_id, channel, event_type, source, correlation_id, data, created_at = event
    encoded = data.encode()
    fields = (
        _pack_id(len(_EVENT_COLUMNS), 8, event_id),
        _packed_names(channel, event_type, source),
        _pack_correlation(16, correlation_id.bytes, len(encoded) + 1, JSONB_VERSION),
        encoded,
        _pack_time(8, (created_at - EPOCH) // MICROSECOND),
    )
    return b"".join(fields)


@lru_cache(maxsize=1024)  # few facts have a name of their own
def _packed_names(*names: str) -> bytes:
    return b"".join(map(pack_text, names))
