"""Before anything is brought over: the schema, the old tables, and the plan."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from asyncpg import Connection

from worker.db.connection import Database, connected
from worker.db.migrate import migrate
from worker.db.migration.state import Position, assess, read_state, require_order
from worker.db.schema import HEAD
from worker.legacy.catalogue import find_tables, look_at
from worker.legacy.ending import PreflightError
from worker.legacy.map_file import MappedTable
from worker.legacy.old_rows import TableState, table_state
from worker.legacy.plan import Plan, check_map, make_plan
from worker.legacy.sessions import begin_reading
from worker.settings import Settings


@dataclass(frozen=True, slots=True)
class Preflight:
    """The plan, and what each table of it was at the start, by label. `source` names the database if it is another."""

    plan: Plan
    states: Mapping[str, TableState]
    source: str


async def require_schema(database: Database, settings: Settings, may_migrate: Callable[[str], bool]) -> None:
    """`may_migrate` asks the user whether to bring the schema to its newest revision.

    Raises PreflightError if it is not there, and the WorkerErrors of a schema that this code may not run on."""
    async with connected(database, purpose="legacy-check") as connection:
        state = await read_state(connection)
    position = assess(state)
    if position is Position.NEWER:
        raise PreflightError("The database is newer than this code: run the import of the newer release.")
    if position is Position.AT_HEAD:
        require_order(state)
        return
    at = ", ".join(state.revisions) or "no revision of the worker's"
    if not may_migrate(f"The schema is at {at}; the import needs {HEAD}. Migrate now?"):
        raise PreflightError(
            f"The schema is at {at} and the import needs {HEAD}: run `python -m worker migrate` first."
        )
    await migrate(
        database,
        budget_seconds=settings.migration_budget_seconds,
        lock_timeout_milliseconds=settings.migration_lock_timeout_milliseconds,
    )


def ask(question: str) -> bool:
    """Asks on a terminal. Where nobody can answer the answer is no."""
    if not sys.stdin.isatty():
        return False
    import click  # noqa: PLC0415  only where there is somebody to ask

    return click.confirm(question, err=True)


async def look_around(
    reader: Connection, mapped: Mapping[str, MappedTable], settings: Settings, *, is_elsewhere: bool, execute: bool
) -> Preflight:
    """Begins the transaction that reads the old tables, counts what is in them, and plans.

    Raises PreflightError if there is nothing to import or the tables cannot be locked, UsageError for a wrong map."""
    source = str(await reader.fetchval("SELECT current_database()")) if is_elsewhere else ""
    known, others = await find_tables(reader, mapped)
    await begin_reading(reader, known, execute=execute)
    looked_at = [await look_at(reader, table, source) for table in known]
    left = [await look_at(reader, table, source) for table in others]
    check_map(mapped, [*looked_at, *left])
    plan = await make_plan(reader, looked_at, left, mapped, settings.plan_timezone)
    if not plan.tables:
        raise PreflightError("No table of the former application is there: nothing to import.")
    states = {one.table.label: await table_state(reader, one.table) for one in plan.tables}
    return Preflight(plan, states, source)
