"""Reads texts that were stored without having been read, by another program or because of a fault."""

from collections.abc import Callable, Sequence

import structlog
from asyncpg import Connection

from parsers.reading import Reading
from worker.db.lease import LeaseLostError
from worker.ingest.prepared import Read, failed_reading, read_safely
from worker.ingest.rereading import STORED_TEXT, StoredText, write_readings
from worker.ingest.writer import PASSING

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
    """Reads every pending message once; returns how many were read here.

    Raises LeaseLostError as worker.db.lease.begin does."""
    number, last = 0, -(2**63)
    while rows := await connection.fetch(_PENDING, last):
        pending = [StoredText(*row) for row in rows]
        readings = [
            read_safely(read, text.text, text.posted_at, parser_of(text.channel_id), text.correlation_id)
            for text in pending
        ]
        number += await _write(connection, list(zip(pending, readings, strict=True)), epoch)
        last = pending[-1].message_id
    if number:
        log.info("sweep.read", messages=number)
    return number


async def _write(connection: Connection, batch: Sequence[tuple[StoredText, Reading]], epoch: int | None) -> int:
    """A reading that the database refuses counts as failed, and costs no other text its own."""
    try:
        return await write_readings(connection, batch, epoch=epoch)
    except (*PASSING, LeaseLostError):
        raise
    except Exception as error:
        if len(batch) > 1:
            return sum([await _write(connection, [one], epoch) for one in batch])
        ((text, reading),) = batch
        if reading.state == "failed":
            raise
        log.exception("sweep.refused", correlation_id=str(text.correlation_id))
        return await _write(connection, [(text, failed_reading(error))], epoch)
