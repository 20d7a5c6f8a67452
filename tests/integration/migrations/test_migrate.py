"""What boot does with an empty database and with one that is at head."""

from tests.support.alembic import migrate_fully
from worker.db.connection import Database, connect
from worker.db.schema import HEAD


async def test_an_empty_database_is_brought_to_head_and_each_revision_told_once(empty_database: Database) -> None:
    assert await migrate_fully(empty_database) == ("0001", "0002", "0003", "0004")
    assert await migrate_fully(empty_database) == ()
    connection = await connect(empty_database, purpose="test")
    try:
        assert await connection.fetchval("SELECT version_num FROM alembic_version") == HEAD
        told = await connection.fetch(
            "SELECT data ->> 'revision' AS revision FROM events WHERE event_type = 'schema.migrated' ORDER BY id"
        )
    finally:
        await connection.close()
    assert [row["revision"] for row in told] == ["0001", "0002", "0003", "0004"]


async def test_a_copy_of_the_template_is_at_head(migrated_database: Database) -> None:
    assert await migrate_fully(migrated_database) == ()
