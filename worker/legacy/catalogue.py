"""Which tables of the former application there are, and what is in them: names, columns, counts, nulls, times."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from asyncpg import Connection

from worker.db.migration.set_aside import IS_OURS, NAMES
from worker.legacy.fields import TABLES

# What was set aside keeps its name after old_, with a number where that was taken.
_NAME = re.compile(r"(?P<prefix>old_)?(?P<name>.+?)(?:_\d+)?")

# Partitions and children are read through their parents.
_TABLES = """
SELECT c.oid::bigint AS oid, c.relname AS name, c.oid::regclass::text AS relation
  FROM pg_class AS c
 WHERE c.relkind IN ('r', 'p') AND pg_table_is_visible(c.oid)
   AND c.relnamespace = ANY(SELECT quote_ident(s)::regnamespace FROM unnest(current_schemas(false)) AS s)
   AND NOT EXISTS (SELECT FROM pg_inherits AS i WHERE i.inhrelid = c.oid)
 ORDER BY c.relname
"""

_COLUMNS = """
SELECT attname AS name, format_type(atttypid, NULL) AS type
  FROM pg_attribute
 WHERE attrelid = $1::bigint::oid AND attnum > 0 AND NOT attisdropped
 ORDER BY attnum
"""

_OF_ALEMBIC = {"alembic_version", "old_alembic_version"}
_DATED = frozenset({"timestamp with time zone", "timestamp without time zone", "date"})
INTEGERS = frozenset({"smallint", "integer", "bigint"})


@dataclass(frozen=True, slots=True)
class OldColumn:
    """`filled` counts its values that are not null; `first` and `last` are set for times and dates."""

    name: str
    type: str
    filled: int
    first: str | None
    last: str | None


@dataclass(frozen=True, slots=True)
class OldTable:
    """A table as it stands. `known_as` is its name in TABLES; `label` its name in what the import keeps.

    `relation` is its name in SQL. `has_key`: the column `id` is there and tells every row from the others.
    `has_discord_ids`: every value of it looks like an id of Discord's."""

    name: str
    known_as: str
    label: str
    relation: str
    columns: tuple[OldColumn, ...]
    rows: int
    has_key: bool
    has_discord_ids: bool

    def column(self, name: str) -> OldColumn | None:
        return next((column for column in self.columns if column.name == name), None)

    def index(self, name: str) -> int:
        return next(number for number, column in enumerate(self.columns) if column.name == name)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class FoundTable(NamedTuple):
    """A table by its name. `known_as` is its name in TABLES; `relation` its name in SQL."""

    name: str
    known_as: str
    oid: int
    relation: str


async def find_tables(connection: Connection, also: Collection[str]) -> tuple[list[FoundTable], list[FoundTable]]:
    """The tables that are known, in the order of import, and others whose name begins with old_.

    `also` names tables that count as known. Under a name of the worker's own stands the worker's table, unless the
    database is not the worker's."""
    ours = set(NAMES) if await connection.fetchval(f"SELECT {IS_OURS}") else set()
    known: list[FoundTable] = []
    others: list[FoundTable] = []
    for record in await connection.fetch(_TABLES):
        name = record["name"]
        match = _NAME.fullmatch(name)
        known_as = match["name"] if match else name
        if name in ours | _OF_ALEMBIC:
            continue
        found = FoundTable(name, known_as, record["oid"], record["relation"])
        if name in also or known_as in TABLES:
            known.append(found)
        elif match and match["prefix"]:
            others.append(found)
    order = list(TABLES)
    known.sort(key=lambda table: (order.index(table.known_as) if table.known_as in TABLES else 0, table.name))
    return known, others


async def look_at(connection: Connection, found: FoundTable, source: str) -> OldTable:
    """What is in a table. `source` names the database where it is not the worker's own."""
    described = [(row["name"], row["type"]) for row in await connection.fetch(_COLUMNS, found.oid)]
    has_id = any(column == "id" for column, _ in described)
    [counted] = await connection.fetch(_count_sql(found.relation, described, has_id=has_id))
    columns = tuple(
        OldColumn(column, kind, counted[f"n{number}"], counted.get(f"first{number}"), counted.get(f"last{number}"))
        for number, (column, kind) in enumerate(described)
    )
    rows = counted["rows"]
    return OldTable(
        name=found.name,
        known_as=found.known_as,
        label=f"{source}/{found.name}" if source else found.name,
        relation=found.relation,
        columns=columns,
        rows=rows,
        has_key=has_id and counted["keys"] == rows,
        has_discord_ids=has_id and counted["discord_ids"] == rows > 0,
    )


def _count_sql(relation: str, columns: Sequence[tuple[str, str]], *, has_id: bool) -> str:
    wanted = ["count(*) AS rows"]
    for number, (name, kind) in enumerate(columns):
        wanted.append(f"count({quoted(name)}) AS n{number}")
        if kind in _DATED:
            wanted.append(f"min({quoted(name)})::text AS first{number}, max({quoted(name)})::text AS last{number}")
    if has_id:
        wanted.append("count(DISTINCT id::text) AS keys")
        wanted.append(r"count(*) FILTER (WHERE id::text ~ '^\s*[1-9][0-9]{15,18}\s*$') AS discord_ids")
    return f"SELECT {', '.join(wanted)} FROM {relation}"  # noqa: S608  names from the catalogue, quoted
