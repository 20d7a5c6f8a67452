"""One statement on a session of its own."""

import asyncpg

from worker.db.connection import Database, connect


async def execute(database: Database, script: str, *arguments: object) -> None:
    """Runs a statement, or several if there are no arguments."""
    connection = await connect(database, purpose="test")
    try:
        await connection.execute(script, *arguments)
    finally:
        await connection.close()


async def fetch(database: Database, query: str, *arguments: object) -> list[asyncpg.Record]:
    connection = await connect(database, purpose="test")
    try:
        return await connection.fetch(query, *arguments)
    finally:
        await connection.close()


async def run_script(database: Database, script: str) -> None:
    """Runs what `alembic --sql` wrote, one statement after the other on one bare session, as psql does.

    Alembic puts an empty line after each statement; none of ours holds one."""
    connection = await asyncpg.connect(database.dsn)
    try:
        for statement in script.strip().split(";\n\n"):
            await connection.execute(statement)
    finally:
        await connection.close()
