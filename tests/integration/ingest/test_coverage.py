"""What is covered is what was stored, and the gaps are the rest of what was asked for."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import cast

import pytest
from asyncpg import Connection
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.observations import Room, snowflake
from tests.support.properties import unhurried
from worker.ingest.coverage import Gap, find_gaps
from worker.ingest.observation import Covered
from worker.ingest.writer import Writer
from worker.words import Origin

ASKED = datetime(2025, 5, 1, tzinfo=UTC)
NEWEST = snowflake(datetime(2025, 5, 16, tzinfo=UTC), 7)

rooms = map(Room, count())


async def add(
    connection: Connection,
    room: Room,
    history_from: datetime | None = ASKED,
    parent: Room | None = None,
    *,
    is_listen: bool = True,
) -> None:
    await connection.execute(
        "INSERT INTO discord_channels (channel_id, history_from, parent_id, created_at, is_listen)"
        " VALUES ($1, $2, $3, $4, $5)",
        room.channel_id,
        history_from,
        parent.channel_id if parent else None,
        datetime(2025, 5, 10, tzinfo=UTC),
        is_listen,
    )


async def gaps(connection: Connection, room: Room, newest: int = NEWEST) -> list[tuple[int, int]]:
    found = await find_gaps(connection, {room.channel_id: newest})
    assert {gap.channel_id for gap in found} <= {room.channel_id}
    return [(gap.first_id, gap.last_id) for gap in found]


async def test_nothing_is_covered_at_first(connection: Connection) -> None:
    await add(connection, room := next(rooms))
    assert await gaps(connection, room) == [(snowflake(ASKED), NEWEST)]


@pytest.mark.parametrize("is_listen", [True, False])
async def test_nothing_is_missing_where_nothing_is_listened_to(connection: Connection, is_listen: bool) -> None:
    parent, thread = next(rooms), next(rooms)
    await add(connection, parent, is_listen=is_listen)
    await add(connection, thread, parent=parent, is_listen=False)
    asked = [(snowflake(ASKED), NEWEST)] if is_listen else []
    assert [await gaps(connection, room) for room in (parent, thread)] == [asked, asked]


@pytest.mark.parametrize(
    ("own", "of_parent", "first"),
    [
        (ASKED, None, ASKED),
        (ASKED, datetime(2025, 4, 1, tzinfo=UTC), datetime(2025, 4, 1, tzinfo=UTC)),
        (ASKED, datetime(2025, 5, 5, tzinfo=UTC), ASKED),
        (None, datetime(2025, 4, 1, tzinfo=UTC), datetime(2025, 4, 1, tzinfo=UTC)),
        (None, None, datetime(2025, 5, 10, tzinfo=UTC)),
        (datetime(2010, 1, 1, tzinfo=UTC), None, datetime(2010, 1, 1, tzinfo=UTC)),
        (datetime(2025, 5, 1, 0, 0, 0, 999, tzinfo=UTC), None, ASKED),
    ],
    ids=[
        "its own",
        "the parent's before its own",
        "its own before the parent's",
        "the parent's",
        "since it is known",
        "before Discord",
        "to the ms",
    ],
)
async def test_how_far_back(
    connection: Connection, own: datetime | None, of_parent: datetime | None, first: datetime
) -> None:
    parent, room = next(rooms), next(rooms)
    await add(connection, parent, of_parent)
    await add(connection, room, own, parent)
    assert await gaps(connection, room) == [(snowflake(first), NEWEST)]


async def test_a_channel_without_messages_has_no_gap(connection: Connection) -> None:
    await add(connection, room := next(rooms))
    assert await gaps(connection, room, newest=0) == []
    assert await gaps(connection, room, newest=snowflake(ASKED - timedelta(days=1))) == []
    assert await find_gaps(connection, {1: NEWEST}) == []
    assert await find_gaps(connection, {}) == []


async def test_a_page_and_its_coverage_come_together(connection: Connection, writer: Writer) -> None:
    await add(connection, room := next(rooms))
    first = snowflake(ASKED)
    for place in (3, 1):
        page = [room.posted(place, "a"), room.posted(place + 1, "b")]
        await writer.write(page, [Covered(room.channel_id, room.message_id(place) - 1, room.message_id(place + 1))])
    assert await gaps(connection, room) == [
        (room.message_id(4) + 1, NEWEST),
        (room.message_id(2) + 1, room.message_id(3) - 1),
        (first, room.message_id(1) - 1),
    ]
    await writer.write([], [Covered(room.channel_id, first - 1, NEWEST)])
    assert await gaps(connection, room) == []


async def test_what_cannot_be_stored_stays_a_gap(connection: Connection, writer: Writer) -> None:
    await add(connection, room := next(rooms))
    bad = replace(room.posted(2, "bad"), origin=cast(Origin, "hearsay"))
    written = await writer.write(
        [room.posted(1, "good"), bad], [Covered(room.channel_id, snowflake(ASKED) - 1, NEWEST)]
    )
    assert (written.stored, written.unstorable) == (1, 1)
    assert await gaps(connection, room) == [(snowflake(ASKED), NEWEST)]


SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 12)), max_size=12)


@settings(unhurried, max_examples=60)
@given(st.lists(SPANS, min_size=1, max_size=4), st.integers(1, 80))
async def test_gaps_and_coverage_are_all_there_is(
    connection: Connection, writer: Writer, writes: list[list[tuple[int, int]]], newest: int
) -> None:
    await add(connection, room := next(rooms))
    first = snowflake(ASKED)
    covered = set[int]()
    for spans in writes:
        had = [Covered(room.channel_id, first + after - 1, first + after + length - 1) for after, length in spans]
        covered |= {one for after, length in spans for one in range(after, after + length)}
        await writer.write([], had)
    found = await find_gaps(connection, {room.channel_id: first + newest})
    missing = [one for gap in found for one in range(gap.first_id - first, gap.last_id - first + 1)]
    assert len(missing) == len(set(missing))
    assert set(missing) == set(range(newest + 1)) - covered
    assert found == sorted(found, key=lambda gap: gap.last_id, reverse=True)
    for older, newer in zip(found[1:], found, strict=False):
        assert older.last_id + 1 < newer.first_id


async def test_channels_come_with_their_own_gaps(connection: Connection, new_writer: Callable[[], Writer]) -> None:
    one, two = next(rooms), next(rooms)
    await add(connection, one)
    await add(connection, two)
    await new_writer().write([], [Covered(one.channel_id, snowflake(ASKED) - 1, NEWEST - 1)])
    assert await find_gaps(connection, {one.channel_id: NEWEST, two.channel_id: NEWEST + 1}) == [
        Gap(two.channel_id, snowflake(ASKED), NEWEST + 1),
        Gap(one.channel_id, NEWEST, NEWEST),
    ]
