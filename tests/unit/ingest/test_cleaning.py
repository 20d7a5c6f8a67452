"""Any payload becomes storable, keeps its length, and what came is kept beside it."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.properties import unhurried
from worker.ingest.cleaning import clean

TEXT = st.text(st.characters(codec=None, exclude_categories=[]) | st.sampled_from(["\x00", "\ud800", "\udfff"]))
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@settings(unhurried, max_examples=300)
@given(st.dictionaries(TEXT, JSON, max_size=5))
def test_what_comes_out_is_strict_json_that_postgresql_takes(payload: dict[str, Any]) -> None:
    cleaned = clean(payload)
    assert "\\u0000" not in cleaned.raw.decode().replace("\\\\", "")
    assert json.loads(cleaned.raw, parse_constant=pytest.fail) == cleaned.payload
    if cleaned.flags:
        assert cleaned.original == json.dumps(payload).encode()
    else:
        assert cleaned.payload == payload
        assert cleaned.original is None


@unhurried
@given(TEXT)
def test_positions_in_a_text_stay_right(text: str) -> None:
    came_out = clean({"content": text}).payload["content"]
    assert len(came_out) == len(text)
    for before, after in zip(text, came_out, strict=True):
        assert after == before or (after == "\N{REPLACEMENT CHARACTER}" and (before == "\x00" or before > "\ud7ff"))


@pytest.mark.parametrize(
    ("payload", "flags"),
    [
        ({"content": "a\x00b"}, ("nul",)),
        ({"k\x00": 1}, ("nul",)),
        ({"content": "\ud83d"}, ("surrogate",)),
        ({"embeds": [{"title": "\x00\udc00"}]}, ("nul", "surrogate")),
        ({"nonce": float("nan")}, ("number",)),
        ({"nonce": -float("inf")}, ("number",)),
        ({"nonce": 10**5000}, ("number",)),
        ({"content": "\\u0000 as its author typed it"}, ()),
        ({"content": "an emoji 😀 and \ufffd itself"}, ()),
    ],
)
def test_flags_say_what_had_to_go(payload: dict[str, Any], flags: tuple[str, ...]) -> None:
    assert clean(payload).flags == flags


def test_what_nests_deeper_than_any_message_is_cut() -> None:
    deep: Any = "the bottom"
    for _ in range(100_000):
        deep = [deep]
    cleaned = clean({"content": "kept", "deep": deep})
    assert cleaned.flags == ("deep",)
    assert cleaned.payload["content"] == "kept"
    assert len(cleaned.raw) < 300
    assert cleaned.original is None
    while isinstance(deep, list):  # taken apart level by level, or its end would overrun the stack
        deep = deep.pop()


def test_a_nesting_that_python_can_write_is_kept_as_it_came() -> None:
    deep: Any = "\x00"
    for _ in range(80):
        deep = [deep]
    cleaned = clean({"deep": deep, "nul": "\x00"})
    assert cleaned.flags == ("deep", "nul")
    assert cleaned.original is not None
    assert json.loads(cleaned.original) == {"deep": deep, "nul": "\x00"}
