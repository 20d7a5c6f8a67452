"""What Alembic calls for each revision that it has applied, reverted or stamped."""

import os
import socket
import time
from collections.abc import Collection, Mapping
from importlib.metadata import version
from typing import Any

import structlog
from alembic.runtime.migration import MigrationContext, MigrationInfo
from sqlalchemy import inspect, text

from worker.db.migration.set_aside import GIVE_NAMES_BACK
from worker.failpoints import reach

# Bound as literals where the SQL is written out instead of run.
_RECORD = """
INSERT INTO migration_runs (revision, direction, duration_milliseconds, lock_wait_milliseconds, applied_by)
VALUES (:revision, :direction, :duration, :lock_wait, concat_ws(', ', current_setting('application_name'), {where}))
"""
_HERE = ":host, 'process ' || :process, 'version ' || :version"
_WHOEVER_RUNS_THE_SQL = "session_user, 'written out by version ' || :version"

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class RunRecorder:
    """Records each revision in its own transaction, with how long it took and how long it waited for locks before."""

    def __init__(self) -> None:
        self.applied: list[str] = []
        self._started: float | None = None
        self._waited = 0.0

    def begin_attempt(self) -> None:
        """What went by since the last revision, if anything was tried, was in vain: it counts as waiting."""
        now = time.monotonic()
        self._waited += now - (self._started or now)
        self._started = now

    def __call__(
        self, ctx: MigrationContext, step: MigrationInfo, heads: Collection[Any], run_args: Mapping[str, Any]
    ) -> None:
        duration, lock_wait = self._lap()
        direction = "stamp" if step.is_stamp else "upgrade" if step.is_upgrade else "downgrade"
        revision = ", ".join(step.destination_revision_ids if step.is_stamp else step.up_revision_ids) or "base"
        if direction == "downgrade" and not heads:
            ctx.execute(GIVE_NAMES_BACK)  # the first revision took migration_runs with it
        elif direction != "stamp" or _has_table(ctx):
            _record(ctx, revision, direction, duration, lock_wait)
        self.applied.append(revision)
        reach("migration.applied")
        if not ctx.as_sql:
            log.info(
                "migration.applied",
                revision=revision,
                direction=direction,
                duration_milliseconds=duration,
                lock_wait_milliseconds=lock_wait,
            )

    def _lap(self) -> tuple[int | None, int | None]:
        """Milliseconds that the revision took and waited; nothing where no attempt was begun and SQL is written out."""
        if self._started is None:
            return None, None
        now = time.monotonic()
        duration, waited = now - self._started, self._waited
        self._started, self._waited = now, 0.0
        return round(duration * 1000), round(waited * 1000)


def _has_table(ctx: MigrationContext) -> bool:
    """A stamp may be put on any database; when it is written out nobody can know on which."""
    return not ctx.as_sql and ctx.connection is not None and inspect(ctx.connection).has_table("migration_runs")


def _record(ctx: MigrationContext, revision: str, direction: str, duration: int | None, lock_wait: int | None) -> None:
    values = {"revision": revision, "direction": direction, "duration": duration, "lock_wait": lock_wait}
    who = {"version": version("discord-plan-worker")}
    if not ctx.as_sql:
        who |= {"host": socket.gethostname(), "process": str(os.getpid())}
    statement = _RECORD.format(where=_WHOEVER_RUNS_THE_SQL if ctx.as_sql else _HERE)
    ctx.execute(text(statement).bindparams(**values, **who))
