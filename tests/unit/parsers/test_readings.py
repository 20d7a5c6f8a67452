"""Single lines and what each is read as, in spellings that no post has shown.

A line of the data is a text under a ticker, `⇒` and its reading: kind, strategy, triggers, `>` targets, `!` stop and
flags of each setup, then `unread` where a line is reported. `⏎` is a line break."""

import pytest

import parsers
from parsers.reading import Level, Reading, Setup
from tests.unit.parsers.support import DATA, POSTED, audit

_HEADER = "A+ Setups 6/12\n\nIWM\n"


def _rows() -> list[tuple[str, str]]:
    rows = (DATA / "readings.txt").read_text("utf-8").rstrip("\n").split("\n")
    return [(text.replace("⏎", "\n"), told) for text, told in (row.split(" ⇒ ") for row in rows)]


def _price(level: Level) -> str:
    return str(level.low) if level.low == level.high else f"{level.low}..{level.high}"


def _told(setup: Setup) -> str:
    words = [setup.kind, *([setup.strategy] if setup.strategy else []), *map(_price, setup.triggers)]
    words += [">", *map(_price, setup.targets)] if setup.targets else []
    words += ["!", _price(setup.stop)] if setup.stop else []
    return " ".join(words) + (f" ({', '.join(setup.flags)})" if setup.flags else "")


def _reading(text: str) -> Reading:
    return parsers.parse(_HEADER + text, POSTED)


def test_there_are_enough_lines() -> None:
    assert len({text for text, _ in _rows()}) >= 60


@pytest.mark.parametrize(("text", "told"), _rows())
def test_a_line_is_read_as_it_is_meant(text: str, told: str) -> None:
    reading = _reading(text)
    audit(_HEADER + text, reading)
    setups = [_told(setup) for plan in reading.plans for setup in plan.setups]
    assert "; ".join([*setups, *(["unread"] if reading.unread else [])]) == told
