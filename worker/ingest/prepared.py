"""An observation made ready for its row: cleaned, projected to text and parsed, all before the transaction begins."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from pydantic_core import to_json

from parsers.reading import Reading
from worker import correlation
from worker.events.catalogue import Event, MessageStored, as_json, version_of
from worker.faults import named
from worker.ingest.cleaning import as_bytes, clean, storable
from worker.ingest.observation import GREATEST_ID, Observation, identity, snowflake_time
from worker.ingest.plans import PlanValue, plans_of_text
from worker.ingest.projection import text_of
from worker.words import Origin

log = structlog.get_logger(__name__)

TYPE_NAMES = {0: "default", 19: "reply", 20: "command", 21: "thread_starter", 23: "command"}
FORWARD_REFERENCE = 1
SETUP_LIMIT = 1000  # of one message; a transaction must never take so long that the server ends it as idle
LEVEL_LIMIT = 10_000
_STORED_VERSION = version_of(MessageStored)
OWN_POST = "posted by the worker itself"
"""The reason why a message of the worker's own is never read."""

Read = Callable[[str, datetime, str | None], Reading]
"""Reads a text posted at a time with the parser of that name, or the one that recognises it."""


class PreparedMessage(NamedTuple):
    """A message's row as it should stand, with the reading of its text. A tuple, because history makes so many."""

    message_id: int
    channel_id: int
    guild_id: int | None
    author_id: int | None
    author_name: str | None
    is_webhook: bool
    kind: str
    content: str
    text: str
    embeds: str | None
    attachments: str | None
    embed_count: int
    raw: bytes | None
    raw_original: bytes | None
    text_flags: tuple[str, ...]
    posted_at: datetime
    edited_at: datetime | None
    origin: Origin
    received_at: datetime
    correlation_id: UUID
    reading: Reading
    plans: tuple[PlanValue, ...]
    stored_event: Event | None
    """What is told where nothing is stored of the message yet. None: it has to be made by then."""

    @property
    def setups(self) -> int:
        return sum(len(plan.setups) for plan in self.plans)


def prepare(observation: Observation, read: Read, parser: str | None) -> PreparedMessage:
    """The row of a posted observation. Never raises: what a payload or a parser breaks costs no other message."""
    try:
        return _row(observation, read, parser)
    except Exception as error:
        log.exception("ingest.unreadable", correlation_id=str(correlation.of_message(observation.message_id)))
        failed = failed_reading(error)
        bare = _row(replace(observation, payload={}), lambda *_: failed, None)
        return bare._replace(raw=None, raw_original=as_bytes(observation.payload), text_flags=("refused",))


def _row(observation: Observation, read: Read, parser: str | None) -> PreparedMessage:
    payload, raw, original, flags = clean(observation.payload or {})
    author = payload.get("author")
    author = author if isinstance(author, dict) else {}
    text = text_of(payload)
    posted_at = snowflake_time(observation.message_id)
    edited_at = _time(payload.get("edited_timestamp"))
    embeds, attachments = _list(payload.get("embeds")), _list(payload.get("attachments"))
    correlation_id = correlation.of_message(observation.message_id)
    if observation.is_own:
        reading = Reading("not_a_plan", reason=OWN_POST)
    else:
        reading = read_safely(read, text, posted_at, parser, correlation_id)
    return PreparedMessage(
        message_id=observation.message_id,
        channel_id=observation.channel_id,
        guild_id=observation.guild_id,
        author_id=_snowflake(author.get("id")),
        author_name=_string(author.get("global_name")) or _string(author.get("username")) or None,
        is_webhook="webhook_id" in payload,
        kind=_kind(payload),
        content=_string(payload.get("content")),
        text=text,
        embeds=as_json(embeds) if embeds else None,
        attachments=as_json(attachments) if attachments else None,
        embed_count=len(embeds),
        raw=raw,
        raw_original=original,
        text_flags=flags,
        posted_at=posted_at,
        edited_at=edited_at,
        origin=observation.origin,
        received_at=observation.received_at,
        correlation_id=correlation_id,
        reading=reading,
        plans=plans_of_text(reading, text=text, message_id=observation.message_id, channel_id=observation.channel_id),
        stored_event=_stored_event(observation, posted_at, edited_at, correlation_id),
    )


def _stored_event(
    observation: Observation, posted_at: datetime, edited_at: datetime | None, correlation_id: UUID
) -> Event:
    """As MessageStored writes it. History makes so many that a model for each would take a fifth of the way there."""
    fact = {
        "schema": _STORED_VERSION,
        **identity(observation),
        "caused_by": None,
        "revision": 1,
        "posted_at": posted_at,
        "edited_at": edited_at,
        "deleted_at": None,
    }
    return Event.written(MessageStored, to_json(fact).decode(), correlation_id)


def read_safely(read: Read, text: str, posted_at: datetime, parser: str | None, correlation_id: UUID) -> Reading:
    """The reading, or a failed one with the reason: the supervisor of parsers."""
    try:
        reading = read(text, posted_at, parser)
    except Exception as error:
        log.exception("parsing.failed", correlation_id=str(correlation_id), parser=parser)
        return failed_reading(error)
    return _too_much_in(reading) or reading


def _too_much_in(reading: Reading) -> Reading | None:
    """What stands for a reading of more than any message of Discord's can hold."""
    if not reading.plans:
        return None
    setups = [setup for plan in reading.plans for setup in plan.setups]
    levels = sum(len(setup.triggers) + len(setup.targets) for setup in setups)
    for name, number, limit in (("Setups", len(setups), SETUP_LIMIT), ("Levels", levels, LEVEL_LIMIT)):
        if number > limit:
            return Reading("failed", reason=f"TooMany{name}: {number} in one message")
    return None


def with_less(message: PreparedMessage, error: Exception) -> PreparedMessage | None:
    """What is left of a message that the database refused: first without its plans, then without its payload.

    None: there is nothing left to leave out."""
    flags = (*(flag for flag in message.text_flags if flag != "refused"), "refused")
    lesser = message._replace(text_flags=flags, reading=failed_reading(error), plans=())
    if message.plans:
        return lesser
    if message.raw is None:
        return None
    original = message.raw_original or message.raw
    return lesser._replace(embeds=None, attachments=None, raw=None, raw_original=original)


def failed_reading(error: Exception) -> Reading:
    """What stands where a text could not be read, or its reading not be stored."""
    return Reading("failed", reason=storable(named(error)[:500]))


def _kind(payload: dict[str, Any]) -> str:
    reference = payload.get("message_reference")
    if isinstance(reference, dict) and reference.get("type") == FORWARD_REFERENCE:
        return "forward"
    number = payload.get("type", 0)
    return TYPE_NAMES.get(number, f"system:{number}") if isinstance(number, int) else "unknown"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _snowflake(value: Any) -> int | None:
    """Discord sends ids as strings of digits; anything else counts as absent, and what bigint cannot hold too."""
    try:
        number = int(value)
    except (TypeError, ValueError):
        return None
    return number if abs(number) <= GREATEST_ID else None


def _time(value: Any) -> datetime | None:
    """An ISO time with its zone; without one it is taken as UTC, as Discord's always are."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
