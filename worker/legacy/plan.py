"""What is to become of each old table: which column is which field, and in which zone its times are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any

from asyncpg import Connection

from worker.legacy.catalogue import OldColumn, OldTable
from worker.legacy.ending import UsageError
from worker.legacy.evidence import candidate_zones, find_evidence
from worker.legacy.fields import FIELDS, TABLES, Role, field_names
from worker.legacy.map_file import MappedTable

Cells = Sequence[str | None]
LEGACY_CHANNEL_ID = -1
"""The channel of messages whose rows name none: of kind `legacy`, below every id of Discord's."""

_TEXTUAL = frozenset({"text", "character varying", "character"})
# Fields that hold Discord ids, alone or inside JSON, and fields of times that lie near the times in them.
_IDS = {"messages": "message_id", "events": "data"}
_NEAR = frozenset({"posted_at", "stored_at", "created_at"})


@dataclass(frozen=True, slots=True)
class TablePlan:
    """`columns` has the old column of each field that there is one for, `zones` the zone of times without one.

    `channel_id` is the channel of messages whose rows name none. Columns that are no field's are kept as they are."""

    table: OldTable
    role: Role
    columns: Mapping[str, str]
    zones: Mapping[str, str]
    candidates: tuple[str, ...]
    channel_id: int
    assumptions: tuple[str, ...] = ()

    def cell(self, field: str) -> Callable[[Cells], str | None]:
        """Takes a field's value out of a row's cells."""
        column = self.columns.get(field)
        return itemgetter(self.table.index(column)) if column is not None else _nothing

    def place(self, field: str, *, default: int) -> int:
        """Where a field's value stands in a row's cells."""
        column = self.columns.get(field)
        return default if column is None else self.table.index(column)

    def zone(self, field: str) -> str:
        return self.zones.get(self.columns.get(field, ""), "UTC")

    def as_json(self) -> dict[str, Any]:
        """What decides about the rows; two runs with the same do the same."""
        return {
            "as": self.role,
            "columns": dict(self.columns),
            "zones": dict(self.zones),
            "channel_id": str(self.channel_id),
        }


def _nothing(_: Cells) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Plan:
    """`unmapped` are tables that nothing is made of: they stay where they are. The zone is that of trading days."""

    tables: tuple[TablePlan, ...]
    unmapped: tuple[OldTable, ...]
    plan_timezone: str

    def as_json(self) -> dict[str, Any]:
        tables = {one.table.name: one.as_json() for one in self.tables}
        return {"tables": tables, "plan_timezone": self.plan_timezone}

    def as_map(self) -> dict[str, Any]:
        """The same as a --map file, with the reasons, which are not read back."""
        return {"tables": {one.table.name: one.as_json() | {"because": list(one.assumptions)} for one in self.tables}}


def check_map(mapped: Mapping[str, MappedTable], tables: Sequence[OldTable]) -> None:
    """Raises UsageError if a --map file speaks of a table, or a column of it, that is not there."""
    by_name = {table.name: table for table in tables}
    for name, given in mapped.items():
        if name not in by_name:
            raise UsageError(f"--map speaks of {name}, and there is no such table; there are {', '.join(by_name)}.")
        wanted = {column for column in given.columns.values() if column is not None} | set(given.zones)
        if unknown := sorted(column for column in wanted if by_name[name].column(column) is None):
            there = ", ".join(column.name for column in by_name[name].columns)
            raise UsageError(f"--map: {name} has no column {', '.join(unknown)}; it has {there}.")


async def make_plan(
    connection: Connection,
    known: Sequence[OldTable],
    others: Sequence[OldTable],
    mapped: Mapping[str, MappedTable],
    plan_timezone: str,
) -> Plan:
    """The plan by what the tables look like, and by what a --map file says, which wins."""
    zones = candidate_zones(plan_timezone)
    tables: list[TablePlan] = []
    unmapped = list(others)
    for table in known:
        given = mapped.get(table.name, MappedTable())
        role = given.role or TABLES.get(table.known_as)
        if role is None or given.is_ignored:
            unmapped.append(table)
            continue
        channel_id = given.channel_id or LEGACY_CHANNEL_ID
        proposed = TablePlan(table, role, _columns(table, role, given), given.zones, zones, channel_id)
        tables.append(await _with_evidence(connection, proposed))
    return Plan(tuple(_with_common_zone(one, tables) for one in tables), tuple(unmapped), plan_timezone)


def _columns(table: OldTable, role: Role, given: MappedTable) -> dict[str, str]:
    taken = {field: column for field, column in given.columns.items() if column is not None}
    for field in FIELDS[role]:
        if field.name in given.columns:
            continue
        names = (*field.columns, "id") if field.may_be_id and table.has_discord_ids else field.columns
        free = (name for name in names if table.column(name) and name not in taken.values())
        if (name := next(free, None)) is not None:
            taken[field.name] = name
    return {name: taken[name] for name in field_names(role) if name in taken}


def zoneless(plan: TablePlan) -> list[tuple[str, OldColumn]]:
    """The fields whose times come without a zone, or may, each with its column."""
    found = []
    for field in FIELDS[plan.role]:
        column = plan.table.column(plan.columns.get(field.name, "")) if field.is_time else None
        if column and (column.type == "timestamp without time zone" or column.type in _TEXTUAL):
            found.append((field.name, column))
    return found


async def _with_evidence(connection: Connection, plan: TablePlan) -> TablePlan:
    """The zones that Discord ids in the same rows tell."""
    ids_in = plan.columns.get(_IDS.get(plan.role, ""))
    zones, sentences = dict(plan.zones), list(_about_columns(plan))
    for field, column in zoneless(plan):
        if column.name in zones:
            sentences.append(f"{column.name} has no zone: {zones[column.name]}, as the map says")
        elif ids_in is not None and field in _NEAR:
            evidence = await find_evidence(connection, plan.table, column.name, ids_in, plan.candidates)
            if evidence is not None:
                zones[column.name] = evidence.zone
                sentences.append(evidence.sentence)
    return replace(plan, zones=zones, assumptions=tuple(sentences))


def _about_columns(plan: TablePlan) -> list[str]:
    sentences = []
    if "id" in plan.columns.values():
        sentences.append(f"id holds Discord's ids: every one of {plan.table.rows} looks like one")
    if plan.role == "messages" and "channel_id" not in plan.columns:
        where = "the channel `legacy`" if plan.channel_id == LEGACY_CHANNEL_ID else f"the channel {plan.channel_id}"
        sentences.append(f"no column names a channel: messages belong to {where}")
    if plan.role == "messages" and "message_id" not in plan.columns:
        sentences.append("no column has Discord's message ids: a text gets its message's id where it is stored already")
    if not plan.table.has_key:
        sentences.append("no column `id` tells rows apart: equal rows count as one")
    return sentences


def _with_common_zone(plan: TablePlan, tables: Sequence[TablePlan]) -> TablePlan:
    """Where no id tells, what the table's other times say, then what all other tables say, then UTC."""
    zones, sentences = dict(plan.zones), list(plan.assumptions)
    for _, column in zoneless(plan):
        if column.name in zones:
            continue
        own = set(plan.zones.values())
        elsewhere = {zone for other in tables for zone in other.zones.values()}
        if len(own) == 1:
            zones[column.name], because = own.pop(), "as the table's other times are"
        elif len(elsewhere) == 1:
            zones[column.name], because = elsewhere.pop(), "as the other tables' times are"
        else:
            zones[column.name], because = "UTC", "for want of anything that tells"
        sentences.append(f"{column.name} has no zone and no Discord id beside it: {zones[column.name]}, {because}")
    return replace(plan, zones=zones, assumptions=tuple(sentences))
