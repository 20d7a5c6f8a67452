"""The rows of an old table, in an order and under keys that are the same each time, and a checksum of them all."""

from collections.abc import AsyncIterator, Iterable, Sequence
from itertools import count, repeat
from json.encoder import encode_basestring
from operator import itemgetter
from typing import NamedTuple

from asyncpg import Connection, Record

from worker.legacy.catalogue import INTEGERS, OldTable, quoted

Cells = tuple[str | None, ...]
"""A row's columns, each as PostgreSQL writes it as text."""


class OldRow(NamedTuple):
    """`position` counts from 0 in the old order. `key` is the id, or made of what is in the row.

    `copy_of` is the key of an earlier row that this one equals in every column, where nothing tells the two apart."""

    position: int
    key: str
    copy_of: str | None
    cells: Cells


class TableState(NamedTuple):
    """How many rows there are, a checksum that does not depend on their order, and whether `id` is their key."""

    rows: int
    checksum: str
    is_keyed: bool


async def set_spelling(connection: Connection) -> None:
    """Makes a session write every value as text the same way, whatever the server's or user's settings are."""
    await connection.execute(
        "SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; SET extra_float_digits = 1; "
        "SET bytea_output = 'hex'; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0"
    )


async def table_state(connection: Connection, table: OldTable) -> TableState:
    [record] = await connection.fetch(f"""
        SELECT count(*) AS rows, coalesce(sum(hashtextextended((old_row.*)::text, 0)), 0)::text AS checksum
          FROM {table.relation} AS old_row
    """)  # noqa: S608  a name from the catalogue, quoted
    return TableState(record["rows"], record["checksum"], table.has_key)


async def read_rows(connection: Connection, table: OldTable, batch: int) -> AsyncIterator[list[OldRow]]:
    """Every row in batches, by a cursor of the transaction that is open: memory does not grow with the table."""
    cursor = await connection.cursor(rows_sql(table))
    position = 0
    while records := await cursor.fetch(batch):
        yield list(map(OldRow, count(position), *_columns(table, records)))
        position += len(records)


def _columns(table: OldTable, records: Sequence[Record]) -> tuple[Iterable[str], Iterable[str | None], Iterable[Cells]]:
    """The keys of rows, the keys that they are copies of, and their cells."""
    if table.has_key:
        return map(itemgetter(table.index("id")), records), repeat(None), map(itemgetter(slice(None)), records)
    return map(itemgetter(0), records), map(itemgetter(1), records), map(itemgetter(slice(2, None)), records)


def rows_sql(table: OldTable) -> str:
    """By id where it tells rows apart; else by what is in them, so that a row has its key wherever it lies on disk."""
    cells = ", ".join(f"old_row.{quoted(column.name)}::text" for column in table.columns)
    order = [f"old_row.{quoted(name)}" for name in _order(table)]
    if table.has_key:
        return f"""
            SELECT {cells} FROM {table.relation} AS old_row ORDER BY {", ".join(order)}
        """  # noqa: S608  names from the catalogue, quoted
    key = "md5((old_row.*)::text)"
    if table.column("id"):
        key = f"concat_ws(' ', old_row.id::text, {key})"
    return f"""
        SELECT import_key || CASE WHEN import_number > 1 THEN '#' || import_number ELSE '' END,
               CASE WHEN import_number > 1 THEN import_key END,
               {cells}
          FROM (SELECT old_row.*, {key} AS import_key, row_number() OVER (PARTITION BY {key}) AS import_number
                  FROM {table.relation} AS old_row) AS old_row
         ORDER BY {", ".join([*order, 'import_key COLLATE "C"', "import_number"])}
    """  # noqa: S608  likewise


def _is_integer(table: OldTable) -> bool:
    column = table.column("id")
    return column is not None and column.type in INTEGERS


def _order(table: OldTable) -> list[str]:
    """A number counts up; an id of another kind says nothing about when, so the time does."""
    if _is_integer(table):
        return ["id"]
    times = [name for name in ("created_at", "timestamp", "date") if table.column(name)]
    return [*times, "id"] if table.column("id") else times


def json_name(column: str) -> str:
    """A column's name as `kept_cell` takes it."""
    return f"{encode_basestring(column)}:"


def kept_cell(name: str, cell: str | None) -> str:
    """A member of the JSON object that columns are kept in, each with its text: a json column keeps its spelling, and
    no value can be refused. Written by hand, which is several times quicker than the encoder's way."""
    return f"{name}null" if cell is None else name + encode_basestring(cell)


def row_text(table: OldTable, cells: Sequence[str | None]) -> str:
    """A whole row as it is kept."""
    names = (json_name(column.name) for column in table.columns)
    return f"{{{','.join(kept_cell(*one) for one in zip(names, cells, strict=True))}}}"
