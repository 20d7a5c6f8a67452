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
