"""Whatever is posted: nothing raises, every number is accounted for, and time grows with the text.

`PARSER_EXAMPLES=100000 pytest tests/unit/parsers/test_hostile.py` runs the campaign instead of its slice."""

import gc
import os
import random
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import parsers
from parsers.formats.aplus import context
from tests.unit.parsers.support import DATA, POSTED, audit

_EXAMPLES = int(os.environ.get("PARSER_EXAMPLES", "400"))
_PIECES = (DATA / "pieces.txt").read_text("utf-8").split()
_PIECES += [
    "A+ Trade Setups\n",
    "June 12",
    "Feb 30",
    " - ",
    " ",
    "  ",
    "\t",
    "\n",
    "\n\n",
    "\r\n",
    "\x0b",
    "\x85",
    "\u2028",
]
_PIECES += ["\u200b", "\u200f", "\u202e", "\ud800", "\ue001\ue002", "\x00"]
_POST = (DATA / "post.txt").read_text("utf-8")

_scraps = st.lists(st.sampled_from(_PIECES), max_size=60).map("".join)
_spaced = st.lists(st.sampled_from(_PIECES), max_size=40).map(" ".join)
_anything = st.text(max_size=400)


@st.composite
def _mutated(draw: st.DrawFn) -> str:
    """A real-looking post with pieces put in, taken out and repeated."""
    rng = random.Random(draw(st.integers(0, 2**32)))
    text = list(_POST)
    for _ in range(rng.randrange(1, 12)):
        at = rng.randrange(len(text))
        move = rng.randrange(3)
        if move == 0:
            text[at:at] = rng.choice(_PIECES)
        elif move == 1:
            del text[at : at + rng.randrange(1, 30)]
        else:
            text[at:at] = text[rng.randrange(len(text)) :][: rng.randrange(40)]
    return "".join(text)


@settings(max_examples=_EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example("A+ Trade Setups\n0 Bnc0 Bdown stop1")
@example("A+ Trade Setups\nK .7")
@example("A+ Trade Setups\nBias1⚠")
@example("A+ Trade Setups\nRej𝟓𝟖𝟒 e2-５８４🔼579")
@example("A+ Trade Setups\nBounce Zone: 594.00–5909.00, 612.50")
@example("BTO L 5p 1@1")
@example("BTO S 2 PT,22-5")
@given(st.one_of(_mutated(), _scraps.map("A+ Trade Setups\n".__add__), _spaced, _scraps, _anything))
def test_nothing_raises_and_every_number_is_accounted_for(text: str) -> None:
    for name in (None, "aplus", "bto_stc"):
        reading = parsers.parse(text, POSTED, format=name)
        audit(text, reading)
        parsers.to_json(reading)


_HOSTILE = {
    "digits": "1" * 10_000,
    "numbers": "584.20 " * 2_000,
    "emoji": "🔻" * 4_000,
    "emoji and words": "🔻a" * 3_000,
    "open brackets": "<[({" * 2_000,
    "mentions that never end": "<@" * 4_000,
    "nested markdown": "**__~~`||" * 1_000,
    "right-to-left marks": "\u202e\u200f5" * 3_000,
    "line separators": "\u2028" * 6_000,
    "separators in words": "A\u2028+\u2028 5\u2028" * 1_500,
    "dashes": "-" * 8_000,
    "arrows": "->" * 4_000,
    "grades": "a+ " * 3_000,
    "tickers": "SPY\n" * 2_000,
    "capitals": "ABC DEF " * 1_000,
    "camel case": "aB" * 4_000,
    "kinds": "rejection " * 1_000,
    "setups on a line": "Rejection Near 586.49 584.20 " * 300,
    "setups": "Rejection Near 586.49 (584.20, 582.00)\n" * 300,
    "notes": "⚠️ bullish above 584, flips below 579\n" * 250,
    "sections": "SPY\nRejection Near 586.49 (584.20)\n⚠️ x\n\n" * 150,
    "alerts on a line": "BTO SPY 590c 5/30 @ 1.20 " * 300,
    "actions": "BTO " * 2_500,
    "dates": "6/12 " * 2_500,
    "days in the header": "6/13 " * 2_500,
    "tickers with days": "SPY 6/13\n" * 1_200,
    "calls": "Breakout 614 → 616 x calls calls calls " * 250,
    "stops": "Breakout 614 → 616 out at is it cut at is it risk " * 250,
    "relations": "Breakout 614 → 616 < 610 > 620 above 630 " * 250,
    "grouped": "1,2" * 3_000,
    "points": "1." * 4_000,
    "links": "http://" * 1_500,
    "shortcodes": ":a1" * 3_000,
    "letters": "a" * 10_000,
    "blanks": " " * 10_000,
}


_LEADS = {"days in the header": "A+ Trade Setups 6/12 "}


def _cost(text: str, name: str) -> float:
    """The CPU time of one reading, in seconds; nothing is remembered from one to the next."""
    context._lines.clear()
    begin = time.process_time()
    parsers.parse(text, POSTED, format=name)
    return time.process_time() - begin


@pytest.fixture
def _no_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_no_collection")
@pytest.mark.parametrize("name", ["aplus", "bto_stc"])
@pytest.mark.parametrize("kind", _HOSTILE)
def test_twice_the_text_costs_less_than_three_times_the_time(kind: str, name: str) -> None:
    text = _LEADS.get(kind, "A+ Trade Setups\nSPY\n") + _HOSTILE[kind]
    audit(text, parsers.parse(text, POSTED, format=name))
    once = twice = float("inf")
    for _ in range(40):  # other work on the machine only ever adds to a measurement
        once, twice = min(once, _cost(text, name)), min(twice, _cost(text + _HOSTILE[kind], name))
        # Below a few milliseconds the clock tells nothing, and nothing there can hurt.
        if twice < max(3 * once, 0.006):
            return
    pytest.fail(f"{once:.4f} s for the text, {twice:.4f} s for twice the text")


def test_chat_costs_next_to_nothing() -> None:
    chat = (DATA / "chat.txt").read_text("utf-8").splitlines()

    def cost(texts: list[str]) -> float:
        begin = time.process_time()
        for _ in range(20):
            for text in texts:
                parsers.parse(text, POSTED)
        return (time.process_time() - begin) / len(texts)

    cost(chat), cost([_POST])
    plain = [line for line in chat if not parsers.registered()["aplus"].looks_like(line)]
    assert min(cost(plain) for _ in range(3)) * 30 < min(cost([_POST]) for _ in range(3))
