"""Runs today's parsers over what is stored, shows what would be read otherwise, and writes it when told to."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from asyncpg import Connection

from parsers.reading import Reading
from worker.ingest.erased import ERASED
from worker.ingest.observation import DISCORD_EPOCH
from worker.ingest.plan_changes import PlanChange, changes_between, is_unchanged
from worker.ingest.plan_rows import load_plans
from worker.ingest.plans import PlanValue, plans_of_text
from worker.ingest.prepared import OWN_POST, Read, read_safely
from worker.ingest.rereading import STORED_TEXT, StoredText, write_readings

BATCH = 2000  # messages a look

# A tombstone whose text was never known has nothing to read, and what was read of an erased text is to stay.
_READABLE = f"""
message_id > $1 AND revision > 0 AND ($2::text IS NULL OR parser = $2) AND parse_reason IS DISTINCT FROM '{OWN_POST}'
AND coalesce(NOT text_flags @> '{{{ERASED}}}', true)
"""

_STORED = f"""
SELECT {STORED_TEXT}
  FROM discord_messages
 WHERE {_READABLE}
 ORDER BY message_id
 LIMIT {BATCH}
"""  # noqa: S608  constants of ours


_COUNT = f"SELECT count(*) FROM discord_messages WHERE {_READABLE}"  # noqa: S608  constants of ours


@dataclass(frozen=True, slots=True)
class Difference:
    """A message that reads otherwise now. `changes` holds only the plans that differ."""

    stored: StoredText
    reading: Reading
    changes: tuple[PlanChange, ...]


@dataclass(frozen=True, slots=True)
class ReparseBatch:
    """What one look found: how many messages it took, the newest of them, and those that read otherwise."""

    messages: int
    last_id: int
    differences: tuple[Difference, ...]


async def count_stored(connection: Connection, *, since: datetime | None, parser: str | None) -> int:
    """How many messages a reparse would read."""
    number: int = await connection.fetchval(_COUNT, _beginning(since), parser)
    return number


async def reparse(
    connection: Connection,
    read: Read,
    parser_of: Callable[[int], str | None],
    *,
    since: datetime | None = None,
    parser: str | None = None,
    execute: bool = False,
) -> AsyncIterator[ReparseBatch]:
    """Every stored text in order of id: those posted `since`, those that `parser` read before.

    Without `execute` nothing is written. What reads the same is never touched, so a second run changes nothing."""
    last = _beginning(since)
    while rows := await connection.fetch(_STORED, last, parser):
        texts = [StoredText(*row) for row in rows]
        readings = [
            read_safely(read, text.text, text.posted_at, parser_of(text.channel_id), text.correlation_id)
            for text in texts
        ]
        differences = await _differences(connection, list(zip(texts, readings, strict=True)))
        if execute and differences:
            await write_readings(connection, [(one.stored, one.reading) for one in differences])
        last = texts[-1].message_id
        yield ReparseBatch(len(texts), last, tuple(differences))


def _beginning(since: datetime | None) -> int:
    """The greatest id that is older than a moment."""
    if since is None:
        return -(2**63)
    return (int((since - DISCORD_EPOCH).total_seconds() * 1000) << 22) - 1


async def _differences(connection: Connection, batch: Sequence[tuple[StoredText, Reading]]) -> list[Difference]:
    candidates = [
        (stored, reading)
        for stored, reading in batch
        # Nearly everything is chat and stays chat: that costs no look at the tables.
        if (stored.parse_state, stored.parser) != (reading.state, reading.format) or reading.plans
    ]
    plans = defaultdict[int, list[PlanValue]](list)
    if candidates:
        for plan in await load_plans(connection, [stored.message_id for stored, _ in candidates], by="message_id"):
            plans[plan.message_id].append(plan)
    differences = []
    for stored, reading in candidates:
        new = plans_of_text(reading, text=stored.text, message_id=stored.message_id, channel_id=stored.channel_id)
        # The plans of a deleted message never stand again, whatever is read.
        changes = () if stored.is_deleted else tuple(filter(_differs, changes_between(plans[stored.message_id], new)))
        if changes or (stored.parse_state, stored.parser) != (reading.state, reading.format):
            differences.append(Difference(stored, reading, changes))
    return differences


def _differs(change: PlanChange) -> bool:
    before, after = change.before, change.after
    if before is None or after is None or before.bias_text != after.bias_text:
        return True
    return not all(is_unchanged(change, pair) for pair in change.setups)
