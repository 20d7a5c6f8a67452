"""Which plan a trader should look at, and what is told when that changes."""

import asyncio
import random
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from asyncpg import Connection
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.observations import Room
from tests.support.oracle import expected_messages, expected_plans
from tests.support.properties import unhurried
from tests.support.stored import Told, assert_sound, stored_messages, stored_plans, told
from worker.ingest.observation import Observation
from worker.ingest.writer import Writer

BREAKOUT = "breakout aggressive 582.54 > 586.25 590 ! 580"
BOUNCE = "bounce - 570-572 > 575"
REJECTION = "rejection - 600 > 595"

rooms = map(Room, count())


def plan(*setups: str, ticker: str = "SPY", day: str = "2025-05-15", kind: str = "day plan") -> str:
    return "\n".join([f"{kind} {day}", ticker, *setups])


async def states(connection: Connection, room: Room) -> list[str]:
    """Of the plans that are not withdrawn, in order of their messages."""
    return [plan.state for plan in await stored_plans(connection, room)]


async def news(connection: Connection, writer: Writer, room: Room, *observations: Observation) -> list[Told]:
    """What a write tells about setups."""
    known = len(await told(connection, room))
    await writer.write(observations)
    await assert_sound(connection, room)
    return [event for event in (await told(connection, room))[known:] if event.event_type.startswith("setup.")]


def types(events: Sequence[Told]) -> list[str]:
    return [event.event_type.removeprefix("setup.") for event in events]


async def test_the_newest_plan_is_current(connection: Connection, writer: Writer) -> None:
    room = next(rooms)
    assert types(await news(connection, writer, room, room.posted(1, plan(BREAKOUT)))) == ["created"]
    events = await news(connection, writer, room, room.posted(2, plan(BOUNCE)))
    assert types(events) == ["created", "superseded"]
    assert [event.data["caused_by"] for event in events] == [None, str(room.message_id(2))]
    assert events[1].data["message_id"] == str(room.message_id(1))
    assert await states(connection, room) == ["superseded", "current"]


async def test_history_that_arrives_after_newer_posts(connection: Connection, writer: Writer) -> None:
    room = next(rooms)
    await writer.write([room.posted(5, plan(BREAKOUT))])
    events = await news(connection, writer, room, room.posted(2, plan(BOUNCE), origin="history"))
    assert types(events) == ["created", "superseded"]
    assert events[1].data["caused_by"] == str(room.message_id(5))
    assert events[1].data["origin"] == "history"
    assert await states(connection, room) == ["superseded", "current"]


async def test_a_repost_is_silent_until_the_first_is_deleted(connection: Connection, writer: Writer) -> None:
    room = next(rooms)
    await writer.write([room.posted(1, plan(BREAKOUT, BOUNCE))])
    repost = plan(BOUNCE, BREAKOUT.replace("590", "590.00"))
    assert await news(connection, writer, room, room.posted(2, repost)) == []
    assert await states(connection, room) == ["current", "superseded"]
    events = await news(connection, writer, room, room.deleted(1))
    assert types(events) == ["withdrawn", "withdrawn", "reinstated", "reinstated"]
    assert {event.data["caused_by"] for event in events[2:]} == {str(room.message_id(1))}
    assert await states(connection, room) == ["current"]
    assert types(await news(connection, writer, room, room.deleted(2))) == ["withdrawn", "withdrawn"]


async def test_a_silent_repost_can_go_without_a_word(connection: Connection, writer: Writer) -> None:
    room = next(rooms)
    await writer.write([room.posted(1, plan(BREAKOUT)), room.posted(2, plan(BREAKOUT))])
    assert await news(connection, writer, room, room.deleted(2)) == []
    assert await states(connection, room) == ["current"]


async def test_a_silent_repost_that_is_edited_is_told_whole(connection: Connection, writer: Writer) -> None:
    """As reinstated, because who has never heard of a setup can do nothing with a change of it."""
    room = next(rooms)
    await writer.write([room.posted(1, plan(BREAKOUT, BOUNCE)), room.posted(2, plan(BREAKOUT, BOUNCE))])
    edited = plan(BREAKOUT.replace("586.25", "587"), REJECTION)
    events = await news(connection, writer, room, room.posted(2, edited, edited=1))
    assert types(events) == ["created", "reinstated", "superseded", "superseded"]
    assert events[1].data["targets"] == ["587", "590"]


async def test_a_repost_between_that_is_edited_stays_silent(connection: Connection, writer: Writer) -> None:
    room = next(rooms)
    await writer.write([room.posted(place, plan(BREAKOUT)) for place in (1, 2, 3)])
    events = await news(connection, writer, room, room.posted(2, plan(BOUNCE), edited=1))
    assert types(events) == ["superseded", "reinstated"]
    assert [event.data["message_id"] for event in events] == [str(room.message_id(place)) for place in (1, 3)]
    events = await news(connection, writer, room, room.deleted(2))
    assert types(events) == ["reinstated", "superseded"]
    assert [event.data["message_id"] for event in events] == [str(room.message_id(place)) for place in (1, 3)]


async def test_a_repost_that_was_told_of_is_told_of_for_good(connection: Connection, writer: Writer) -> None:
    """Reinstated once, it falls silent no more, also when older history makes a repeat of it again."""
    room = next(rooms)
    await writer.write([room.posted(2, plan(BREAKOUT)), room.posted(3, plan(BREAKOUT)), room.deleted(2)])
    events = await news(connection, writer, room, room.posted(1, plan(BREAKOUT), origin="history"))
    assert types(events) == ["created", "superseded"]
    assert types(await news(connection, writer, room, room.posted(3, plan(BREAKOUT, BOUNCE), edited=1))) == [
        "created",
        "reinstated",
        "superseded",
    ]
    assert types(await news(connection, writer, room, room.deleted(3))) == ["withdrawn", "withdrawn", "reinstated"]


async def test_a_correction_with_fewer_setups_is_flagged(connection: Connection, writer: Writer) -> None:
    room = next(rooms)
    await writer.write([room.posted(1, plan(BREAKOUT, BOUNCE))])
    events = await news(connection, writer, room, room.posted(2, plan(BREAKOUT)))
    assert [event.data["plan_flags"] for event in events] == [["fewer_setups"], [], []]
    shown = await connection.fetch("SELECT flags FROM current_setups WHERE channel_id = $1", room.channel_id)
    assert [row["flags"] for row in shown] == [["fewer_setups"]]
    # Who comes after is compared with it, and it is no correction any more.
    events = await news(connection, writer, room, room.posted(3, plan(BOUNCE)))
    assert [(event.event_type, event.data["plan_flags"]) for event in events] == [
        ("setup.created", []),
        ("setup.superseded", []),
    ]


async def test_the_flag_comes_and_goes_with_the_plan_before(connection: Connection, writer: Writer) -> None:
    room = next(rooms)
    await writer.write([room.posted(2, plan(BREAKOUT))])
    events = await news(connection, writer, room, room.posted(1, plan(BREAKOUT, BOUNCE), origin="history"))
    assert types(events) == ["created", "created", "superseded", "superseded", "updated"]
    assert (events[4].data["changed"], events[4].data["plan_flags"]) == (["plan_flags"], ["fewer_setups"])
    assert events[4].data["caused_by"] == str(room.message_id(1))
    events = await news(connection, writer, room, room.deleted(1))
    assert types(events) == ["withdrawn", "withdrawn", "updated"]
    assert events[2].data["plan_flags"] == []


async def setup_ids(connection: Connection, room: Room) -> dict[tuple[str, str], int]:
    """Of the setups that are current, by kind and state."""
    rows = await connection.fetch(
        """
        SELECT s.id, s.kind, s.state FROM trade_setups s JOIN ticker_plans p ON p.id = s.plan_id
         WHERE channel_id = $1
        """,
        room.channel_id,
    )
    return {(row["kind"], row["state"]): row["id"] for row in rows}


async def test_an_edit_keeps_the_ids_of_what_it_leaves(connection: Connection, writer: Writer) -> None:
    room = next(rooms)
    await writer.write([room.posted(1, plan(BREAKOUT, BOUNCE))])
    before = await setup_ids(connection, room)
    edited = plan(REJECTION, BOUNCE, BREAKOUT.replace("586.25", "587"))
    events = await news(connection, writer, room, room.posted(1, edited, edited=1))
    assert types(events) == ["created", "updated"]
    assert events[1].data["changed"] == ["targets"]
    after = await setup_ids(connection, room)
    assert {key: after[key] for key in before} == before
    events = await news(connection, writer, room, room.posted(1, plan(REJECTION, BREAKOUT), edited=2))
    assert types(events) == ["updated", "withdrawn"]
    assert await setup_ids(connection, room) == {
        ("rejection", "current"): after["rejection", "current"],
        ("breakout", "current"): before["breakout", "current"],
        ("bounce", "withdrawn"): before["bounce", "current"],
    }


async def test_another_trigger_is_the_same_setup_updated(connection: Connection, writer: Writer) -> None:
    room = next(rooms)
    await writer.write([room.posted(1, plan(BREAKOUT, BREAKOUT.replace("582.54", "595")))])
    moved = plan(BREAKOUT.replace("582.54", "596"), BREAKOUT)
    events = await news(connection, writer, room, room.posted(1, moved, edited=1))
    assert types(events) == ["updated"]
    assert (events[0].data["changed"], events[0].data["triggers"]) == (["triggers"], [["596", "596"]])


async def test_an_edit_can_move_a_plan_to_another_day(connection: Connection, writer: Writer) -> None:
    room = next(rooms)
    await writer.write([room.posted(1, plan(BREAKOUT)), room.posted(2, plan(BOUNCE))])
    events = await news(connection, writer, room, room.posted(2, plan(BOUNCE, day="2025-05-16"), edited=1))
    assert types(events) == ["updated", "reinstated"]
    assert (events[0].data["changed"], events[0].data["trading_day"]) == (["trading_day"], "2025-05-16")
    assert await states(connection, room) == ["current", "current"]
    events = await news(connection, writer, room, room.posted(1, plan(BREAKOUT, day="2025-05-16"), edited=2))
    assert types(events) == ["updated", "superseded"]


async def test_plans_that_change_places_at_once(connection: Connection, writer: Writer) -> None:
    """At no moment are two of them current for the same day."""
    room = next(rooms)
    await writer.write([room.posted(1, plan(BREAKOUT)), room.posted(2, plan(BOUNCE, day="2025-05-16"))])
    swapped = [
        room.posted(1, plan(BREAKOUT, day="2025-05-16"), edited=1),
        room.posted(2, plan(BOUNCE), edited=1),
        room.posted(3, plan(REJECTION)),
    ]
    await news(connection, writer, room, *swapped)
    assert await states(connection, room) == ["current", "superseded", "current"]


async def test_what_does_not_compete(connection: Connection, writer: Writer, alerts: None) -> None:
    room, other = next(rooms), next(rooms)
    texts = [
        plan(BREAKOUT),
        plan(BOUNCE, ticker="?"),
        plan(REJECTION, ticker="?"),
        plan(BOUNCE, ticker="TSLA"),
        plan("entry - 1.20 > 2", kind="alert"),
        plan("exit - 3.10", kind="alert"),
        plan("bias bullish 580"),
    ]
    for place, text in enumerate(texts, start=1):
        await news(connection, writer, room, room.posted(place, text))
    await news(connection, writer, other, other.posted(1, plan(BOUNCE)))
    assert set(await states(connection, room)) == {"current"}
    assert len(await states(connection, room)) == len(texts)
    assert await states(connection, other) == ["current"]


async def test_an_edit_can_take_a_plan_out_of_the_competition(connection: Connection, writer: Writer) -> None:
    room = next(rooms)
    await writer.write([room.posted(1, plan(BREAKOUT)), room.posted(2, plan(BOUNCE))])
    events = await news(connection, writer, room, room.posted(1, plan("bias bullish 580"), edited=1))
    assert types(events) == ["withdrawn"]
    events = await news(connection, writer, room, room.posted(2, "never mind", edited=1))
    assert types(events) == ["withdrawn"]
    assert await states(connection, room) == ["current"]


async def test_a_message_deleted_before_it_was_seen_keeps_its_plans_to_itself(
    connection: Connection, writer: Writer
) -> None:
    room = next(rooms)
    await writer.write([room.posted(1, plan(BREAKOUT)), room.deleted(2)])
    assert await news(connection, writer, room, room.posted(2, plan(BOUNCE), origin="history")) == []
    assert await news(connection, writer, room, room.posted(2, plan(REJECTION), edited=1)) == []
    message = (await stored_messages(connection, room))[room.message_id(2)]
    assert (message.text, message.is_deleted) == (plan(REJECTION), True)
    assert await states(connection, room) == ["current"]
    kept = await connection.fetch("SELECT kind, state FROM trade_setups WHERE kind <> 'breakout' ORDER BY id")
    assert [tuple(row) for row in kept] == [("bounce", "withdrawn"), ("rejection", "withdrawn")]


async def test_former_states_of_a_setup_are_kept(connection: Connection, writer: Writer) -> None:
    room = next(rooms)
    await writer.write([room.posted(1, plan(BREAKOUT))])
    await writer.write([room.posted(1, plan(BREAKOUT.replace("586.25", "587")), edited=1)])
    await writer.write([room.posted(2, plan(BOUNCE))])
    await writer.write([room.deleted(1)])
    kept = await connection.fetch(
        """
        SELECT r.data FROM setup_revisions r JOIN trade_setups s ON s.id = r.setup_id JOIN ticker_plans p
            ON p.id = s.plan_id WHERE channel_id = $1 ORDER BY r.id
        """,
        room.channel_id,
    )
    assert [(row["data"]["targets"], row["data"]["state"]) for row in kept] == [
        (["586.25", "590"], "current"),
        (["587", "590"], "current"),
        (["587", "590"], "superseded"),
    ]


SETUPS = [BREAKOUT, BREAKOUT.replace("586.25", "587"), BOUNCE, REJECTION, BREAKOUT.replace("582.54", "583")]
SECTIONS = st.tuples(
    st.sampled_from(["SPY", "SPY", "TSLA", "?"]), st.lists(st.sampled_from(SETUPS), max_size=3), st.booleans()
)


@st.composite
def texts(draw: st.DrawFn) -> str:
    if draw(st.integers(0, 5)) == 0:
        return "good morning"
    lines = [f"day plan 2025-05-1{draw(st.integers(5, 6))}"]
    for ticker, setups, has_bias in draw(st.lists(SECTIONS, min_size=1, max_size=2)):
        lines += [ticker, *setups, *(["bias bearish 580"] if has_bias else [])]
    return "\n".join(lines)


@st.composite
def days(draw: st.DrawFn) -> list[tuple[int, str | None, int]]:
    """A day of a channel in the order of its observations: place, text or deletion, edit time."""
    happened = list[tuple[int, str | None, int]]()
    for _ in range(draw(st.integers(2, 9))):
        place = draw(st.integers(1, 5))
        edits = 1 + max((edit for at, _, edit in happened if at == place), default=-1)
        happened.append((place, None if draw(st.integers(0, 4)) == 0 else draw(texts()), edits))
    return happened


@settings(unhurried, max_examples=80)
@given(days(), st.booleans(), st.randoms(use_true_random=False))
async def test_any_day_in_any_order_stands_as_it_should_after_every_write(
    connection: Connection,
    writer: Writer,
    happened: list[tuple[int, str | None, int]],
    in_order: bool,
    shuffled: random.Random,
) -> None:
    room = next(rooms)
    observations = [
        room.deleted(place) if text is None else room.posted(place, text, edited=edit or None)
        for place, text, edit in happened
    ]
    if not in_order:
        shuffled.shuffle(observations)
    written = 0
    while written < len(observations):
        size = shuffled.randint(1, 3)
        await writer.write(observations[written : written + size])
        written += size
        messages = expected_messages(observations[:written])
        assert await stored_plans(connection, room) == expected_plans(messages)
        await assert_sound(connection, room)


async def test_two_writers_in_one_channel_and_in_several(
    connection: Connection, new_writer: Callable[[], Writer]
) -> None:
    """Nobody waits for ever, nothing is lost, and the index that allows one current plan is never run into."""
    shuffled = random.Random(4)
    shared = [next(rooms) for _ in range(3)]
    variants = [plan(*setups) for setups in ([BREAKOUT], [BOUNCE], [BREAKOUT, BOUNCE], [REJECTION])]
    observations = {
        room: [
            room.posted(place, text, edited=edit or None)
            for place in range(1, 5)
            for edit, text in enumerate(shuffled.sample(variants, 3))
        ]
        + [room.deleted(2)]
        for room in shared
    }
    everything = [one for of_room in observations.values() for one in of_room]

    async def work(seed: int) -> int:
        writer, own = new_writer(), random.Random(seed)
        arriving = own.sample(everything, len(everything))
        refused = 0
        for start in range(0, len(arriving), 4):
            written = await writer.write(arriving[start : start + 4])
            refused += written.refused + written.unstorable
        return refused

    assert await asyncio.gather(*map(work, range(4))) == [0, 0, 0, 0]
    for room, of_room in observations.items():
        messages = expected_messages(of_room)
        assert await stored_messages(connection, room) == messages
        assert await stored_plans(connection, room) == expected_plans(messages)
    await assert_sound(connection, *shared)


async def test_rows_say_the_same_as_the_events_also_for_alerts(
    connection: Connection, writer: Writer, alerts: None, logged: list[dict[str, Any]]
) -> None:
    room = next(rooms)
    text = plan("entry - 1.20 > 2 3 ! 0.8", kind="alert")
    await news(connection, writer, room, room.posted(1, text), room.posted(2, text))
    assert types(await news(connection, writer, room, room.deleted(1))) == ["withdrawn"]
    assert await states(connection, room) == ["current"]
    assert [line["event"] for line in logged if line["log_level"] != "info"] == []
