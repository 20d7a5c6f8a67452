"""What an old row says about a message, and what another row with its id adds to that."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from worker.legacy.catalogue import OldColumn, OldTable
from worker.legacy.old_rows import OldRow
from worker.legacy.plan import LEGACY_CHANNEL_ID, TablePlan
from worker.legacy.posts import Post, PostReader, digest_of, surrogate_id
from worker.legacy.stored_texts import StoredTexts
from worker.legacy.target import Refusal

POSTED = datetime(2025, 1, 6, 13, 55, tzinfo=UTC)
MESSAGE_ID = 1325824946995200000  # of that moment
FIELDS = (
    "message_id",
    "channel_id",
    "content",
    "day",
    "posted_at",
    "edited_at",
    "stored_at",
    "raw",
    "embeds",
    "source",
)


def read(**cells: Any) -> Post | Refusal:
    columns = tuple(OldColumn(name, "text", 1, None, None) for name in FIELDS)
    table = OldTable("old_posts", "posts", "old_posts", "old_posts", columns, 1, has_key=True, has_discord_ids=False)
    plan = TablePlan(table, "messages", {name: name for name in FIELDS}, {}, ("UTC",), LEGACY_CHANNEL_ID)
    return PostReader(plan, "America/Chicago").read(OldRow(0, "1", None, tuple(cells.get(name) for name in FIELDS)))


def post(**cells: Any) -> Post:
    found = read(**cells)
    assert isinstance(found, Post), found
    return found


def test_an_id_tells_the_time_better_than_any_column() -> None:
    found = post(
        message_id=f" {MESSAGE_ID} ", content="x", posted_at="2020-01-01 00:00:00", stored_at="2025-01-06 14:00"
    )
    assert (found.message_id, found.posted_at) == (MESSAGE_ID, POSTED)
    assert found.stored_at == datetime(2025, 1, 6, 14, tzinfo=UTC)


def test_a_day_alone_is_taken_at_noon() -> None:
    found = post(content="x", day="2025-01-06")
    assert (found.day, found.posted_at) == (date(2025, 1, 6), datetime(2025, 1, 6, 12, tzinfo=UTC))


def test_the_day_is_that_of_the_traders_zone() -> None:
    assert post(content="x", posted_at="2025-01-07 05:00:00").day == date(2025, 1, 6)


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"content": " \n", "day": "2025-01-06"}, "no_text"),
        ({"day": "2025-01-06"}, "no_text"),
        ({"content": "x"}, "bad_time"),
        ({"content": "x", "day": "soon"}, "bad_time"),
        ({"content": "x", "day": "2025-01-06", "source": " Sample"}, "sample"),
    ],
)
def test_what_is_refused(cells: dict[str, str], reason: str) -> None:
    found = read(**cells)
    assert isinstance(found, Refusal)
    assert found.reason == reason


def test_a_message_of_discords_may_be_empty() -> None:
    assert post(message_id=str(MESSAGE_ID)).text == ""


def test_raw_is_the_message_and_columns_fill_what_it_lacks() -> None:
    raw = {"id": str(MESSAGE_ID), "channel_id": "77", "guild_id": "5", "content": "raw"}
    found = post(raw=json.dumps(raw), content="column", embeds='{"title": "embed"}')
    assert (found.message_id, found.channel_id, found.guild_id) == (MESSAGE_ID, 77, 5)
    assert found.text == "raw\nembed"
    in_a_string = post(raw=json.dumps(json.dumps(raw)), content="column")
    assert in_a_string.text == "raw"
    assert post(raw="{broken", content="column", day="2025-01-06").text == "column"


def test_a_row_that_was_edited_after_raw_was_kept_has_the_newer_text() -> None:
    raw = json.dumps({"id": str(MESSAGE_ID), "content": "raw", "edited_timestamp": "2025-01-06T14:00:00+00:00"})
    newer = post(raw=raw, content="column", edited_at="2025-01-06 15:00:00")
    assert (newer.text, newer.edited_at) == ("column", datetime(2025, 1, 6, 15, tzinfo=UTC))
    older = post(raw=raw, content="column", edited_at="2025-01-06 13:59:00")
    assert (older.text, older.edited_at) == ("raw", datetime(2025, 1, 6, 14, tzinfo=UTC))


def test_surrogates_are_in_the_order_of_time_and_below_every_id() -> None:
    posts = [post(content=str(number), posted_at=str(POSTED + timedelta(milliseconds=number))) for number in range(50)]
    ids = [surrogate_id(one) for one in posts]
    assert ids == sorted(ids)
    assert all(-(2**63) <= one < -(10**15) * 100 for one in ids)
    assert ids == [surrogate_id(one) for one in posts]
    # A time before Discord was there.
    assert surrogate_id(post(content="x", posted_at="1999-01-01 00:00:00")) >= -(2**63)


def test_texts_that_differ_in_line_ends_and_blanks_are_one() -> None:
    assert digest_of("a\r\nb \n") == digest_of("a\nb")
    assert digest_of("a\nb") != digest_of("a b")


def test_texts_of_one_message() -> None:
    first = post(message_id=str(MESSAGE_ID), content="first", stored_at="2025-01-06 14:00")
    second = post(message_id=str(MESSAGE_ID), content="second", stored_at="2025-01-06 15:00")
    texts = StoredTexts()
    assert texts.placed(first, "a") is first
    texts.add(first, "a")
    assert texts.placed(first, "b") is None
    placed = texts.placed(second, "a")
    assert isinstance(placed, Post)
    assert placed.edited_at == second.stored_at
    assert placed.payload["edited_timestamp"] == "2025-01-06T15:00:00+00:00"
    # When another table stored it says nothing about when the message was edited.
    assert isinstance(texts.placed(second, "b"), Refusal)
    texts.add(placed, "a")
    third = post(message_id=str(MESSAGE_ID), content="third", stored_at="2025-01-06 15:00")
    assert isinstance(texts.placed(third, "a"), Refusal)


def test_what_discord_told_is_only_added_to() -> None:
    edited = datetime(2025, 1, 6, 15, tzinfo=UTC)
    first = post(message_id=str(MESSAGE_ID), content="first")
    live = StoredTexts("live", edited, None, {digest_of("told")}, {edited})
    assert live.placed(first, "a") is first
    assert StoredTexts("live", None, None, {digest_of("told")}, {None}).placed(first, "a") is None
    newer = post(message_id=str(MESSAGE_ID), content="newer", edited_at="2025-01-06 16:00")
    assert StoredTexts("replay", edited, None, {digest_of("told")}, {edited}).placed(newer, "a") is None
