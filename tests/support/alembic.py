"""Alembic's commands: in this process, and on its command line as a user runs it."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from worker.db.connection import Database
from worker.db.migrate import alembic_config
from worker.db.migration.attempts import run_attempts
from worker.db.migration.recorder import RunRecorder
from worker.db.migration.session import MigrationLimits, migration_session

ROOT = Path(__file__).parents[2]
REVISIONS = tuple(
    reversed([script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()])
)
"""All revisions, the oldest first."""


async def move(database: Database, command: Callable[[Config, str], None], revision: str) -> tuple[str, ...]:
    """Runs a command of Alembic's such as `command.downgrade` in this process; returns the revisions that it moved."""

    def run(connection: Connection, recorder: RunRecorder) -> None:
        config = alembic_config()
        config.attributes |= {"connection": connection, "recorder": recorder}
        command(config, revision)

    async with migration_session(database, MigrationLimits(60, 200)) as session:
        return await run_attempts(session, run)


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
