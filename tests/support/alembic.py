"""Migrated databases, and Alembic's command line as a user runs it."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from dataclasses import dataclass
from pathlib import Path

from worker.db.connection import Database, connect
from worker.db.embedded import EmbeddedServer
from worker.db.migrate import migrate

ROOT = Path(__file__).parents[2]
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


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command wrote."""

    output: str
    errors: str


async def alembic(
    database: Database | None, *arguments: str, fails: bool = False, folder: Path = ROOT, **environment: str
) -> Ended:
    """Runs Alembic's command line as a user does, from the project's root; `fails` says which end is expected."""
    if database:
        environment["DATABASE_URL"] = database.dsn
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("alembic"),
        *arguments,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "LOG_FORMAT": "json"} | environment,
        stdout=PIPE,
        stderr=PIPE,
    )
    output, errors = await process.communicate()
    ended = Ended(output.decode(), errors.decode())
    assert bool(process.returncode) == fails, ended
    return ended
