"""How Alembic reaches the database: from its command line, as SQL written out, or on a booting worker's session.

On the command line DATABASE_URL decides, as it does for the worker, and the embedded server serves where it is unset.
"""

import asyncio
import logging

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection, text

from worker import logs
from worker.db.connection import connect, open_database
from worker.db.migration.attempts import alchemy, run_attempts
from worker.db.migration.events import tell_runs
from worker.db.migration.recorder import RunRecorder
from worker.db.migration.session import MigrationLimits, migration_session
from worker.db.migration.set_aside import DROP_EMPTY_VERSION_TABLE, IS_OURS, SET_VERSION_TABLE_ASIDE
from worker.db.models import Base
from worker.exits import WorkerError
from worker.settings import load_settings

VERSION_TABLE = "alembic_version"
NO_TABLE = "alembic_version_of_discord_plan_worker"  # read where alembic_version is another application's


def changes_database() -> bool:
    """Whether the command is upgrade, downgrade or stamp: only these have a destination."""
    try:
        context.get_revision_argument()
    except KeyError:
        return False
    return True


def is_upgrade() -> bool:
    """The one command that may rename what is not ours. Without a command line it is the worker that migrates."""
    options = context.config.cmd_opts
    return options is None or options.cmd[0].__name__ == "upgrade"


def is_relative(revision: object) -> bool:
    return isinstance(revision, str) and ("+" in revision or "-" in revision)


def is_ours(name: str | None, kind: str, parent_names: object) -> bool:
    """Autogenerate compares our tables alone: it must not propose to drop what another application left."""
    return kind != "table" or name in Base.metadata.tables


def configure(version_table: str, recorder: RunRecorder, connection: Connection | None = None) -> None:
    context.configure(
        connection=connection,
        dialect_name=None if connection else "postgresql",
        dialect_opts={"paramstyle": "named"},
        literal_binds=connection is None,
        target_metadata=Base.metadata,
        include_name=is_ours,
        compare_server_default=True,
        transaction_per_migration=True,
        on_version_apply=recorder,
        version_table=version_table,
        dont_mutate=not changes_database(),
    )


def run_offline() -> None:
    configure(VERSION_TABLE, RunRecorder())
    if is_upgrade() and context.get_starting_revision_argument() is None:
        context.execute(SET_VERSION_TABLE_ASIDE)
        context.execute(DROP_EMPTY_VERSION_TABLE)
    with context.begin_transaction():
        context.run_migrations()


def run_online(connection: Connection, recorder: RunRecorder) -> None:
    """One attempt, which leaves what it applied. Only the first schema of the search_path is looked at."""
    connection.execute(text("SELECT set_config('search_path', quote_ident(current_schema()), false)"))
    version_table = VERSION_TABLE if changes_database() else readable_version_table(connection)
    connection.commit()  # Alembic takes an open transaction for one that it must not end
    configure(version_table, recorder, connection)
    if recorder.applied and is_relative(context.get_revision_argument()):
        raise CommandError(f"A lock was in the way after {recorder.applied[-1]}: run the rest of the steps again.")
    if changes_database() and is_upgrade():
        connection.execute(text(SET_VERSION_TABLE_ASIDE))
        connection.commit()
    with context.begin_transaction():
        context.run_migrations()


def readable_version_table(connection: Connection) -> str:
    """Another application's alembic_version says nothing about us, and its revisions would be an error."""
    if connection.scalar(text(f"SELECT {IS_OURS} OR to_regclass('alembic_version') IS NULL")):
        return VERSION_TABLE
    revisions = connection.scalars(text("SELECT to_jsonb(v) ->> 'version_num' FROM alembic_version AS v")).all()
    known = {script.revision for script in context.script.walk_revisions()}
    return VERSION_TABLE if known.issuperset(revisions) else NO_TABLE


async def run_command() -> None:
    settings = load_settings()
    logs.configure(settings)
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)  # lists its parts at each autogenerate
    async with open_database(settings) as database:
        if not changes_database():
            async with alchemy(await connect(database, purpose="alembic")) as connection:
                await connection.run_sync(run_online, RunRecorder())
            return
        limits = MigrationLimits(settings.migration_budget_seconds, settings.migration_lock_timeout_milliseconds)
        async with migration_session(database, limits) as session:
            await run_attempts(session, run_online)
        await tell_runs(database)


if context.is_offline_mode():
    run_offline()
elif "connection" in context.config.attributes:
    run_online(context.config.attributes["connection"], context.config.attributes["recorder"])
else:
    try:
        asyncio.run(run_command())
    except WorkerError as error:
        raise CommandError(str(error)) from error
