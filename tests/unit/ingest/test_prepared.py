"""A payload of any shape becomes a row, and what breaks on it costs nobody else."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from parsers.reading import NOT_A_PLAN, Reading
from tests.support import notation
from tests.support.observations import Room
from worker import correlation
from worker.events.catalogue import Event, MessageStored
from worker.ingest.observation import identity
from worker.ingest.prepared import PreparedMessage, prepare
from worker.words import Origin

room = Room()


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[EventDict]]:
    """The lines that are logged, unrendered."""
    with capture_logs() as lines:
        yield lines


def prepared(content: str = "hello", **more: Any) -> PreparedMessage:
    return prepare(room.posted(1, content, **more), notation.read, None)


def test_an_ordinary_message() -> None:
    row = prepared("day plan 2025-05-15\nSPY\nbounce - 580 > 585", attachments=[{"filename": "chart.png"}])
    assert (row.author_id, row.author_name, row.kind) == (700_000_000_000_000_001, "The Analyst", "default")
    assert row.posted_at == datetime(2025, 5, 15, 12, 1, tzinfo=UTC)
    assert row.correlation_id == correlation.of_message(room.message_id(1))
    assert (row.embeds, row.attachments) == (None, '[{"filename":"chart.png"}]')
    assert row.reading.state == "parsed"
    assert row.raw_original is None


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        ({"type": 0}, "default"),
        ({"type": 19, "message_reference": {"type": 0, "message_id": "1"}}, "reply"),
        ({"type": 0, "message_reference": {"type": 1, "message_id": "1"}}, "forward"),
        ({"type": 20}, "command"),
        ({"type": 21}, "thread_starter"),
        ({"type": 7}, "system:7"),
        ({"type": "GuildMemberJoin"}, "unknown"),
    ],
)
def test_kinds(payload: dict[str, Any], kind: str) -> None:
    assert prepared(**payload).kind == kind


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("author", "nobody"),
        ("author", {"id": "9" * 30, "username": 5}),
        ("author", {"id": "Ⅷ", "username": ""}),
        ("content", 5),
        ("content", None),
        ("embeds", 5),
        ("embeds", {"title": "not in a list"}),
        ("attachments", True),
        ("type", 10**30),
        ("edited_timestamp", "yesterday"),
        ("edited_timestamp", "0001-01-01T00:00:00+14:00"),
        ("edited_timestamp", 1_747_310_400),
    ],
)
def test_parts_of_an_unexpected_type_are_left_in_the_payload(name: str, value: object) -> None:
    observation = room.posted(1, "hello")
    assert observation.payload is not None
    row = prepare(observation, notation.read, None)
    observation.payload[name] = value
    odd = prepare(observation, notation.read, None)
    assert odd.raw is not None
    assert json.loads(odd.raw)[name] == value
    assert odd.text_flags == ()
    assert (odd.author_id is None) == (name == "author")
    assert odd.edited_at is None
    assert odd.text == ("" if name == "content" else row.text)


@pytest.mark.parametrize("given", ["2025-05-15T12:30:00.123000+00:00", "2025-05-15T14:30:00.123+02:00"])
def test_an_edit_time_is_in_utc(given: str) -> None:
    row = prepared(edited_timestamp=given)
    assert row.edited_at == datetime(2025, 5, 15, 12, 30, 0, 123_000, tzinfo=UTC)
    assert row.edited_at.tzinfo is UTC


def test_a_parser_that_breaks_costs_the_message_nothing() -> None:
    def broken(text: str, posted_at: datetime, parser: str | None) -> Reading:
        raise ZeroDivisionError(f"on {text}")

    row = prepare(room.posted(1, "hello"), broken, None)
    assert (row.text, row.text_flags) == ("hello", ())
    assert row.reading == Reading("failed", reason="ZeroDivisionError: on hello")


def test_the_parser_of_the_channel_is_asked() -> None:
    asked: list[str | None] = []

    def reader(text: str, posted_at: datetime, parser: str | None) -> Reading:
        asked.append(parser)
        return NOT_A_PLAN

    prepare(room.posted(1, "hello"), reader, "aplus")
    assert asked == ["aplus"]


def test_a_payload_that_nobody_can_read_is_kept_as_bytes() -> None:
    row = prepare(room.posted(1, "hello", nonce=object()), notation.read, None)
    assert (row.text, row.raw, row.text_flags) == ("", None, ("refused",))
    assert row.reading.state == "failed"
    assert row.raw_original is not None
    assert json.loads(row.raw_original)["content"] == "hello"


@pytest.mark.parametrize("origin", get_args(Origin))
@pytest.mark.parametrize("edited", [None, "2025-05-15T12:30:00+00:00", "0001-01-02T00:00:00.000001+01:00"])
@pytest.mark.parametrize("guild_id", [None, 900_000_000_000_000_001])
@pytest.mark.parametrize("message_id", [room.message_id(1), room.message_id(1) + (123 << 22), -5, 2**63 - 1])
def test_what_is_told_of_a_new_message_is_what_its_fact_says(
    origin: Origin, edited: str | None, guild_id: int | None, message_id: int
) -> None:
    observation = room.posted(1, "hello", origin=origin, edited_timestamp=edited)
    observation = replace(observation, guild_id=guild_id, message_id=message_id)
    row = prepare(observation, notation.read, None)
    fact = MessageStored(**identity(observation), revision=1, posted_at=row.posted_at, edited_at=row.edited_at)
    assert row.stored_event is not None
    assert row.stored_event.data == Event(fact, row.correlation_id).data
    assert row.stored_event.fact == fact
