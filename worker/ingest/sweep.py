"""Reads texts that were stored without having been read, by another program or because of a fault."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import structlog
from asyncpg import Connection, Record

from parsers.reading import Reading
from worker.db.models import Origin
from worker.events.catalogue import Event
from worker.events.outbox import commit_events
from worker.ingest import statements as sql
from worker.ingest.message_events import reading_fact
from worker.ingest.plan_writer import MessagePlans, write_plans
from worker.ingest.plans import plans_of_text
from worker.ingest.prepared import Read, read_safely

BATCH = 200  # messages a transaction

_PENDING = """
SELECT message_id, channel_id, guild_id, text, posted_at, origin, revision, correlation_id
  FROM discord_messages
 WHERE parse_state = 'pending' AND message_id > $1
 ORDER BY message_id
 LIMIT $2
"""

# Only where the text is still the one that was read.
_SET_READING = """
UPDATE discord_messages
   SET parse_state = $3, parse_reason = $4, parser = $5, parser_version = $6
 WHERE message_id = $1 AND revision = $2 AND parse_state = 'pending'
RETURNING deleted_at IS NOT NULL AS is_deleted,
          EXISTS (SELECT FROM ticker_plans p WHERE p.message_id = $1) AS has_plans
"""

log = structlog.get_logger(__name__)


class PendingMessage(NamedTuple):
    message_id: int
    channel_id: int
    guild_id: int | None
    text: str
    posted_at: datetime
    origin: Origin
    revision: int
    correlation_id: UUID


async def read_pending(connection: Connection, read: Read, parser_of: Callable[[int], str | None]) -> int:
    """Reads every pending message once, in batches; returns how many there were."""
    number, last = 0, -(2**63)
    while rows := await connection.fetch(_PENDING, last, BATCH):
        pending = [PendingMessage(*row) for row in rows]
        readings = [
            read_safely(read, message.text, message.posted_at, parser_of(message.channel_id), message.correlation_id)
            for message in pending
        ]
        await _write(connection, list(zip(pending, readings, strict=True)))
        number, last = number + len(pending), pending[-1].message_id
    if number:
        log.info("sweep.read", messages=number)
    return number


async def _write(connection: Connection, batch: list[tuple[PendingMessage, Reading]]) -> None:
    await connection.execute("BEGIN")
    try:
        await connection.fetch(sql.LOCK_CHANNELS, sorted({message.channel_id for message, _ in batch}))
        told: dict[int, list[Event]] = {}
        plans: list[MessagePlans] = []
        for message, reading in batch:
            row = await connection.fetchrow(
                _SET_READING,
                message.message_id,
                message.revision,
                reading.state,
                reading.reason,
                reading.format,
                reading.version if reading.format else None,
            )
            if row is not None:
                told[message.message_id] = _told(message, reading)
                plans.append(_plans(message, reading, row))
        plan_events = await write_plans(connection, plans)
        events = [event for name, own in told.items() for event in (*own, *plan_events.get(name, ()))]
        await commit_events(connection, events)
    except BaseException:
        await connection.execute("ROLLBACK")
        raise


def _told(message: PendingMessage, reading: Reading) -> list[Event]:
    fact = reading_fact(
        reading,
        {
            "origin": message.origin,
            "message_id": str(message.message_id),
            "channel_id": str(message.channel_id),
            "guild_id": str(message.guild_id) if message.guild_id is not None else None,
        },
    )
    return [Event(fact, message.correlation_id)] if fact else []


def _plans(message: PendingMessage, reading: Reading, row: Record) -> MessagePlans:
    return MessagePlans(
        message.message_id,
        message.channel_id,
        message.guild_id,
        message.origin,
        is_deleted=row["is_deleted"],
        has_plans=row["has_plans"],
        plans=plans_of_text(reading, text=message.text, message_id=message.message_id, channel_id=message.channel_id),
    )
