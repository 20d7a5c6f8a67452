"""Reads texts that were stored without having been read, by another program or because of a fault."""

from collections.abc import Callable

import structlog
from asyncpg import Connection

from worker.ingest.prepared import Read, read_safely
from worker.ingest.rereading import STORED_TEXT, StoredText, write_readings

BATCH = 200  # messages a transaction

_PENDING = f"""
SELECT {STORED_TEXT}
  FROM discord_messages
 WHERE parse_state = 'pending' AND message_id > $1
 ORDER BY message_id
 LIMIT {BATCH}
"""  # noqa: S608  constants of ours

log = structlog.get_logger(__name__)


async def read_pending(
    connection: Connection, read: Read, parser_of: Callable[[int], str | None], *, epoch: int | None = None
) -> int:
    """Reads every pending message once; returns how many there were."""
    number, last = 0, -(2**63)
    while rows := await connection.fetch(_PENDING, last):
        pending = [StoredText(*row) for row in rows]
        number += await write_readings(
            connection,
            [
                (text, read_safely(read, text.text, text.posted_at, parser_of(text.channel_id), text.correlation_id))
                for text in pending
            ],
            epoch=epoch,
        )
        last = pending[-1].message_id
    if number:
        log.info("sweep.read", messages=number)
    return number
