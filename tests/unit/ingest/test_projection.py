"""All that a person reads in a message becomes its text, in order, and nothing that Discord made of a link."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.observations import preview
from tests.support.properties import unhurried
from worker.ingest.projection import text_of


def test_content_alone_is_the_text_as_it_is() -> None:
    content = "  SPY \u2028 🔼 582.54\r\n\n> quoted  "
    assert text_of({"content": content}) == content


@pytest.mark.parametrize("part", ["message_snapshots", "embeds", "components", "attachments"])
def test_parts_that_are_there_and_empty_change_nothing(part: str) -> None:
    assert text_of({"content": "SPY", part: []}) == "SPY"
    assert text_of({"content": "", part: []}) == ""


def test_a_forward_has_the_text_of_its_snapshots() -> None:
    snapshot = {"message": {"content": "A+ Setups", "embeds": [{"title": "SPY", "type": "rich"}]}}
    second = {"message": {"content": "", "attachments": [{"description": "a chart"}]}}
    assert text_of({"content": "", "message_snapshots": [snapshot, second]}) == "A+ Setups\nSPY\na chart"


def test_an_embed_that_a_bot_wrote() -> None:
    embed = {
        "type": "rich",
        "url": "https://plans.example.com",
        "author": {"name": "Plan Bot"},
        "title": "SPY",
        "description": "Breakout above 582.54",
        "fields": [{"name": "Targets", "value": "586.25"}, {"name": "Stop", "value": "580"}],
        "footer": {"text": "not advice", "icon_url": "https://plans.example.com/nobody-reads-it.png"},
    }
    read = "Plan Bot\nSPY\nBreakout above 582.54\nTargets\n586.25\nStop\n580\nnot advice"
    assert text_of({"content": "", "embeds": [embed]}) == read


@pytest.mark.parametrize(
    "embed",
    [
        preview("https://example.com/a"),
        # A short address of a video, and what the page calls itself.
        {"type": "video", "url": "https://www.youtube.com/watch?v=abc", "title": "A video"},
        {"type": "image", "url": "https://cdn.example.com/x.png"},
        {"type": "gifv", "url": "https://tenor.example.com/1", "title": "A laughing cat"},
        {"type": "rich", "url": "https://example.com/a", "description": "a post on another site"},
        {"url": "https://example.com/a", "title": "of an export, which leaves out the type"},
    ],
)
def test_a_link_preview_is_no_text(embed: dict[str, Any]) -> None:
    content = "see https://example.com/a and https://youtu.be/abc"
    assert text_of({"content": content, "embeds": [embed]}) == content


HOOK = {"webhook_id": "1"}
BOT = {"author": {"id": "1", "bot": True}}
CROSSPOST = {"webhook_id": "1", "flags": 2, "author": {"id": "1", "bot": True}}
LINK = "A+ Setups https://plans.example.com/1"
PLAN = {"type": "rich", "url": "https://plans.example.com/1", "title": "SPY above 582.54"}


@pytest.mark.parametrize("writer", [HOOK, BOT])
def test_a_programs_own_embed_is_text_where_its_content_has_the_same_address(writer: dict[str, Any]) -> None:
    fetched = preview("https://plans.example.com/1")
    assert text_of({"content": LINK, "embeds": [PLAN, fetched], **writer}) == f"{LINK}\nSPY above 582.54"


@pytest.mark.parametrize(
    ("writer", "embed"),
    [
        (HOOK, {**PLAN, "footer": {"text": "X", "icon_url": "https://abs.example.com/x.png"}}),
        (BOT, {**PLAN, "provider": {"name": "another site"}}),
        (BOT, {**PLAN, "url": "https://canonical.example.com", "video": {"url": "https://example.com/v"}}),
        (BOT, {"url": PLAN["url"], "title": "of an export, which leaves out the type"}),
        (CROSSPOST, PLAN),
        ({"author": {"id": "1"}}, PLAN),
    ],
)
def test_what_was_fetched_for_a_programs_link_is_no_text(writer: dict[str, Any], embed: dict[str, Any]) -> None:
    assert text_of({"content": LINK, "embeds": [embed], **writer}) == LINK


def test_components_at_any_depth() -> None:
    section = {
        "type": 9,
        "components": [{"type": 10, "content": "SPY above 582.54"}],
        "accessory": {"type": 2, "label": "Chart"},
    }
    row = {"type": 1, "components": [{"type": 2, "label": "Bull"}, {"type": 2, "emoji": {"name": "🔻"}}]}
    container = {"type": 17, "components": [section, row, {"type": 14, "divider": True}]}
    assert text_of({"content": "", "components": [container]}) == "SPY above 582.54\nChart\nBull"


def test_pictures_and_menus_among_components() -> None:
    thumbnail = {"type": 11, "media": {"url": "https://example.com/t.png"}, "description": "SPY, 5 minutes"}
    section = {"type": 9, "components": [{"type": 10, "content": "SPY"}], "accessory": thumbnail}
    gallery = {"type": 12, "items": [{"media": {}, "description": "breakout above 582.54"}, {"description": None}]}
    options = [{"label": "SPY", "value": "1", "description": "above 582.54"}, {"label": "QQQ", "value": "2"}]
    menu = {"type": 3, "custom_id": "ticker", "placeholder": "Which plan?", "options": options}
    labelled = {"type": 18, "label": "Ticker", "description": "one of them", "component": menu}
    container = {"type": 17, "components": [section, gallery, {"type": 13, "file": {}, "name": "x.pdf"}]}
    message = {"content": "", "components": [container, labelled, {"type": 1, "components": [menu]}]}
    shown = ["Which plan?", "SPY", "above 582.54", "QQQ"]
    pictures = ["SPY", "SPY, 5 minutes", "breakout above 582.54"]
    assert text_of(message).split("\n") == [*pictures, "Ticker", "one of them", *shown, *shown]


def test_a_poll_and_the_description_of_a_picture() -> None:
    poll = {
        "question": {"text": "SPY today?"},
        "answers": [{"answer_id": 1, "poll_media": {"text": "up"}}, {"poll_media": {"emoji": {"name": "🔻"}}}],
    }
    message = {"content": "vote", "poll": poll, "attachments": [{"description": "the open"}, {"filename": "x.png"}]}
    assert text_of(message) == "vote\nSPY today?\nup\nthe open"


PARTS = [
    "content",
    "message_snapshots",
    "message",
    "embeds",
    "fields",
    "components",
    "accessory",
    "component",
    "items",
    "options",
    "poll",
    "answers",
    "author",
    "flags",
    "webhook_id",
    "url",
]
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(PARTS), inner, max_size=4),
    max_leaves=10,
)


@unhurried
@given(st.dictionaries(st.sampled_from(PARTS), ANYTHING))
def test_parts_of_an_unexpected_type_count_as_absent(message: dict[str, Any]) -> None:
    assert isinstance(text_of(message), str)
