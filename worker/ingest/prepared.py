"""An observation made ready for its row: cleaned, projected to text and parsed, all before the transaction begins."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog

from parsers.reading import Reading
from worker import correlation
from worker.events.catalogue import as_json
from worker.ingest.cleaning import clean
from worker.ingest.observation import Observation, snowflake_time
from worker.ingest.projection import text_of
from worker.words import Origin

log = structlog.get_logger(__name__)

TYPE_NAMES = {0: "default", 19: "reply", 20: "command", 21: "thread_starter", 23: "command"}
FORWARD_REFERENCE = 1

Read = Callable[[str, datetime, str | None], Reading]
"""Reads a text posted at a time with the parser of that name, or the one that recognises it."""


@dataclass(frozen=True, slots=True)
class PreparedMessage:
    """A message's row as it should stand, with the reading of its text."""

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
    raw: str | None
    raw_original: bytes | None
    text_flags: tuple[str, ...]
    posted_at: datetime
    edited_at: datetime | None
    origin: Origin
    received_at: datetime
    correlation_id: UUID
    reading: Reading


def prepare(observation: Observation, read: Read, parser: str | None) -> PreparedMessage:
    """The row of a posted observation. A parser that breaks costs its message nothing and does not raise."""
    payload, raw, original, flags = clean(observation.payload or {})
    author = payload.get("author")
    author = author if isinstance(author, dict) else {}
    text = text_of(payload)
    posted_at = snowflake_time(observation.message_id)
    embeds, attachments = payload.get("embeds") or None, payload.get("attachments") or None
    correlation_id = correlation.of_message(observation.message_id)
    return PreparedMessage(
        message_id=observation.message_id,
        channel_id=observation.channel_id,
        guild_id=observation.guild_id,
        author_id=_snowflake(author.get("id")),
        author_name=author.get("global_name") or author.get("username"),
        is_webhook="webhook_id" in payload,
        kind=_kind(payload),
        content=content if isinstance(content := payload.get("content"), str) else "",
        text=text,
        embeds=as_json(embeds) if embeds else None,
        attachments=as_json(attachments) if attachments else None,
        embed_count=len(embeds) if embeds else 0,
        raw=raw,
        raw_original=original,
        text_flags=flags,
        posted_at=posted_at,
        edited_at=_time(payload.get("edited_timestamp")),
        origin=observation.origin,
        received_at=observation.received_at,
        correlation_id=correlation_id,
        reading=read_safely(read, text, posted_at, parser, correlation_id),
    )


def read_safely(read: Read, text: str, posted_at: datetime, parser: str | None, correlation_id: UUID) -> Reading:
    """The reading, or a failed one with the reason: the supervisor of parsers."""
    try:
        return read(text, posted_at, parser)
    except Exception as error:
        log.exception("parsing.failed", correlation_id=str(correlation_id), parser=parser)
        return Reading("failed", reason=f"{type(error).__name__}: {error}"[:500])


def without_refused_parts(message: PreparedMessage, reason: str) -> PreparedMessage:
    """What is left to store of a message whose whole row was refused: its text, and its payload as bytes."""
    return replace(
        message,
        embeds=None,
        attachments=None,
        raw=None,
        raw_original=message.raw_original or (message.raw or "").encode(),
        text_flags=(*message.text_flags, "refused"),
        reading=Reading("failed", reason=reason[:500]),
    )


def _kind(payload: dict[str, Any]) -> str:
    reference = payload.get("message_reference")
    if isinstance(reference, dict) and reference.get("type") == FORWARD_REFERENCE:
        return "forward"
    number = payload.get("type", 0)
    return TYPE_NAMES.get(number, f"system:{number}") if isinstance(number, int) else "unknown"


def _snowflake(value: Any) -> int | None:
    """Discord sends ids as strings of digits; anything else counts as absent."""
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def _time(value: Any) -> datetime | None:
    """An ISO time with its zone; without one it is taken as UTC, as Discord's always are."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
