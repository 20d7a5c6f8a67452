"""Whatever order, batches and origins observations come in, the same rows stand and nothing is told twice."""

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import count, islice, permutations

import pytest
from asyncpg import Connection
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.observations import Room, preview
from tests.support.oracle import expected_messages, expected_plans
from tests.support.properties import unhurried
from tests.support.stored import assert_sound, stored_messages, stored_plans
from worker.ingest.observation import Observation
from worker.ingest.writer import Writer

PLAN = "day plan 2025-05-15\nSPY\nbreakout aggressive 582.54 > 586.25 590 ! 580\nbounce - 570-572 > 575"
OTHER_TARGETS = "day plan 2025-05-15\nSPY\nbreakout aggressive 582.54 > 587 591 ! 580\nbounce - 570-572 > 575"
FEWER = "day plan 2025-05-15\nSPY\nbounce - 570-572 > 575"
OTHER_DAY = "day plan 2025-05-16\nSPY\nbreakout aggressive 582.54 > 587 591 ! 580"
LINK = "read https://example.com/a before the open"

rooms = map(Room, count())


async def assert_as_expected(connection: Connection, room: Room, observations: Sequence[Observation]) -> None:
    messages = expected_messages(observations)
    assert await stored_messages(connection, room) == messages
    assert await stored_plans(connection, room) == expected_plans(messages)


def edits(room: Room) -> list[Observation]:
    return [
        room.posted(1, PLAN),
        room.posted(1, OTHER_TARGETS, edited=1),
        room.posted(1, OTHER_TARGETS, edited=2),  # an attachment was taken away
        room.posted(1, FEWER, edited=3, origin="history"),
        room.deleted(1),
    ]


def chat_becomes_a_plan_and_moves(room: Room) -> list[Observation]:
    return [
        room.posted(1, "good morning"),
        room.posted(1, PLAN, edited=1),
        room.posted(1, OTHER_DAY, edited=2),
        room.posted(2, PLAN),
        room.posted(3, PLAN, origin="history"),
    ]


def link_previews(room: Room) -> list[Observation]:
    url = "https://example.com/a"
    return [
        room.posted(1, LINK),
        room.posted(1, LINK, embeds=[preview(url)]),
        room.posted(1, LINK, embeds=[preview(url), preview("https://example.com/canonical")]),
        room.posted(1, LINK + "!", edited=1, embeds=[preview(url)]),
        room.posted(1, LINK + "!", edited=1),
    ]


def an_export_and_discord(room: Room) -> list[Observation]:
    return [
        room.posted(1, "hi <@700000000000000001>"),
        room.posted(1, "hi @analyst", origin="replay"),
        room.posted(1, "bye @analyst", origin="replay", edited=1),
        room.posted(1, "bye <@700000000000000001>", origin="history", edited=1),
        room.posted(1, "never mind", edited=2),
    ]


def an_export_that_is_newer(room: Room) -> list[Observation]:
    return [
        room.posted(1, PLAN, origin="history"),
        room.posted(1, FEWER, origin="replay", edited=5),
        room.posted(1, OTHER_DAY, origin="replay", edited=7),
        room.deleted(1, origin="history", inferred=True),
        room.posted(2, FEWER, origin="replay"),
    ]


def reposts_and_corrections(room: Room) -> list[Observation]:
    return [
        room.posted(1, PLAN),
        room.posted(2, PLAN),
        room.posted(3, FEWER),
        room.deleted(3),
        room.deleted(1),
    ]


@pytest.mark.parametrize(
    "make",
    [
        edits,
        chat_becomes_a_plan_and_moves,
        link_previews,
        an_export_and_discord,
        an_export_that_is_newer,
        reposts_and_corrections,
    ],
)
async def test_every_order_ends_in_the_same_rows(
    connection: Connection, writer: Writer, make: Callable[[Room], list[Observation]]
) -> None:
    orders = {next(rooms): order for order in permutations(range(5))}
    # Each step writes one observation in every room, which is quicker than one room after the other.
    for step in range(5):
        await writer.write([make(room)[order[step]] for room, order in orders.items()])
    for room in orders:
        await assert_as_expected(connection, room, make(room))
    await assert_sound(connection, *orders)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[tuple[int, int, int, str]], set[int], random.Random]:
    """For each message its versions: (message, text, edit time, origin), maybe several times; and who was deleted."""
    versions = list[tuple[int, int, int, str]]()
    deleted = set[int]()
    for message in range(1, draw(st.integers(1, 4)) + 1):
        # Sorted, because order may show in two things: whether a text that came back counts as a former one too, see
        # below, and which edit time a former text has when only an export saw an edit that changed something else.
        texts = sorted(draw(st.lists(st.integers(0, len(TEXTS) - 1), min_size=1, max_size=4)))
        for edit, text in enumerate(texts):
            is_same = edit > 0 and texts[edit - 1] == text
            tellers = ["live", "history"] if is_same else ["live", "history", "replay"]
            origins = draw(st.lists(st.sampled_from(tellers), max_size=3))
            versions += [(message, text, edit, origin) for origin in origins]
        if draw(st.booleans()):
            deleted.add(message)
    return versions, deleted, draw(st.randoms(use_true_random=False))


TEXTS = ["good morning", PLAN, OTHER_TARGETS, FEWER, OTHER_DAY, PLAN + "\nTSLA\nrejection - 320 > 315", ""]


def arrivals(
    room: Room, versions: list[tuple[int, int, int, str]], deleted: set[int], shuffled: random.Random
) -> list[Observation]:
    """Every version and deletion, some of them twice, in any order."""
    arriving: list[Observation] = [room.deleted(message) for message in sorted(deleted)]
    for message, text, edit, origin in versions:
        assert origin in ("live", "history", "replay")
        arriving.append(room.posted(message, TEXTS[text], edited=edit or None, origin=origin))  # type: ignore[arg-type]
    arriving += shuffled.choices(arriving, k=len(arriving) // 2) if arriving else []
    shuffled.shuffle(arriving)
    return arriving


def batches(arriving: list[Observation], shuffled: random.Random) -> Iterator[list[Observation]]:
    rest = iter(arriving)
    while batch := list(islice(rest, shuffled.randint(1, 6))):
        yield batch


@settings(unhurried, max_examples=60)
@given(histories())
async def test_any_history_in_any_order_and_batches(
    connection: Connection,
    writer: Writer,
    history: tuple[list[tuple[int, int, int, str]], set[int], random.Random],
) -> None:
    versions, deleted, shuffled = history
    room = next(rooms)
    arriving = arrivals(room, versions, deleted, shuffled)
    for batch in batches(arriving, shuffled):
        await writer.write(batch)
    await assert_as_expected(connection, room, arriving)
    await assert_sound(connection, room)
    before = len(await connection.fetch("SELECT FROM events"))
    await writer.write(arriving)
    assert len(await connection.fetch("SELECT FROM events")) == before
    await assert_as_expected(connection, room, arriving)


async def test_a_text_that_comes_back_stands_whatever_the_order(connection: Connection, writer: Writer) -> None:
    """Only whether the text that came back counts as a former one too depends on what was seen between."""
    for order in permutations(range(3)):
        room = next(rooms)
        states = [room.posted(1, "a"), room.posted(1, "b", edited=1), room.posted(1, "a", edited=2)]
        for place in order:
            await writer.write([states[place]])
        (message,) = (await stored_messages(connection, room)).values()
        (expected,) = expected_messages(states).values()
        assert (message.text, message.edited_at) == (expected.text, expected.edited_at)
        assert {text.text for text in message.former} in ({"b"}, {"a", "b"})
        await assert_sound(connection, room)
