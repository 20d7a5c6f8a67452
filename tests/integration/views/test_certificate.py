"""What is certified of a channel's days by what the database knows."""

from datetime import UTC, datetime, timedelta

import pytest

from worker.db.connection import Database, connected
from worker.exits import NotFoundError
from worker.ingest.observation import snowflake_at
from worker.views.stored_certificate import read_certificate

MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)


async def test_nothing_is_missing_of_a_day_from_before_its_channel_was_made(migrated_database: Database) -> None:
    channel_id, night = snowflake_at(MIDNIGHT + timedelta(hours=9)), snowflake_at(MIDNIGHT + timedelta(days=1))
    async with connected(migrated_database, purpose="test") as connection:
        await connection.execute(
            "INSERT INTO discord_channels (channel_id, is_listen, kind, history_from, covered)"
            " VALUES ($1, true, 'text', $2, int8multirange(int8range($1, $3)))",
            channel_id,
            MIDNIGHT,
            night,
        )
        (born,) = await read_certificate(connection, channel_id, MIDNIGHT.date())
        (before,) = await read_certificate(connection, channel_id, MIDNIGHT.date() - timedelta(days=1))
    assert (born.is_complete, born.missing, born.known_until) == (True, (), None)
    assert (before.is_complete, before.missing) == (False, ())


async def test_a_forum_leads_to_its_posts(migrated_database: Database) -> None:
    async with connected(migrated_database, purpose="test") as connection:
        await connection.execute("INSERT INTO discord_channels (channel_id, kind) VALUES (5, 'forum')")
        with pytest.raises(NotFoundError, match="certify its posts"):
            await read_certificate(connection, 5, None)
