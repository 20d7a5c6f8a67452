"""Brings stored messages in line with what was seen of them, and tells exactly what that changed.

Runs inside a transaction. It locks the channels concerned, reads what is stored, decides, writes, and tells. Nothing is
taken from memory, so that doing it again changes nothing: every retry and every replay is harmless."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast
from uuid import UUID

from asyncpg import Connection

from worker.events.catalogue import Event, MessageEdited, MessageStored
from worker.ingest import message_rows
from worker.ingest import statements as sql
from worker.ingest.erased import withhold
from worker.ingest.message_events import deleted_event, text_events
from worker.ingest.observation import Covered, Observation
from worker.ingest.plan_writer import MessagePlans, write_plans
from worker.ingest.precedence import StoredMessage, Verdict, verdict
from worker.ingest.prepared import PreparedMessage

Seen = PreparedMessage | Observation
"""A message as it was seen, or a deletion."""

First = Callable[[Connection, str], Awaitable[str]]
"""Sends statements on a connection, and returns the status of the last one."""


@dataclass(slots=True)
class Written:
    """What a write changed, by number."""

    observations: int = 0
    stored: int = 0
    edited: int = 0
    deleted: int = 0
    plans: int = 0
    refused: int = 0  # stored with less than they brought
    unstorable: int = 0
    events: int = 0
    readings: Counter[str] = field(default_factory=Counter)  # texts by how they were read

    def add(self, other: "Written") -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(slots=True)
class _Wave:
    """Observations of different messages, with what has been decided for each."""

    stored: dict[int, StoredMessage]
    inserts: list[PreparedMessage] = field(default_factory=list)
    updates: list[tuple[PreparedMessage, int]] = field(default_factory=list)
    revised: list[int] = field(default_factory=list)  # those that another text stands for now
    kept: list[int] = field(default_factory=list)  # of those, the ones whose text becomes a former one
    former: list[PreparedMessage] = field(default_factory=list)
    tombstones: list[Observation] = field(default_factory=list)
    deletions: list[Observation] = field(default_factory=list)
    plans: list[MessagePlans] = field(default_factory=list)
    readings: list[tuple[int, str]] = field(default_factory=list)
    events: dict[int, list[Event]] = field(default_factory=dict)


async def write_seen(
    connection: Connection,
    seen: Sequence[Seen],
    covered: Sequence[Covered],
    tally: Mapping[int, Written],
    *,
    first: First = Connection.execute,
) -> list[Event]:
    """Stores observations in their order within one transaction; returns what is to be told of it.

    `covered` says which channels are concerned as well. What a message's row and plans came to is added to its number
    in `tally`, by message id. `first` sends the first statement, and may begin the transaction with it. Raises
    RacedError, or an error of the database that passes, where a new attempt may succeed."""
    await _lock_channels(connection, seen, covered, first)
    events: list[Event] = []
    for wave in _waves(await withhold(connection, seen)):
        events += await _write_wave(connection, wave, tally)
    return events


def _waves(seen: Sequence[Seen]) -> Iterator[list[Seen]]:
    """Runs in which no message stands twice, in order of id, which is the order that rows are locked and told in."""
    wave: dict[int, Seen] = {}
    for one in seen:
        if one.message_id in wave:
            yield [wave[message_id] for message_id in sorted(wave)]
            wave = {}
        wave[one.message_id] = one
    if wave:
        yield [wave[message_id] for message_id in sorted(wave)]


async def _lock_channels(
    connection: Connection, seen: Sequence[Seen], covered: Sequence[Covered], first: First
) -> None:
    guilds = {had.channel_id: None for had in covered} | {one.channel_id: one.guild_id for one in seen}
    channels = sorted(guilds)
    status = await first(connection, sql.with_ids(sql.LOCK_CHANNELS, channels))
    if status != f"SELECT {len(channels)}":
        await connection.execute(sql.ADD_CHANNELS, channels, [guilds[channel] for channel in channels])
        await connection.fetch(sql.LOCK_CHANNELS, channels)


async def _write_wave(connection: Connection, seen: Sequence[Seen], tally: Mapping[int, Written]) -> list[Event]:
    wave = _Wave(await message_rows.stored_messages(connection, [one.message_id for one in seen]))
    for one in seen:
        if isinstance(one, Observation):
            _decide_deletion(wave, one)
        else:
            _decide(wave, one)
    await message_rows.insert_messages(connection, wave.inserts, wave.tombstones)
    await message_rows.update_messages(connection, wave.updates, wave.kept)
    for message in wave.former:
        await message_rows.add_former(connection, message)
    changed = [message for message, _ in wave.updates] + wave.former
    await message_rows.remove_repeated_revisions(connection, [message.message_id for message in changed])
    await message_rows.mark_deleted(connection, wave.deletions)
    plan_events = await write_plans(connection, wave.plans)
    told = await message_rows.told_edits(connection, wave.revised)
    _count(wave, tally)
    events = []
    for message_id in sorted(wave.events):
        own = [*wave.events[message_id], *plan_events.get(message_id, ())]
        if told:
            own = [event for event in own if not _is_told(event, told)]
        tally[message_id].events += len(own)
        events += own
    return events


def _is_told(event: Event, told: set[tuple[UUID, datetime | None]]) -> bool:
    if event.fact_class is not MessageEdited:
        return False
    return (event.correlation_id, cast("MessageEdited", event.fact).edited_at) in told


def _count(wave: _Wave, tally: Mapping[int, Written]) -> None:
    for message in wave.inserts:
        tally[message.message_id].stored += 1
    for message_id in wave.revised:
        tally[message_id].edited += 1
    for gone in (*wave.deletions, *wave.tombstones):
        tally[gone.message_id].deleted += 1
    for message_id, state in wave.readings:
        tally[message_id].readings[state] += 1
    for plans in wave.plans:
        tally[plans.message_id].plans += len(plans.plans)


def _decide(wave: _Wave, message: PreparedMessage) -> None:
    stored = wave.stored.get(message.message_id)
    decided = verdict(stored, message)
    if stored is None:
        wave.inserts.append(message)
        _tell(wave, message, MessageStored, None, revision=1)
    elif decided is Verdict.FILL:
        wave.updates.append((message, 1))
        _tell(wave, message, MessageStored, stored, revision=1)
    elif decided is Verdict.REVISE:
        wave.updates.append((message, stored.revision + 1))
        wave.revised.append(message.message_id)
        if message.edited_at != stored.edited_at:
            wave.kept.append(message.message_id)
        _tell(wave, message, MessageEdited, stored, revision=stored.revision + 1)
    elif decided is Verdict.REFRESH:
        wave.updates.append((message, stored.revision))
    elif decided is Verdict.FORMER:
        wave.former.append(message)


def _tell(
    wave: _Wave,
    message: PreparedMessage,
    fact: type[MessageStored | MessageEdited],
    stored: StoredMessage | None,
    *,
    revision: int,
) -> None:
    """A text that was not stored before: its events, and its plans to be written."""
    deleted_at = stored.deleted_at if stored else None
    wave.events[message.message_id] = list(text_events(message, fact=fact, revision=revision, deleted_at=deleted_at))
    wave.readings.append((message.message_id, message.reading.state))
    wave.plans.append(
        MessagePlans(
            message.message_id,
            message.channel_id,
            message.guild_id,
            message.origin,
            is_deleted=deleted_at is not None,
            has_plans=stored is not None and stored.has_plans,
            plans=message.plans,
        )
    )


def _decide_deletion(wave: _Wave, gone: Observation) -> None:
    stored = wave.stored.get(gone.message_id)
    if stored is None:
        wave.tombstones.append(gone)
    elif stored.deleted_at is None:
        wave.deletions.append(gone)
        wave.plans.append(
            MessagePlans(
                gone.message_id,
                stored.channel_id,
                stored.guild_id,
                gone.origin,
                is_deleted=True,
                has_plans=stored.has_plans,
                plans=(),
            )
        )
    else:
        return
    wave.events[gone.message_id] = [deleted_event(gone, stored)]
