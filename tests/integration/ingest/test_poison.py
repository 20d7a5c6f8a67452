"""What the database or a parser refuses is stored all the same, flagged, and costs nothing beside it."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from asyncpg import Connection
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.observations import Room
from tests.support.properties import unhurried
from tests.support.stored import Told, assert_sound, stored_plans, told
from worker.events.catalogue import DATA_LIMIT_BYTES
from worker.ingest.observation import Covered, Observation
from worker.ingest.writer import Writer

PLAN = "day plan 2025-05-15\nSPY\nbounce - 580 > 585"
ROW = "SELECT * FROM discord_messages WHERE message_id = $1"


def nested(depth: int) -> Any:
    value: Any = "the bottom"
    for _ in range(depth):
        value = {"in": value}
    return value


async def with_neighbours(
    connection: Connection, writer: Writer, room: Room, poison: Observation
) -> tuple[dict[str, Any], list[Told]]:
    """The poison's row and events after it was written amid good messages, twice."""
    batch = [room.posted(1, PLAN), room.posted(2, "before"), poison, room.posted(4, "after"), room.posted(5, PLAN)]
    covered = Covered(room.channel_id, room.message_id(0), room.message_id(5))
    first = await writer.write(batch, [covered])
    assert (first.stored, first.unstorable) == (5, 0)
    again = await writer.write(batch, [covered])
    assert (again.stored, again.edited, again.refused, again.unstorable, again.events) == (0, 0, 0, 0, 0)
    states = [(plan.state, plan.ticker) for plan in await stored_plans(connection, room) if plan.ticker == "SPY"]
    assert states[0] == ("current", "SPY")
    assert states[-1] == ("superseded", "SPY")
    assert await connection.fetchval(
        "SELECT covered @> int8range($2, $3, '(]') FROM discord_channels WHERE channel_id = $1",
        room.channel_id,
        covered.after,
        covered.up_to,
    )
    row = await connection.fetchrow(ROW, poison.message_id)
    assert row is not None
    await assert_sound(connection, room)
    events = await told(connection, room)
    for event in events:
        assert len(json.dumps(event.data).encode()) < DATA_LIMIT_BYTES * 1.1  # jsonb is read with other white space
    return dict(row), [event for event in events if event.data["message_id"] == str(poison.message_id)]


@pytest.mark.parametrize(
    ("more", "flags"),
    [
        ({"nonce": {"k\x00ey": "\x00"}}, ["nul"]),
        ({"nonce": "\ud83d", "author": {"id": "5", "username": "\udc00 the lone"}}, ["surrogate"]),
        ({"nonce": float("nan"), "x": 10**400, "y": 1e308}, ["number"]),
        ({"nonce": nested(5000)}, ["deep"]),
        ({"nonce": nested(60)}, None),
        ({"embeds": [{"title": "\x00"}], "attachments": [{"filename": "\ud800.png"}]}, ["nul", "surrogate"]),
        ({"nonce": 10**4000}, None),
    ],
)
async def test_a_payload_that_jsonb_refuses(
    connection: Connection, writer: Writer, more: dict[str, Any], flags: list[str] | None
) -> None:
    room = Room()
    row, events = await with_neighbours(connection, writer, room, room.posted(3, "the poison", **more))
    assert row["text"].startswith("the poison")
    assert row["text_flags"] == flags
    assert (row["raw_original"] is not None) == (flags not in (None, ["deep"]))
    assert row["raw"]["content"] == "the poison"
    assert [event.event_type for event in events] == ["discord.message.stored"]


def too_many_setups() -> str:
    return "day plan 2025-05-15\nTSLA" + "\nbounce - 310 > 315" * 40_000


def too_many_targets() -> str:
    return "day plan 2025-05-15\nTSLA\nbounce - 310 > 315" + " 315" * 40_000


def a_word_that_is_none() -> str:
    return "day plan 2025-05-15\nTSLA\nbounce recklessly 310 > 315"


def a_price_beyond_numeric() -> str:
    return f"day plan 2025-05-15\nTSLA\nbounce - 0.{'9' * 140_000} > 315"


def a_zone_upside_down() -> str:
    return "day plan 2025-05-15\nTSLA\nbounce - 315-310 > 320"


def a_ticker_too_long_for_an_event() -> str:
    return f"day plan 2025-05-15\n{'T' * 70_000}\nbounce - 310 > 315"


def what_breaks_the_parser() -> str:
    return "day plan 2025-05-15\nTSLA\nbounce - soon > later"


@pytest.mark.parametrize(
    ("make", "flags"),
    [
        (too_many_setups, None),
        (too_many_targets, None),
        (a_word_that_is_none, ["refused"]),
        (a_price_beyond_numeric, ["refused"]),
        (a_zone_upside_down, ["refused"]),
        (a_ticker_too_long_for_an_event, ["refused"]),
        (what_breaks_the_parser, None),
    ],
)
async def test_a_reading_that_cannot_be_stored(
    connection: Connection, writer: Writer, make: Callable[[], str], flags: list[str] | None
) -> None:
    room = Room()
    poison = room.posted(3, make(), attachments=[{"filename": "chart.png"}])
    row, events = await with_neighbours(connection, writer, room, poison)
    assert row["text"] == make()
    assert (row["parse_state"], row["parser"]) == ("failed", None)
    assert row["parse_reason"]
    assert row["text_flags"] == flags
    assert row["attachments"] == [{"filename": "chart.png"}]
    assert row["raw"] == poison.payload
    assert [event.event_type for event in events] == ["discord.message.stored", "parsing.message.failed"]
    assert events[1].data["reason"].isidentifier(), "the words of an error can quote the text"


async def test_an_edit_that_cannot_be_stored_withdraws_what_stood(connection: Connection, writer: Writer) -> None:
    room = Room()
    await writer.write([room.posted(1, PLAN)])
    written = await writer.write([room.posted(2, "beside"), room.posted(1, a_word_that_is_none(), edited=1)])
    assert (written.edited, written.stored, written.refused) == (1, 1, 1)
    assert await stored_plans(connection, room) == []
    about_the_first = str(room.message_id(1))
    events = [event.event_type for event in await told(connection, room) if event.data["message_id"] == about_the_first]
    assert events[-3:] == ["discord.message.edited", "parsing.message.failed", "setup.withdrawn"]
    await assert_sound(connection, room)


async def test_prices_of_200_digits_stay_exact(connection: Connection, writer: Writer) -> None:
    room = Room()
    price = "1234567890" * 20 + ".5"
    await writer.write([room.posted(1, f"day plan 2025-05-15\nSPY\nbounce - {price} > 0.{'0' * 199}1")])
    (plan,) = await stored_plans(connection, room)
    assert plan.setups[0].triggers == ((Decimal(price), Decimal(price)),)
    assert str(plan.setups[0].targets[0]) == f"{Decimal(10) ** -200}"
    await assert_sound(connection, room)


async def test_prices_are_compared_to_the_last_digit(connection: Connection, writer: Writer) -> None:
    room = Room()
    for place, digit in enumerate("110", start=1):
        await writer.write([room.posted(place, f"day plan 2025-05-15\nSPY\nbounce - 0.{'7' * 40}{digit} > 1.0")])
    assert [plan.state for plan in await stored_plans(connection, room)] == ["superseded", "superseded", "current"]


async def test_a_setup_too_long_for_an_event_says_so(connection: Connection, writer: Writer) -> None:
    room = Room()
    targets = " ".join(f"{600 + number}.25" for number in range(9000))
    await writer.write([room.posted(1, f"day plan 2025-05-15\nSPY\nbounce - 580 > {targets}")])
    (plan,) = await stored_plans(connection, room)
    assert len(plan.setups[0].targets) == 9000
    (created,) = [event for event in await told(connection, room) if event.event_type == "setup.created"]
    assert (created.data["truncated"], created.data["targets"]) == (True, [])


@pytest.mark.parametrize("letter", ["x", "😀", "\x00", "\ud83d", "\N{RIGHT-TO-LEFT OVERRIDE}", "'", "\\", "\x1b"])
async def test_4000_characters(connection: Connection, writer: Writer, letter: str) -> None:
    room = Room()
    row, _ = await with_neighbours(connection, writer, room, room.posted(3, letter * 4000))
    assert len(row["text"]) == 4000
    storable = "\N{REPLACEMENT CHARACTER}" if letter in "\x00\ud83d" else letter
    assert row["content"] == storable * 4000
    if storable != letter:
        assert json.loads(row["raw_original"])["content"] == letter * 4000


async def test_spans_hold_where_something_was_cleaned(connection: Connection, writer: Writer) -> None:
    room = Room()
    text = "day plan 2025-05-15\nS\x00P\ud83dY\nbounce - 580 582-583 > 585.50 ! 579\nbias bullish 581"
    await writer.write([room.posted(1, text)])
    rows = await connection.fetch(
        """
        SELECT substr(text, lower(l.span) + 1, upper(l.span) - lower(l.span)), l.role, s.raw_line,
               substr(text, lower(s.span) + 1, upper(s.span) - lower(s.span))
          FROM parsed_levels l JOIN ticker_plans p ON p.id = l.plan_id JOIN discord_messages USING (message_id)
          LEFT JOIN trade_setups s ON s.id = l.setup_id
         ORDER BY l.id
        """
    )
    line = "bounce - 580 582-583 > 585.50 ! 579"
    assert [tuple(row) for row in rows] == [
        ("580", "trigger", line, line),
        ("582-583", "trigger", line, line),
        ("585.50", "target", line, line),
        ("579", "stop", line, line),
        ("581", "bias", None, None),
    ]


KEYS = ["author", "content", "embeds", "attachments", "type", "edited_timestamp", "components", "poll", "webhook_id"]
ODD: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["", "\x00", "\ud800", PLAN, "2025"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*KEYS, "id", "url"]), inner),
    max_leaves=8,
)


@settings(unhurried, max_examples=60)
@given(st.lists(st.dictionaries(st.sampled_from(KEYS), ODD), min_size=1, max_size=8), st.integers(1, 10**6))
async def test_any_payload_is_stored(
    connection: Connection, writer: Writer, payloads: list[dict[str, Any]], number: int
) -> None:
    room = Room(number)
    observations = [room.posted(place, **{"content": "", **payload}) for place, payload in enumerate(payloads)]
    await writer.write(observations)
    ids = {one.message_id for one in observations}
    stored = await connection.fetch("SELECT message_id FROM discord_messages WHERE message_id = ANY($1)", list(ids))
    assert {row["message_id"] for row in stored} == ids
