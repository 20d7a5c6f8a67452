"""Whether what was asked for of a channel's history is there, or was looked for at least."""

from datetime import UTC, datetime

import pytest

from worker.db.connection import Database, connected
from worker.ingest.observation import snowflake_at
from worker.views.backfill import read_progress

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
ASKED = snowflake_at(SINCE)
CHANNEL = ASKED + 1000
NEWEST = ASKED + 2000


@pytest.mark.parametrize(
    ("kind", "covered_from", "is_checked", "was_looked_for", "is_done"),
    [
        ("text", ASKED, True, True, True),
        ("text", ASKED, False, False, False),  # its archived threads are not known
        ("text", CHANNEL, True, True, False),
        ("text", None, False, False, False),
        ("forum", None, True, True, False),
        ("forum", None, False, False, False),
        ("thread", CHANNEL, False, True, True),
        ("thread", CHANNEL + 1, False, False, False),
        ("voice", CHANNEL, False, False, False),
        ("voice", None, False, True, False),
    ],
)
async def test_a_look_leaves_a_trace(
    migrated_database: Database,
    kind: str,
    covered_from: int | None,
    *,
    is_checked: bool,
    was_looked_for: bool,
    is_done: bool,
) -> None:
    async with connected(migrated_database, purpose="test") as connection:
        await connection.execute(
            "INSERT INTO discord_channels (channel_id, kind, covered, threads_checked_at)"
            " VALUES ($1, $2, int8multirange(int8range($3, $4)), CASE WHEN $5 THEN now() END)",
            CHANNEL,
            kind,
            covered_from or NEWEST,
            NEWEST,
            is_checked,
        )
        progress = await read_progress(connection, CHANNEL, SINCE, await connection.fetchval("SELECT now()"))
    assert (progress.was_looked_for, progress.is_done) == (was_looked_for, is_done)
