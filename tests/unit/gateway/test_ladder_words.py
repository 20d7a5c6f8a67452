"""Price ladders in words: an embed's text and the alt text of the picture."""

import re
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.any_ladder import ladders
from tests.support.ladders import BIAS_ONLY, FORTY_LEVELS, FULL_PLAN, HUNDRED_THOUSAND_DOLLARS, NOTHING, ladder
from tests.support.properties import unhurried
from worker.gateway.ladder import Ladder, describe_ladder, ladder_text
from worker.gateway.ladder.words import price_text

WORDS_ALONE = st.just("Bias")
NUMBER = re.compile(r"\d(?:[\d,]*\d)?(?:\.\d+)?")


def prices_of(drawn: Ladder) -> list[str]:
    return [price_text(level.low, level.high) for level in drawn.levels]


def numbers_in(text: str) -> set[str]:
    return set(NUMBER.findall(text))


@pytest.mark.parametrize(
    ("low", "high", "written"),
    [
        ("1245.50", "1245.50", "1,245.50"),
        ("100000", "100000", "100,000"),
        ("1E+5", "1E+5", "100,000"),
        ("1.4", "1.4", "1.4"),
        ("0.00001234", "0.00001234", "0.00001234"),
        ("594.00", "594.80", "594.00–594.80"),
    ],
)
def test_prices_have_their_posted_decimals_and_thousands_separators(low: str, high: str, written: str) -> None:
    assert price_text(Decimal(low), Decimal(high)) == written


def test_text_reads_like_the_plan() -> None:
    assert ladder_text(FULL_PLAN).splitlines() == [
        r"Bull bias above 598.90, flips below 596.40 — 2\-candle close on the 5m is enough",
        "Bullish bias: above 598.90, flips below 596.40",
        "",
        "**▲ Long**",
        "Conservative breakout above **603.80** → 606.20, 609.00, 612.50",
        "Aggressive breakout above **601.30** → 603.80, 606.20, 609.00",
        "Bounce **594.00–594.80** → 596.40, 598.90, 601.30",
        "Bounce near **589.20** → 591.50, 594.00, stop 588.00",
        "",
        "**▼ Short**",
        "Rejection near **606.20** → 603.80, 601.30, stop 607.50",
        "Rejection near **601.30** → 598.90, 596.40, 594.00",
        "Aggressive breakdown below **598.90** → 596.40, 594.00, 591.50",
        "Conservative breakdown below **596.40** → 594.00, 591.50, 589.20",
    ]


def test_alt_text_names_ticker_and_day_and_has_no_marks() -> None:
    assert describe_ladder(HUNDRED_THOUSAND_DOLLARS).splitlines() == [
        "Price ladder of BTC for Thu, Jun 12, 2025",
        "Bearish under 104k until reclaimed",
        "Bearish bias: below 104,000",
        "",
        "▲ Long",
        "Breakout above 104,250 → 105,000, 106,400.50, 108,000, stop 103,600",
        "",
        "▼ Short",
        "Rejection near 103,500.00–104,000.00 → 102,750, 101,200.25, 99,850",
        "Breakdown below 101,200.25 → 99,850, 98,000",
    ]


def test_a_plan_without_setups_has_its_bias() -> None:
    assert ladder_text(BIAS_ONLY).endswith("Bullish bias: above 214.60, flips below 211.20")
    assert ladder_text(NOTHING) == "Watching only"
    assert ladder_text(ladder("AMD")) == ""


@settings(unhurried, max_examples=80)
@given(ladders())
def test_text_has_the_number_of_every_level_and_keeps_discords_limits(drawn: Ladder) -> None:
    text = ladder_text(drawn, limit=1_000_000)
    assert all(price in text for price in prices_of(drawn))
    assert ladder_text(drawn) == text or len(text) > 4096
    assert len(ladder_text(drawn)) <= 4096
    assert len(describe_ladder(drawn)) <= 1024


@settings(unhurried, max_examples=80)
@given(ladders(texts=WORDS_ALONE), st.integers(60, 600))
@example(FORTY_LEVELS, 400)
def test_a_text_is_cut_at_a_number_and_counts_the_rest(drawn: Ladder, limit: int) -> None:
    text, whole = ladder_text(drawn, limit), ladder_text(drawn, 1_000_000)
    assert len(text) <= limit
    cut = re.search(r"\n?… and (\d+) more$", text)
    if not cut:
        assert text == whole
        return
    kept = text[: cut.start()]
    assert whole.startswith(kept)
    assert not re.match(r"[\d.,]*\d", whole[len(kept) :]) or not kept[-1:].isdigit()
    assert int(cut.group(1)) == len(drawn.levels) - told(kept)
    assert numbers_in(kept) <= numbers_in(" ".join(prices_of(drawn)))


def told(text: str) -> int:
    """How many levels a text tells of: its numbers, a zone counting once."""
    return len(re.findall(rf"{NUMBER.pattern}(?:–{NUMBER.pattern})?", text))


@settings(unhurried, max_examples=200)
@given(st.text(max_size=250))
@example("**b** _i_ ~~s~~ `c` ||x|| > q # h - l [t](https://e.org) <@1> <#2> <t:1:R> :joy: @everyone \\*")
def test_what_a_stranger_wrote_is_shown_as_written(words: str) -> None:
    text = ladder_text(ladder("SPY", bias_text=words))
    marks = re.sub(r"\\[^0-9A-Za-z\s]", "", text)
    assert not re.search(r"[\\*_~`|<>\[\]()#:@+-]", marks)
    assert (
        re.sub(r"\\([^0-9A-Za-z\s])", r"\1", text) == describe_ladder(ladder("SPY", bias_text=words)).partition("\n")[2]
    )


@pytest.mark.parametrize("between", [" ", "/"])
@pytest.mark.parametrize("before", range(8))
def test_a_long_bias_text_is_not_cut_within_a_number(between: str, before: int) -> None:
    text = ladder_text(ladder("SPY", bias_text="x" * before + f"598.90{between}" * 100))
    assert 290 <= len(text) <= 300
    assert numbers_in(text) == {"598.90"}
    assert text.endswith(" …")
