"""All that a database holds, as its backup has it."""

import asyncio
from asyncio.subprocess import PIPE

from worker.db.binaries import find_programs
from worker.db.connection import Database


async def dump(database: Database, *, without: str | None = None) -> str:
    """A plain dump, leaving out the tables that match a pattern such as "old_*"."""
    program = find_programs(None, None).folder / "pg_dump"
    left_out = [f"--exclude-table={without}"] if without else []
    process = await asyncio.create_subprocess_exec(
        str(program), "--dbname", database.dsn, *left_out, stdout=PIPE, stderr=PIPE
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return output.decode()
