"""Migrating on boot: what `worker run` and `worker migrate` do. Alembic is imported only where there is work for it."""

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncpg
import structlog

from worker.db.connection import Database, connect
from worker.db.migration.events import tell_runs
from worker.db.migration.session import MigrationLimits, migration_session
from worker.db.migration.set_aside import LIST_IN_THE_WAY
from worker.db.migration.state import ROOT, Position, SchemaState, assess, read_state, require_order
from worker.db.schema import HEAD
from worker.failpoints import reach

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

    from worker.db.migration.recorder import RunRecorder

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One revision that `migrate` would apply."""

    revision: str
    title: str


@dataclass(frozen=True, slots=True)
class MigrationPlan:
    """What `migrate` would do. `set_aside` lists the names that another application's tables and views would lose.

    `is_newer`: the database is ahead of this code, which may run on it all the same; then there are no steps."""

    revisions: tuple[str, ...]
    head: str
    steps: tuple[PlannedStep, ...]
    set_aside: tuple[str, ...]
    is_newer: bool


async def migrate(database: Database, *, budget_seconds: float, lock_timeout_milliseconds: int) -> tuple[str, ...]:
    """Brings the schema to HEAD, alone among all processes that try, and returns the revisions applied by this one.

    Raises OutdatedError if only newer code may run on the database; ConfigError if its version is lost or the trigger
    that orders events is not at work; UnavailableError if the budget is used up or the connection lost; RefusedError
    if the database's user lacks the rights; and what asyncpg.connect raises."""
    state = await _state(database)
    applied: tuple[str, ...] = ()
    if assess(state) is Position.BEHIND:
        limits = MigrationLimits(budget_seconds, lock_timeout_milliseconds)
        applied = await _upgrade(database, limits)
        reach("migration.finished")
        state = await _state(database)
    if assess(state) is Position.NEWER:
        log.warning("migration.database_is_newer", revisions=state.revisions, head=HEAD)
    require_order(state)
    if state.has_untold_runs:
        await tell_runs(database)
    return applied


async def verify_schema(connection: asyncpg.Connection) -> None:
    """Raises ConfigError unless the trigger that keeps events in commit order is at work, else as `migrate` does."""
    state = await read_state(connection)
    assess(state)
    require_order(state)


async def plan(database: Database) -> MigrationPlan:
    """What `migrate` would do; nothing is changed. Raises as `migrate` does."""
    connection = await connect(database, purpose="migrate-plan")
    try:
        state = await read_state(connection)
        position = assess(state)
        in_the_way = [] if state.is_ours else await connection.fetch(LIST_IN_THE_WAY)
    finally:
        await connection.close()
    steps = _steps(state) if position is Position.BEHIND else ()
    names = tuple(row["name"] for row in in_the_way)
    return MigrationPlan(state.revisions, HEAD, steps, names, position is Position.NEWER)


async def sql(database: Database) -> str:
    """What `migrate` would run, as a script for psql, without psql's --single-transaction; nothing is changed."""
    state = await _state(database)
    if assess(state) is not Position.BEHIND:
        return ""
    from alembic import command  # noqa: PLC0415  costs 0.4 s

    config = alembic_config()
    config.output_buffer = io.StringIO()
    start = state.revisions[0] if state.revisions else "base"
    command.upgrade(config, f"{start}:{HEAD}", sql=True)
    return config.output_buffer.getvalue()


def alembic_config() -> "Config":
    """Alembic's configuration, found from any working directory."""
    from alembic.config import Config  # noqa: PLC0415  costs 0.4 s

    return Config(ROOT / "alembic.ini", attributes={})


async def _state(database: Database) -> SchemaState:
    connection = await connect(database, purpose="migrate-check")
    try:
        return await read_state(connection)
    finally:
        await connection.close()


async def _upgrade(database: Database, limits: MigrationLimits) -> tuple[str, ...]:
    async with migration_session(database, limits) as session:
        # Another process may have done it while this one waited for its turn.
        if assess(await read_state(session.connection)) is not Position.BEHIND:
            return ()
        from worker.db.migration.attempts import run_attempts  # noqa: PLC0415  costs 0.8 s

        log.info("migration.started", head=HEAD)
        return await run_attempts(session, _run_alembic)


def _run_alembic(connection: "Connection", recorder: "RunRecorder") -> None:
    from alembic import command  # noqa: PLC0415  costs 0.4 s

    config = alembic_config()
    config.attributes |= {"connection": connection, "recorder": recorder}
    command.upgrade(config, "head")


def _steps(state: SchemaState) -> tuple[PlannedStep, ...]:
    from alembic.script import ScriptDirectory  # noqa: PLC0415  costs 0.4 s

    scripts = ScriptDirectory.from_config(alembic_config())
    upward = reversed(list(scripts.iterate_revisions("head", state.revisions or "base")))
    return tuple(PlannedStep(script.revision, script.doc) for script in upward)
