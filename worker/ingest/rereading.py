"""Gives stored texts another reading: those that were never read, and those that today's parsers read otherwise."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from asyncpg import Connection, Record

from parsers.reading import Reading
from worker.db.lease import transaction
from worker.events.catalogue import Event
from worker.events.outbox import commit_events
from worker.ingest import statements as sql
from worker.ingest.message_events import reading_fact
from worker.ingest.observation import identity
from worker.ingest.plan_writer import MessagePlans, write_plans
from worker.ingest.plans import plans_of_text
from worker.words import Origin, ParseState

# Only where the text is still the one that was read, and nobody else has read it since.
_SET_READING = """
UPDATE discord_messages
   SET parse_state = $3, parse_reason = $4, parser = $5, parser_version = $6
 WHERE message_id = $1 AND text = $2 AND parse_state = $7 AND parser IS NOT DISTINCT FROM $8
RETURNING deleted_at IS NOT NULL AS is_deleted,
          EXISTS (SELECT FROM ticker_plans p WHERE p.message_id = $1) AS has_plans
"""


class StoredText(NamedTuple):
    """What of a stored message its reading needs, in the order in which it is selected."""

    message_id: int
    channel_id: int
    guild_id: int | None
    text: str
    posted_at: datetime
    origin: Origin
    correlation_id: UUID
    parse_state: ParseState
    parser: str | None
    is_deleted: bool


STORED_TEXT = """
message_id, channel_id, guild_id, text, posted_at, origin, correlation_id, parse_state, parser, deleted_at IS NOT NULL
"""


async def write_readings(
    connection: Connection, batch: Sequence[tuple[StoredText, Reading]], *, epoch: int | None = None
) -> int:
    """Writes the readings of texts in order of their ids, in one transaction, and tells what that changes.

    A text that was edited meanwhile keeps the reading of its new text. Returns how many were written.
    Raises LeaseLostError as worker.db.lease.begin does."""
    async with transaction(connection, epoch):
        await connection.fetch(sql.LOCK_CHANNELS, sorted({stored.channel_id for stored, _ in batch}))
        told: dict[int, list[Event]] = {}
        plans: list[MessagePlans] = []
        for stored, reading in batch:
            row = await connection.fetchrow(
                _SET_READING,
                stored.message_id,
                stored.text,
                reading.state,
                reading.reason,
                reading.format,
                reading.version if reading.format else None,
                stored.parse_state,
                stored.parser,
            )
            if row is not None:
                told[stored.message_id] = _told(stored, reading)
                plans.append(_plans(stored, reading, row))
        plan_events = await write_plans(connection, plans)
        await commit_events(
            connection, [event for name, own in told.items() for event in (*own, *plan_events.get(name, ()))]
        )
    return len(told)


def _told(stored: StoredText, reading: Reading) -> list[Event]:
    fact = reading_fact(reading, identity(stored))
    return [Event(fact, stored.correlation_id)] if fact else []


def _plans(stored: StoredText, reading: Reading, row: Record) -> MessagePlans:
    return MessagePlans(
        stored.message_id,
        stored.channel_id,
        stored.guild_id,
        stored.origin,
        is_deleted=row["is_deleted"],
        has_plans=row["has_plans"],
        plans=plans_of_text(reading, text=stored.text, message_id=stored.message_id, channel_id=stored.channel_id),
    )
