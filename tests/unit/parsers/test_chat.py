"""Talk about plans is no plan."""

from itertools import pairwise

import pytest

import parsers
from tests.unit.parsers.support import DATA, POSTED

_CHAT = (DATA / "chat.txt").read_text("utf-8").splitlines()


def test_there_is_enough_chat() -> None:
    assert len(set(_CHAT)) >= 200


@pytest.mark.parametrize("name", [None, "aplus", "bto_stc"])
def test_chat_is_not_a_plan(name: str | None) -> None:
    readings = {line: parsers.parse(line, POSTED, format=name) for line in _CHAT}
    assert {line: reading.state for line, reading in readings.items() if reading.state != "not_a_plan"} == {}


def test_two_messages_in_one_are_not_a_plan() -> None:
    pairs = [f"{first}\n{second}" for first, second in pairwise(_CHAT)]
    assert [pair for pair in pairs if parsers.parse(pair, POSTED).plans] == []


@pytest.mark.parametrize("text", ["", " ", "\n", "\u2028", "\u200b", "🔥", "A+", "+", "~~", "\ud800", "\x00"])
def test_next_to_nothing_is_not_a_plan(text: str) -> None:
    assert parsers.parse(text, POSTED).state == "not_a_plan"


@pytest.mark.parametrize("text", ["A+ Trade Setups", "A+ Scalp Setups — Thu Jun 12", "a+ setups 6/12\n\nmore later"])
def test_a_header_with_nothing_under_it_is_an_alarm(text: str) -> None:
    reading = parsers.parse(text, POSTED)
    assert (reading.state, reading.format, reading.plans) == ("empty", "aplus", ())
