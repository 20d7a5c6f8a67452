"""Imports as tests run them, and what came of them in a form that two runs can be compared by."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asyncpg import Connection

from tests.support.worker_process import ROOT, environment
from worker.db.connection import Database, connect, connected
from worker.legacy.command import Options, import_tables
from worker.legacy.fields import Role
from worker.legacy.old_rows import set_spelling
from worker.legacy.report import Report
from worker.settings import Settings

SMALL_BATCHES: Mapping[Role, int] = {"channels": 2, "messages": 7, "ingestion_status": 2, "events": 40}

Row = dict[str, str | None]


async def imported(database: Database, **options: Any) -> Report:
    """An import in this process, in small batches; `execute=True` as on the command line."""
    return await import_tables(Settings(), Options(**options), database, batch_rows=SMALL_BATCHES)


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    output: str
    errors: str
    report: dict[str, Any] | None


async def script(database: Database, *arguments: str, report: Path | None = None, **settings: str) -> Ended:
    """scripts/legacy_import.py as a user runs it."""
    if report:
        arguments = (*arguments, "--report", str(report))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("scripts/legacy_import.py", *arguments),
        cwd=ROOT,
        env=environment(DATABASE_URL=database.dsn, COLUMNS="160", **settings),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
    )
    output, errors = await process.communicate()
    written = json.loads(report.read_text()) if report and report.exists() else None  # noqa: ASYNC240  a small file
    return Ended(process.returncode or 0, output.decode(), errors.decode(), written)


_STATE = {
    "channels": """
        SELECT channel_id, guild_id, name, kind, is_listen, is_announce, is_active, covered, history_from
          FROM discord_channels
    """,
    "messages": """
        SELECT (to_jsonb(m) - 'raw_original')::text, raw_original FROM discord_messages AS m
    """,
    "revisions": "SELECT message_id, edited_at, content, text, raw::text FROM message_revisions",
    "plans": """
        SELECT (to_jsonb(p) - 'id' - 'created_at' - 'updated_at' - 'superseded_by')::text, s.message_id, s.position
          FROM ticker_plans AS p LEFT JOIN ticker_plans AS s ON s.id = p.superseded_by
    """,
    "setups": """
        SELECT p.message_id, p.position, (to_jsonb(s) - 'id' - 'plan_id' - 'created_at' - 'updated_at')::text
          FROM trade_setups AS s JOIN ticker_plans AS p ON p.id = s.plan_id
    """,
    "levels": """
        SELECT p.message_id, p.position, s.position, (to_jsonb(l) - 'id' - 'plan_id' - 'setup_id')::text
          FROM parsed_levels AS l JOIN ticker_plans AS p ON p.id = l.plan_id
          LEFT JOIN trade_setups AS s ON s.id = l.setup_id
    """,
    "past events": """
        SELECT id, channel, event_type, source, correlation_id, (data - 'setup_id' - 'plan_id')::text, created_at
          FROM events WHERE id < 0
    """,
    "events": """
        SELECT channel, event_type, source, correlation_id, data::text FROM events
         WHERE id > 0 AND channel <> 'system:schema'
    """,
    "map": "SELECT old_table, old_key, outcome, new_table, new_id, row::text FROM legacy_map",
    "quarantine": "SELECT old_table, old_key, reason, detail, row::text FROM import_quarantine",
}


async def state_of(database: Database) -> dict[str, Counter[str]]:
    """All that an import writes, without what no two runs share: numbers that are drawn, and the time of day."""
    connection = await connect(database, purpose="test")
    try:
        return {
            what: Counter(repr(tuple(row)) for row in await connection.fetch(query)) for what, query in _STATE.items()
        }
    finally:
        await connection.close()


async def old_rows(database: Database, table: str) -> Counter[str]:
    """The rows of an old table, each column as text."""
    async with spelling_session(database) as connection:
        columns = [
            row[0]
            for row in await connection.fetch(
                "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0", table
            )
        ]
        cells = ", ".join(f'"{name}"::text AS "{name}"' for name in columns)
        return _counted([dict(row) for row in await connection.fetch(f"SELECT {cells} FROM {table}")])  # noqa: S608


_KEPT = """
SELECT m.row::text AS row, m.new_table, e.channel, e.event_type, e.data::text AS data, e.created_at::text AS created_at
  FROM legacy_map AS m LEFT JOIN events AS e ON m.new_table = 'events' AND e.id = m.new_id
 WHERE m.old_table = $1 AND NOT EXISTS (
       SELECT FROM import_quarantine AS q WHERE q.old_table = m.old_table AND q.old_key = m.old_key)
"""


async def rebuilt_rows(database: Database, table: str) -> Counter[str]:
    """The rows of an old table from the new tables alone: what legacy_map lacks, the new row has by the plan."""
    async with spelling_session(database) as connection:
        plans = await connection.fetchval("SELECT plan::text FROM import_runs ORDER BY id DESC LIMIT 1")
        columns: dict[str, str] = json.loads(plans)["tables"][table]["columns"]
        rows: list[Row] = []
        for record in await connection.fetch(_KEPT, table):
            row: Row = json.loads(record["row"])
            if record["new_table"] == "events":
                row |= {
                    column: record[field]
                    for field, column in columns.items()
                    if column not in row and field in record.keys()  # noqa: SIM118  a Record is no mapping
                }
            rows.append(row)
        kept = await connection.fetch("SELECT row::text FROM import_quarantine WHERE old_table = $1", table)
        return _counted([*rows, *(json.loads(row[0]) for row in kept)])


@asynccontextmanager
async def spelling_session(database: Database) -> AsyncIterator[Connection]:
    """A session that writes values as text the way the import's does."""
    async with connected(database, purpose="test") as connection:
        await set_spelling(connection)
        yield connection


def _counted(rows: list[Row]) -> Counter[str]:
    return Counter(json.dumps(row, sort_keys=True) for row in rows)
