"""What is kept of old rows: legacy_map for those that were taken, import_quarantine for those that could not be."""

from collections.abc import Sequence
from typing import NamedTuple

from asyncpg import Connection

from worker.db.packing import copy_packed, pack_bigint, pack_count, pack_jsonb, pack_text
from worker.legacy.target import ReadRow, Refusal, Taken
from worker.words import QuarantineReason

_MAPPED = """
SELECT old_key, outcome, new_id FROM legacy_map WHERE old_table = $1 AND old_key = ANY($2::text[])
"""

_IS_NEW = """
SELECT NOT EXISTS (SELECT FROM legacy_map WHERE old_table = $1)
   AND NOT EXISTS (SELECT FROM import_quarantine WHERE old_table = $1)
"""

_CHANGED = """
SELECT kept.old_key
  FROM unnest($2::text[], $3::text[]) AS seen (old_key, row)
  JOIN legacy_map AS kept ON kept.old_table = $1 AND kept.old_key = seen.old_key
 WHERE kept.row <> seen.row::jsonb
"""

_QUARANTINED = """
SELECT old_key, reason FROM import_quarantine WHERE old_table = $1 AND old_key = ANY($2::text[])
"""

_QUARANTINE = """
INSERT INTO import_quarantine (old_table, old_key, reason, detail, row)
SELECT $1, old_key, reason, detail, row::jsonb
  FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) AS refused (old_key, reason, detail, row)
ON CONFLICT (old_table, old_key) DO UPDATE
   SET reason = excluded.reason, detail = excluded.detail, row = excluded.row, tried_at = now()
"""

_RELEASE = "DELETE FROM import_quarantine WHERE old_table = $1 AND old_key = ANY($2::text[])"

_MAP_COLUMNS = ("old_table", "old_key", "outcome", "new_table", "new_id", "row")
_LONGEST_DETAIL = 500  # characters


class RefusedRow(NamedTuple):
    """`row` is the whole row, as it is kept."""

    key: str
    refusal: Refusal
    row: str


async def is_new(connection: Connection, label: str) -> bool:
    """Whether nothing is kept of a table's rows yet."""
    return bool(await connection.fetchval(_IS_NEW, label))


async def mapped_rows(connection: Connection, label: str, keys: Sequence[str]) -> dict[str, Taken]:
    """What became of those rows that were taken before."""
    records = await connection.fetch(_MAPPED, label, keys)
    return {record["old_key"]: Taken(record["outcome"], record["new_id"]) for record in records}


async def changed_rows(connection: Connection, label: str, rows: dict[str, str]) -> set[str]:
    """The keys of rows taken before of which something else would be kept now."""
    records = await connection.fetch(_CHANGED, label, list(rows), list(rows.values()))
    return {record["old_key"] for record in records}


async def quarantined_rows(connection: Connection, label: str, keys: Sequence[str]) -> dict[str, QuarantineReason]:
    records = await connection.fetch(_QUARANTINED, label, keys)
    return {record["old_key"]: record["reason"] for record in records}


async def keep_taken(connection: Connection, label: str, new_table: str, rows: Sequence[tuple[ReadRow, Taken]]) -> None:
    """Packed by hand: with the driver's encoder the server would begin when nearly all rows are encoded."""
    if rows:
        begin, table = pack_count(len(_MAP_COLUMNS)) + pack_text(label), pack_text(new_table)
        outcomes = {outcome: pack_text(outcome) for outcome in {taken.outcome for _, taken in rows}}
        packed = (
            b"".join(
                (begin, pack_text(read.row.key), outcomes[outcome], table, pack_bigint(new_id), pack_jsonb(read.kept))
            )
            for read, (outcome, new_id) in rows
        )
        await copy_packed(connection, "legacy_map", _MAP_COLUMNS, packed)


async def release(connection: Connection, label: str, keys: Sequence[str]) -> None:
    """Takes rows out of quarantine that were taken after all."""
    await connection.execute(_RELEASE, label, keys)


async def keep_refused(connection: Connection, label: str, rows: Sequence[RefusedRow]) -> None:
    if rows:
        await connection.execute(
            _QUARANTINE,
            label,
            [row.key for row in rows],
            [row.refusal.reason for row in rows],
            [row.refusal.detail[:_LONGEST_DETAIL] for row in rows],
            [row.row for row in rows],
        )
