"""The record of an import: which plan it follows, how far it is in each table, and what became of the rows."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from asyncpg import Connection, Record

from worker.events.catalogue import as_json
from worker.legacy.ending import PreflightError
from worker.legacy.old_rows import TableState
from worker.legacy.plan import Plan
from worker.words import QuarantineReason

EVENT_IDS = 10**15
"""How many ids below zero each old table has for its events: more than any of them had rows."""

_RUNS = "SELECT id, source, state, plan, tables FROM import_runs ORDER BY id"

_ADD_RUN = "INSERT INTO import_runs (source, state, plan, tables) VALUES ($1, 'running', $2, $3) RETURNING id"

_ABANDON_RUN = "UPDATE import_runs SET state = 'abandoned', finished_at = now() WHERE id = $1"

_FINISH_RUN = "UPDATE import_runs SET state = 'finished', finished_at = now() WHERE id = $1"

_SET_TABLE = "UPDATE import_runs SET tables = jsonb_set(tables, ARRAY[$2], $3::text::jsonb) WHERE id = $1"


@dataclass(slots=True)
class TableProgress:
    """How far a table is. `rows` and `checksum` are what it was at the start; `position` counts the rows that are done.

    Events of the table have ids from `first_event_id` up; `told` counts those that its messages made.
    `made` counts what was read out of its texts, `reasons` its quarantined rows."""

    rows: int
    checksum: str
    is_keyed: bool
    first_event_id: int
    position: int = 0
    inserted: int = 0
    already_there: int = 0
    merged: int = 0
    quarantined: int = 0
    told: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    made: Counter[str] = field(default_factory=Counter)

    @property
    def state(self) -> TableState:
        return TableState(self.rows, self.checksum, self.is_keyed)

    @property
    def is_conserved(self) -> bool:
        """Whether every row read is accounted for, once."""
        return self.position == self.inserted + self.already_there + self.merged + self.quarantined

    def quarantine(self, reason: QuarantineReason) -> None:
        self.quarantined += 1
        self.reasons[reason] += 1

    def stored(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "TableProgress":
        """The same from what `stored` gave, be it through JSON; changing it changes nothing else."""
        return cls(**dict(stored) | {"reasons": Counter(stored["reasons"]), "made": Counter(stored["made"])})


@dataclass(slots=True)
class Run:
    """An import that is going on. `is_resumed`: an earlier process began it.

    `written` counts the rows that this process put into tables of ours; a second import writes none."""

    run_id: int
    is_resumed: bool
    tables: dict[str, TableProgress]
    written: int = 0


async def begin_run(
    connection: Connection, source: str, plan: Plan, states: Mapping[str, TableState], *, restart: bool
) -> Run:
    """Goes on with the run of this source that was interrupted, or begins one.

    Raises PreflightError if the interrupted one followed another plan, or its tables have changed since."""
    runs = await connection.fetch(_RUNS)
    unfinished = next((run for run in runs if run["source"] == source and run["state"] == "running"), None)
    if unfinished is not None and restart:
        await connection.execute(_ABANDON_RUN, unfinished["id"])
        unfinished = None
    if unfinished is not None:
        return _resumed(unfinished, plan, states)
    before = [tables for run in runs for tables in run["tables"].items()]
    tables = _new_tables(dict(before), states)
    stored = as_json({label: table.stored() for label, table in tables.items()})
    run_id = await connection.fetchval(_ADD_RUN, source, as_json(plan.as_json()), stored)
    return Run(run_id, is_resumed=False, tables=tables)


def _resumed(record: Record, plan: Plan, states: Mapping[str, TableState]) -> Run:
    if record["plan"] != json.loads(as_json(plan.as_json())):
        raise PreflightError(
            "An import with another plan was interrupted: finish it with the same --map, or leave it with --restart."
        )
    tables = {label: TableProgress.of(stored) for label, stored in record["tables"].items()}
    for label, table in tables.items():
        if table.state != states.get(label):
            raise PreflightError(
                f"{label} is not what it was when the import that was interrupted began: let nothing write to it "
                "any more, and begin anew with --restart; what is imported already is recognised."
            )
    return Run(record["id"], is_resumed=True, tables=tables)


def _new_tables(before: Mapping[str, Mapping[str, Any]], states: Mapping[str, TableState]) -> dict[str, TableProgress]:
    """A table that was imported before keeps its ids and goes on telling where it left off.

    Raises PreflightError if its rows go by other keys than then, under which none would be recognised."""
    lowest = min((stored["first_event_id"] for stored in before.values()), default=0)
    tables = {}
    for label, state in states.items():
        if (stored := before.get(label)) is not None:
            if stored["is_keyed"] != state.is_keyed:
                raise PreflightError(
                    f"{label} was imported before, and since then its column `id` "
                    f"{'began' if state.is_keyed else 'ceased'} to tell its rows apart: give it back the ids it had."
                )
            tables[label] = TableProgress(*state, stored["first_event_id"], told=stored["told"])
        else:
            lowest -= EVENT_IDS
            tables[label] = TableProgress(*state, lowest)
    return tables


async def keep_progress(connection: Connection, run: Run, label: str, table: TableProgress) -> None:
    """Belongs into the transaction of the rows that it counts."""
    await connection.execute(_SET_TABLE, run.run_id, label, as_json(table.stored()))


async def finish_run(connection: Connection, run: Run) -> None:
    await connection.execute(_FINISH_RUN, run.run_id)
