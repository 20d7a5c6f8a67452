"""Migrated databases."""

from worker.db.connection import Database, connect
from worker.db.embedded import EmbeddedServer
from worker.db.migrate import migrate

TEMPLATE = "template_migrated"


async def migrate_fully(database: Database) -> tuple[str, ...]:
    return await migrate(database, budget_seconds=60, lock_timeout_milliseconds=200)


async def make_migrated_template(server: EmbeddedServer) -> str:
    """Makes the database that tests copy, and returns its name."""
    maintenance = await connect(Database(server.dsn(), server.dsn()), purpose="test-databases")
    try:
        await maintenance.execute(f"CREATE DATABASE {TEMPLATE}")
    finally:
        await maintenance.close()
    dsn = server.dsn(TEMPLATE)
    await migrate_fully(Database(dsn, dsn))
    return TEMPLATE
