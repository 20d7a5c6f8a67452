"""A writer that stops between its insert and COMMIT: python -m tests.support.stopped_writer DSN.

It ends with 0 if it could still commit after it was continued."""

import asyncio
import os
import signal
import sys

from worker.db.connection import Database, connect
from worker.db.shared_session import TRANSACTION_TIMEOUT

PURPOSE = "stopped-writer"
INSERT = """
INSERT INTO events (channel, event_type, source, correlation_id, data)
VALUES ('bot:lifecycle', 'stopped', 'worker', gen_random_uuid(), '{"schema": 1}')
"""


async def write(dsn: str) -> None:
    connection = await connect(Database(dsn, dsn), purpose=PURPOSE, idle_in_transaction_timeout=TRANSACTION_TIMEOUT)
    await connection.execute("BEGIN")
    await connection.execute(INSERT)
    os.kill(os.getpid(), signal.SIGSTOP)
    await connection.execute("COMMIT")


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1]))
