"""A process that migrates a database as boot does: python -m tests.support.boot DSN BUDGET_SECONDS.

Its last line on standard output says what it applied, and which of the libraries that cost time it imported."""

import asyncio
import json
import sys

import structlog

from worker.db.connection import Database
from worker.db.migrate import migrate


def boot(dsn: str, budget_seconds: float) -> tuple[str, ...]:
    return asyncio.run(migrate(Database(dsn, dsn), budget_seconds=budget_seconds, lock_timeout_milliseconds=100))


if __name__ == "__main__":
    structlog.configure(processors=[structlog.processors.JSONRenderer()])
    applied = boot(sys.argv[1], float(sys.argv[2]))
    imported = [name for name in ("alembic", "sqlalchemy") if name in sys.modules]
    print(json.dumps({"applied": applied, "imported": imported}), flush=True)  # noqa: T201  read by the test
