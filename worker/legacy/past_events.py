"""Old events: to `events`, with ids below zero in their old order and at their own time."""

import json
import re
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple
from uuid import UUID

from asyncpg import Connection, Record

from worker import correlation
from worker.events.catalogue import DATA_LIMIT_BYTES
from worker.legacy.catalogue import INTEGERS
from worker.legacy.cells import Moments, json_of, message_snowflake
from worker.legacy.old_rows import OldRow, json_name, kept_cell
from worker.legacy.plan import TablePlan
from worker.legacy.runs import EVENT_IDS, TableProgress
from worker.legacy.target import Pair, PastEvent, ReadRow, Refusal, Taken, Written, tell_past


class _Column(NamedTuple):
    """A column of the old table, with its name as it is kept.

    `place` is where its value stands in PastEvent, None where that does not hold it to the letter."""

    name: str
    cell: int
    place: int | None


_HELD_TO_THE_LETTER = {
    *((field, kind) for field in ("channel", "event_type") for kind in ("text", "character varying")),
    ("data", "jsonb"),
}
_FIELDS = ("data", "created_at", "event_type", "channel", "correlation_id")
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
        # In one step for all fields. One that has no column is read from behind the last one.
        self._fields = itemgetter(*(plan.place(name, default=len(table.columns)) for name in _FIELDS))
        self._moments = Moments(plan.zone("created_at"), plan.candidates)
        self._kept = _kept_columns(plan)

    def read(self, row: OldRow) -> PastEvent | Refusal:
        """The event as it is to stand; its id is 0 where the row has no number, and is given when it is written."""
        text, created_at, event_type, channel, own_correlation = self._fields((*row.cells, None))
        event_id = 0
        if self._has_number:
            number = int(row.key)
            if not 0 <= number < EVENT_IDS:
                return Refusal("bad_id", f"no number of an event: {number}")
            event_id = self._first_event_id + number
        data = text if self._is_jsonb and text and text.startswith("{") else _object(text or "{}")
        if data is None:
            return Refusal("bad_json", "data is no JSON")
        found = _MESSAGE_ID.search(data)
        message = _message(found[1]) if found else _NO_MESSAGE
        moment = self._moments.read(created_at, message.message_id)
        if moment is None:
            return Refusal("bad_time", f"no time that it happened at: {created_at!r}")
        event_type = event_type or _type_in(data)
        if not event_type:
            return Refusal("no_event_type", "neither a column nor data says what happened")
        channel = channel or NO_CHANNEL
        if len(channel) > LONGEST_CHANNEL or len(event_type) > LONGEST_TYPE or _is_long(data):
            return Refusal("too_long", "channel, event_type or data is longer than readers of events may rely on")
        # The row's own; that of the message it is about; else one by its name. The same on every run.
        correlation_id = (
            _given_correlation(own_correlation)
            or message.correlation_id
            or correlation.of_name(f"legacy:event:{self._label}:{row.key}")
        )
        return PastEvent(event_id, channel, event_type, "legacy_import", correlation_id, data, moment)

    def study(self, found: PastEvent) -> PastEvent:
        return found

    def kept(self, row: OldRow, found: PastEvent) -> str:
        """An event never changes, so what it holds to the letter need not be kept twice."""
        cells = row.cells
        kept = []
        for name, cell, place in self._kept:
            text = cells[cell]
            if place is None or text != found[place]:
                kept.append(kept_cell(name, text))
        return f"{{{','.join(kept)}}}"

    async def place(self, found: Sequence[PastEvent]) -> list[PastEvent | Refusal]:
        return list(found)

    async def write(self, entries: Sequence[PastEvent], progress: TableProgress) -> Written:
        events = entries
        if not self._has_number:
            first = self._first_event_id + progress.told
            events = [event._replace(event_id=first + number) for number, event in enumerate(entries)]
        progress.told += len(events)
        await tell_past(self._connection, events)
        return Written([Taken("inserted", event.event_id) for event in events])

    async def recall(self, rows: Sequence[tuple[ReadRow, Taken]]) -> None:
        """Nothing of an event depends on another one."""

    async def compare(self, rows: Sequence[tuple[ReadRow, Taken]]) -> list[Pair]:
        records = await self._connection.fetch(_STORED, [taken.new_id for _, taken in rows])
        stored = {record["id"]: record for record in records}
        return [_pair(found, taken, stored.get(taken.new_id)) for (_, found, _), taken in rows]


def _object(text: str) -> str | None:
    """The data as the JSON object that readers expect; anything else is put into one. None: it is no JSON."""
    found = json_of(text)
    if found is not None and isinstance(found.value, str) and found.value.startswith("{"):
        found = json_of(found.value) or found  # an object inside a string, as some drivers store it
    if found is None or isinstance(found.value, dict):
        return found and found.text
    return f'{{"value":{found.text}}}'


def _kept_columns(plan: TablePlan) -> list[_Column]:
    """The columns that have to be kept beside the new row, always or where it turns out not to hold them.

    A time without a zone and a json value are stored, but not as they were spelt."""
    fields = {column: field for field, column in plan.columns.items() if field in PastEvent._fields}
    kept = []
    for cell, column in enumerate(plan.table.columns):
        field = fields.get(column.name)
        if (field, column.type) == ("created_at", "timestamp with time zone"):
            continue  # a time is held whatever its text; one that cannot be is refused
        is_held = (field, column.type) in _HELD_TO_THE_LETTER
        kept.append(_Column(json_name(column.name), cell, PastEvent._fields.index(str(field)) if is_held else None))
    return kept


class _Message(NamedTuple):
    """What an event is about, with the id that follows it."""

    message_id: int | None
    correlation_id: UUID | None


_NO_MESSAGE = _Message(None, None)


@lru_cache(maxsize=1024)  # events of one message follow each other
def _message(digits: str) -> _Message:
    message_id = message_snowflake(digits)
    return _NO_MESSAGE if message_id is None else _Message(message_id, correlation.of_message(message_id))


@lru_cache(maxsize=1024)
def _given_correlation(text: str | None) -> UUID | None:
    own = (text or "").strip()
    try:
        return UUID(own) if own else None
    except ValueError:
        return correlation.of_name(f"legacy:correlation:{own}")


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
