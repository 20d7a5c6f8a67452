"""The facts about a message itself, and about how its text was read. Pure."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from parsers.reading import Reading
from worker import correlation
from worker.events.catalogue import (
    Event,
    MessageDeleted,
    MessageEdited,
    MessageEmpty,
    MessageFailed,
    MessageParsed,
    MessageStored,
)
from worker.ingest.observation import Observation, identity, snowflake_time
from worker.ingest.precedence import StoredMessage
from worker.ingest.prepared import PreparedMessage


def text_events(
    message: PreparedMessage, *, fact: type[MessageStored | MessageEdited], revision: int, deleted_at: datetime | None
) -> Iterator[Event]:
    """That a text was stored or edited, and what was read in it."""
    correlation_id = message.correlation_id
    if message.stored_event is not None and fact is MessageStored and deleted_at is None:
        yield message.stored_event
    else:
        own = fact(
            **identity(message),
            revision=revision,
            posted_at=message.posted_at,
            edited_at=message.edited_at,
            deleted_at=deleted_at,
        )
        yield Event(own, correlation_id)
    if message.reading.state != "not_a_plan" and (reading := reading_fact(message.reading, identity(message))):
        yield Event(reading, correlation_id)


def reading_fact(reading: Reading, about: dict[str, Any]) -> MessageParsed | MessageEmpty | MessageFailed | None:
    """How a text was read; nothing is told of what is no plan."""
    if reading.state == "failed":
        # An error's own words can quote the text; its name cannot.
        return MessageFailed(**about, reason=(reading.reason or "").partition(":")[0])
    if reading.state == "empty":
        return MessageEmpty(**about, parser=reading.format or "", parser_version=reading.version, reason=reading.reason)
    if reading.state != "parsed" or reading.trading_day is None or reading.trading_day_source is None:
        return None
    return MessageParsed(
        **about,
        parser=reading.format or "",
        parser_version=reading.version,
        trading_day=reading.trading_day,
        trading_day_source=reading.trading_day_source,
        tickers=[plan.ticker for plan in reading.plans],
        setups=sum(len(plan.setups) for plan in reading.plans),
        unread=len(reading.unread),
        flags=list(reading.flags),
    )


def deleted_event(gone: Observation, stored: StoredMessage | None) -> Event:
    return Event(
        MessageDeleted(
            **identity(gone),
            revision=stored.revision if stored else 0,
            posted_at=snowflake_time(gone.message_id),
            edited_at=stored.edited_at if stored else None,
            deleted_at=gone.received_at,
            deletion_inferred=gone.deletion_inferred,
        ),
        correlation.of_message(gone.message_id),
    )
