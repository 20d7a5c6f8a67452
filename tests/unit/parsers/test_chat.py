"""Talk about plans is no plan."""

from itertools import pairwise

import pytest

import parsers
from tests.unit.parsers.support import DATA, POSTED, audit

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


def _posts(name: str) -> list[str]:
    return (DATA / name).read_text("utf-8").split("=====\n")


@pytest.mark.parametrize("text", _posts("chat_posts.txt"))
def test_chat_of_several_lines_holds_no_setups(text: str) -> None:
    assert parsers.parse(text, POSTED).state == "not_a_plan"


@pytest.mark.parametrize("text", _posts("alarms.txt"))
def test_what_could_be_a_plan_is_an_alarm(text: str) -> None:
    reading = parsers.parse(text, POSTED)
    audit(text, reading)
    assert (reading.state, reading.plans) == ("empty", ())


@pytest.mark.parametrize(
    ("header", "setups", "state"),
    [
        ("Here are the A+ setups, enjoy:", 1, "empty"),
        ("Here are the A+ setups, enjoy:", 2, "parsed"),
        ("Here are the A+ setups for Thu Jun 12, enjoy:", 1, "parsed"),
        ("Levels for today:", 2, "empty"),
        ("Levels for today:", 3, "parsed"),
        ("A+ setups that worked:", 3, "empty"),
    ],
)
def test_the_less_a_header_says_the_more_setups_it_takes(header: str, setups: int, state: str) -> None:
    lines = ["Rejection 214.40 (212)", "Breakdown 208.20 (206)", "Bounce 206 (208)"][:setups]
    reading = parsers.parse("\n".join([header, "", "IWM", *lines, "", ""]), POSTED)
    assert (reading.state, reading.flags) == (state, ("header_missing",))
