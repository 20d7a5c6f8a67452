"""Old events: to `events`, with ids below zero in their old order and at their own time."""

import json
import re
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from asyncpg import Connection, Record

from worker import correlation
from worker.events.catalogue import DATA_LIMIT_BYTES
from worker.legacy.catalogue import INTEGERS
from worker.legacy.cells import Moments, json_of, message_snowflake
from worker.legacy.old_rows import OldRow, json_name, kept_json
from worker.legacy.plan import TablePlan
from worker.legacy.runs import EVENT_IDS, TableProgress
from worker.legacy.target import Pair, PastEvent, ReadRow, Refusal, Taken, Written, tell_past


class _Column(NamedTuple):
    """A column of the old table, with its name as it is kept; `place` is where its value stands in PastEvent."""

    name: str
    cell: int
    place: int


_HELD_TO_THE_LETTER = {
    *((field, kind) for field in ("channel", "event_type") for kind in ("text", "character varying")),
    ("data", "jsonb"),
}
_MESSAGE_ID = re.compile(r'"message_?[iI]d"\s*:\s*"?\s*(\d{16,19})\b')

NO_CHANNEL = "legacy"  # the channel of events that name none
LONGEST_CHANNEL, LONGEST_TYPE = 50, 100  # characters, as the columns have them

_STORED = """
SELECT id, channel, event_type, correlation_id, created_at, data::text AS data
  FROM events WHERE id = ANY($1::bigint[])
"""


class EventRows:
    """Makes events out of the rows of one table. Facts keep the names and the data that they had."""

    def __init__(self, connection: Connection, plan: TablePlan, first_event_id: int) -> None:
        table = plan.table
        self._connection = connection
        self._label = table.label
        self._first_event_id = first_event_id
        self._types = {column.name: column.type for column in table.columns}
        self._has_number = table.has_key and self._types["id"] in INTEGERS
        self._is_jsonb = self._types.get(plan.columns.get("data", "")) == "jsonb"
        self._channel, self._event_type, self._data = (plan.cell(name) for name in ("channel", "event_type", "data"))
        self._created_at, self._correlation_id = plan.cell("created_at"), plan.cell("correlation_id")
        self._moments = Moments(plan.zone("created_at"), plan.candidates)
        self._carried, self._other = self._sorted_columns(plan)

    def _sorted_columns(self, plan: TablePlan) -> tuple[list[_Column], list[_Column]]:
        """The columns that the new row can hold to the letter, each with its place in PastEvent, and all the others.

        A time without a zone and a json value are stored, but not as they were spelt."""
        fields = {column: field for field, column in plan.columns.items() if field in PastEvent._fields}
        carried, other = [], []
        for cell, column in enumerate(plan.table.columns):
            field = fields.get(column.name)
            if (field, column.type) == ("created_at", "timestamp with time zone"):
                continue  # a time is held whatever its text; one that cannot be is refused
            if (field, column.type) in _HELD_TO_THE_LETTER:
                carried.append(_Column(json_name(column.name), cell, PastEvent._fields.index(str(field))))
            else:
                other.append(_Column(json_name(column.name), cell, -1))
        return carried, other

    def read(self, row: OldRow) -> PastEvent | Refusal:
        """The event as it is to stand; its id is 0 where the row has no number, and is given when it is written."""
        cells = row.cells
        number = int(row.key) if self._has_number else None
        if number is not None and not 0 <= number < EVENT_IDS:
            return Refusal("bad_id", f"no number of an event: {number}")
        data = self._object(self._data(cells) or "{}")
        if data is None:
            return Refusal("bad_json", "data is no JSON")
        found = _MESSAGE_ID.search(data)
        message_id = _message_id(found[1]) if found else None
        created_at = self._moments.read(self._created_at(cells), message_id)
        if created_at is None:
            return Refusal("bad_time", f"no time that it happened at: {self._created_at(cells)!r}")
        event_type = self._event_type(cells) or _type_in(data)
        if not event_type:
            return Refusal("no_event_type", "neither a column nor data says what happened")
        channel = self._channel(cells) or NO_CHANNEL
        if len(channel) > LONGEST_CHANNEL or len(event_type) > LONGEST_TYPE or _is_long(data):
            return Refusal("too_long", "channel, event_type or data is longer than readers of events may rely on")
        event_id = 0 if number is None else self._first_event_id + number
        correlation_id = self._correlation(row, message_id)
        return PastEvent(event_id, channel, event_type, "legacy_import", correlation_id, data, created_at)

    def _object(self, text: str) -> str | None:
        """The data as the JSON object that readers expect; anything else is put into one. None: it is no JSON."""
        if self._is_jsonb and text.startswith("{"):
            return text
        found = json_of(text)
        if found is not None and isinstance(found.value, str) and found.value.startswith("{"):
            found = json_of(found.value) or found  # an object inside a string, as some drivers store it
        if found is None or isinstance(found.value, dict):
            return found and found.text
        return f'{{"value":{found.text}}}'

    def _correlation(self, row: OldRow, message_id: int | None) -> UUID:
        """The row's own; that of the message it is about; else one by its name. The same on every run."""
        own = (self._correlation_id(row.cells) or "").strip()
        if own:
            return _given_correlation(own)
        if message_id is not None:
            return correlation.of_message(message_id)
        return correlation.of_name(f"legacy:event:{self._label}:{row.key}")

    def study(self, found: PastEvent) -> PastEvent:
        return found

    def kept(self, row: OldRow, found: PastEvent) -> str:
        """An event never changes, so what it holds to the letter need not be kept twice."""
        cells = row.cells
        kept = [(name, cells[cell]) for name, cell, _ in self._other]
        for name, cell, place in self._carried:
            if cells[cell] != found[place]:
                kept.append((name, cells[cell]))
        return kept_json(kept)

    async def place(self, found: Sequence[PastEvent]) -> list[PastEvent | Refusal]:
        return list(found)

    async def write(self, entries: Sequence[PastEvent], progress: TableProgress) -> Written:
        events = entries
        if not self._has_number:
            first = self._first_event_id + progress.told
            events = [event._replace(event_id=first + number) for number, event in enumerate(entries)]
        progress.told += len(events)
        await tell_past(self._connection, events)
        return Written([Taken("inserted", event[0]) for event in events])

    async def recall(self, rows: Sequence[tuple[ReadRow, Taken]]) -> None:
        """Nothing of an event depends on another one."""

    async def compare(self, rows: Sequence[tuple[ReadRow, Taken]]) -> list[Pair]:
        records = await self._connection.fetch(_STORED, [taken.new_id for _, taken in rows])
        stored = {record["id"]: record for record in records}
        return [_pair(found, taken, stored.get(taken.new_id)) for (_, found, _), taken in rows]


_message_id = lru_cache(maxsize=1024)(message_snowflake)  # events of one message follow each other


@lru_cache(maxsize=1024)
def _given_correlation(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return correlation.of_name(f"legacy:correlation:{text}")


def _type_in(data: str) -> str | None:
    """What the older shape says inside data."""
    value = json.loads(data)
    found = value.get("event_type") or value.get("type")
    return str(found) if isinstance(found, str | int) else None


def _is_long(data: str) -> bool:
    return len(data) * 4 > DATA_LIMIT_BYTES and len(data.encode()) > DATA_LIMIT_BYTES


def _pair(found: PastEvent | Refusal, taken: Taken, record: Record | None) -> Pair:
    if isinstance(found, Refusal) or record is None:
        return Pair(f"event {taken.new_id}", "")
    expected, actual = found.data, record["data"]
    if expected != actual:
        expected, actual = _canonical(expected), _canonical(actual)
    return Pair(
        f"{found.channel} {found.event_type} {found.created_at} {found.correlation_id} {expected}",
        f"{record['channel']} {record['event_type']} {record['created_at']} {record['correlation_id']} {actual}",
    )


def _canonical(data: str) -> str:
    """JSON in one spelling: jsonb keeps neither the order of keys nor how a number is written."""
    value = json.loads(data, parse_float=_number)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _number(text: str) -> int | str:
    number = Decimal(text)
    return int(number) if number == number.to_integral_value() else str(number.normalize())
