"""Where a database's schema stands, by one SELECT, and whether this code may run on it."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import asyncpg

from worker.db.migration.set_aside import IS_OURS
from worker.db.schema import EVENTS_TRIGGER, HEAD, SCHEMA_LEVEL
from worker.exits import ConfigError, OutdatedError

ROOT = Path(__file__).resolve().parents[3]
VERSIONS = ROOT / "alembic" / "versions"

_ORDERED = f"""EXISTS (
    SELECT FROM pg_catalog.pg_trigger AS t
    JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid AND c.relname = 'events'
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = current_schema()
    WHERE t.tgname = '{EVENTS_TRIGGER}'
        AND (t.tgenabled = 'A' OR t.tgenabled = 'O' AND current_setting('session_replication_role') <> 'replica')
)"""

_STATE = f"""
SELECT
    {IS_OURS} AS is_ours,
    ARRAY(SELECT version_num::text FROM alembic_version ORDER BY 1) AS revisions,
    (SELECT floor::integer FROM schema_floor) AS floor,
    EXISTS (SELECT FROM migration_runs WHERE NOT is_told) AS has_untold_runs,
    {_ORDERED} AS is_ordered
"""  # noqa: S608  put together from constants


class Position(Enum):
    """How the database's revision stands to the newest one that this code has."""

    BEHIND = "behind"
    AT_HEAD = "at_head"
    NEWER = "newer"  # and its floor says that this code may run all the same


@dataclass(frozen=True, slots=True)
class SchemaState:
    """`is_ours` is False for a database that the first revision was not applied to; then the rest says nothing.

    `floor` is the lowest SCHEMA_LEVEL that may run, `is_ordered` whether the trigger that orders events is at work."""

    is_ours: bool
    revisions: tuple[str, ...] = ()
    floor: int | None = None
    has_untold_runs: bool = False
    is_ordered: bool = False


async def read_state(connection: asyncpg.Connection) -> SchemaState:
    """The state of the connection's current schema. A database of ours costs one SELECT."""
    try:
        row = await connection.fetchrow(_STATE)
    except asyncpg.PostgresError as error:
        # A database that is not ours lacks the tables, or has others under their names: any error says so.
        is_ours = await connection.fetchval(f"SELECT {IS_OURS}")
        if is_ours and not isinstance(error, asyncpg.UndefinedTableError):
            raise
        return SchemaState(is_ours)
    if row is None or not row["is_ours"]:
        return SchemaState(is_ours=False)
    return SchemaState(True, tuple(row["revisions"]), row["floor"], row["has_untold_runs"], row["is_ordered"])


def assess(state: SchemaState) -> Position:
    """What is to be done.

    Raises OutdatedError if only newer code may run here, ConfigError if the version is lost or the code came without
    its revisions."""
    known = {path.name.partition("_")[0] for path in VERSIONS.glob("*.py")}
    if not known:
        raise ConfigError(
            f"The migrations are not at {VERSIONS}, because a wheel does not hold them: run the worker from a "
            "checkout, with make setup or pip install --editable."
        )
    if not state.is_ours:
        return Position.BEHIND
    if not state.revisions:
        raise ConfigError(
            "The database holds the worker's tables, but alembic_version names no revision: restore that table "
            "from a backup, or write it with: alembic stamp <revision>."
        )
    is_known = set(state.revisions) <= known
    if (state.floor is None and not is_known) or (state.floor or 0) > SCHEMA_LEVEL:
        raise OutdatedError(
            f"The database is newer than this code (revision {', '.join(state.revisions)}, schema level {state.floor} "
            f"needed, {SCHEMA_LEVEL} here): install the newer release of the worker."
        )
    if not is_known:
        return Position.NEWER
    return Position.AT_HEAD if state.revisions == (HEAD,) else Position.BEHIND


def require_order(state: SchemaState) -> None:
    """Raises ConfigError unless the trigger that keeps events in commit order is at work."""
    if not state.is_ordered:
        raise ConfigError(
            f"The trigger {EVENTS_TRIGGER} on the table events is missing or disabled, and without it readers would "
            f"lose events: enable it with ALTER TABLE events ENABLE TRIGGER {EVENTS_TRIGGER}, or restore it as in "
            "alembic/versions/0003_events.py."
        )
