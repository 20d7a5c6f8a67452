"""Databases with old tables in them, beside the new schema."""

from collections.abc import AsyncIterator

import pytest

from tests.support.legacy import make_old_database
from tests.support.migrated import migrate_fully
from tests.support.postgres import fresh_database
from worker.db.connection import Database, connect
from worker.db.embedded import EmbeddedServer

POSTS, EVENTS = 12, 100


async def _make(database: Database, prefix: str) -> None:
    connection = await connect(database, purpose="test")
    try:
        await make_old_database(connection, posts=POSTS, events=EVENTS, prefix=prefix)
    finally:
        await connection.close()


@pytest.fixture
async def old_database(migrated_database: Database) -> Database:
    """At the newest revision, with every old table that is known, under old_ and with all its traps."""
    await _make(migrated_database, "old_")
    return migrated_database


@pytest.fixture
async def left_database(empty_database: Database) -> Database:
    """As the former application left it: its tables under their own names, and a version of its own."""
    await _make(empty_database, "")
    connection = await connect(empty_database, purpose="test")
    try:
        await connection.execute(
            "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);"
            "INSERT INTO alembic_version VALUES ('a1b2c3d4e5f6')"
        )
    finally:
        await connection.close()
    return empty_database


@pytest.fixture
async def other_database(postgres: EmbeddedServer) -> AsyncIterator[Database]:
    """Another database with the old tables, as a dump restores them, and nothing of the worker's."""
    async with fresh_database(postgres) as database:
        await _make(database, "")
        yield database


@pytest.fixture
async def adopted_database(left_database: Database) -> Database:
    """The database that the former application left, migrated."""
    await migrate_fully(left_database)
    return left_database
