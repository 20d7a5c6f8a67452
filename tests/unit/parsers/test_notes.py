"""What a note says plainly, and where it begins and ends."""

import pytest

import parsers
from parsers.reading import Bias
from tests.unit.parsers.support import POSTED, audit, short

_SETUP = "❌ Rejection Near 586.49 (584.20, 582.00)"
_ABOVE, _BELOW = ("584.20", "above", "bias"), ("579.70", "below", "flip")


def _bias(note: str) -> Bias | None:
    text = f"A+ Setups 6/12\n\nSPY\n{_SETUP}\n{note}"
    reading = parsers.parse(text, POSTED)
    audit(text, reading)
    assert len(reading.plans[0].setups) == 1
    return reading.plans[0].bias


@pytest.mark.parametrize(
    ("note", "direction", "levels"),
    [
        ("Bull bias above 584.20, flips below 579.70", "bullish", [_ABOVE, _BELOW]),
        ("bullish > 584.20 | bearish < 579.70", "bullish", [_ABOVE, _BELOW]),
        ("BULLISH ABOVE $584.20, FLIPS BEARISH BELOW $579.70", "bullish", [_ABOVE, _BELOW]),
        ("Bullish above 584.20 bearish below 579.70", "bullish", [_ABOVE, _BELOW]),
        ("Bias: long above 584.20, short below 579.70", "bullish", [_ABOVE, _BELOW]),
        ("Bull bias above 584.20 → 588, 590, flips below 579.70", "bullish", [_ABOVE, _BELOW]),
        ("Still strong above 584.20, break 579.70 flips bearish", "bullish", [_ABOVE, _BELOW]),
        ("Bullish over 1,245.50", "bullish", [("1245.50", "above", "bias")]),
        ("Bearish unless above 586.49", "bearish", [("586.49", "above", "flip")]),
        ("bears in control under 337.48 — watch 330.50", "bearish", [("337.48", "below", "bias")]),
        ("Neutral between 580-584, bullish above 584", None, [("584", "above", "bias")]),
        ("Bias bullish today", "bullish", []),
        ("Bullish above 584.20 and 586", "bullish", []),
        ("Bullish above the 584-585 zone, flips under 579.70", "bullish", [("579.70", "below", "flip")]),
        (
            "bullish while we hold 584; a loss of 579.70 turns it bearish",
            "bullish",
            [
                ("584", "above", "bias"),
                ("579.70", "below", "flip"),
            ],
        ),
        (
            "bearish → below 579.70 | bullish → above 584",
            "bearish",
            [
                ("579.70", "below", "bias"),
                ("584", "above", "flip"),
            ],
        ),
        ("Bullish above 584 and we must not lose 579.70", "bullish", [("584", "above", "bias")]),
        (
            "Bullish above 584.20 and bearish under 579.70",
            "bullish",
            [
                ("584.20", "above", "bias"),
                ("579.70", "below", "flip"),
            ],
        ),
        ("bullish?", None, []),
        ("Not bullish until above 586.49", None, []),
        ("If bulls hold above 584.20 we go to 590", None, []),
        ("Bulls need to reclaim 584.20", None, []),
        ("Bullish below 584.20", None, []),
        ("watch for rejection at 588.87, chop between 337–347", None, []),
        ("4h MACD, 2-candle close, 130s next, 9:30 open", None, []),
    ],
)
def test_reads_what_is_plain(note: str, direction: str | None, levels: list[tuple[str, str, str]]) -> None:
    bias = _bias(f"⚠️ {note}")
    assert bias is not None
    assert bias.text == note
    assert bias.direction == direction
    assert [(str(level.low), level.relation, level.role) for level in bias.levels] == levels


@pytest.mark.parametrize(
    ("note", "text"),
    [
        ("⚠️Bull bias", "Bull bias"),
        ("⚠ Bull bias", "Bull bias"),
        ("⚠️ Bull bias \n—  retest of 582 likely", "Bull bias —  retest of 582 likely"),
        ("⚠️ Lean\u2028\n— Breakdown under 134.10 may test 130s", "Lean — Breakdown under 134.10 may test 130s"),
        ("⚠️\nBull bias above 584", "Bull bias above 584"),
        ("⚠️ Rejection near 588.87 is the one to watch", "Rejection near 588.87 is the one to watch"),
        ("Bias — bearish under 584", "Bias — bearish under 584"),
        ("Bias: Bearish, rejection near 588.87 → 584", "Bias: Bearish, rejection near 588.87 → 584"),
        ("📝 Note: **Bullish** above 584", "Note: Bullish above 584"),
        ("⚠️ Bull bias\n@everyone", "Bull bias"),
        ("⚠️ Bull bias @everyone", "Bull bias"),
        ("⚠️ Bull bias\n❤️=🐐", "Bull bias"),
        ("⚠️ Bull bias\n\nGood luck", "Bull bias"),
        ("⚠️ Bull bias\n————\n", "Bull bias"),
    ],
)  # fmt: skip
def test_a_note_is_kept_whole(note: str, text: str) -> None:
    bias = _bias(note)
    assert bias is not None
    assert bias.text == text


@pytest.mark.parametrize(
    "text",
    [
        f"A+ Setups\nSPY\n⚠️ Bull bias above 584.20\n{_SETUP}",
        f"A+ Setups\nSPY\n⚠️ Bull bias above 584.20\n\n{_SETUP}",
        f"A+ Setups\nSPY\n{_SETUP} ⚠️ Bull bias above 584.20",
        f"A+ Setups\nSPY – Bull bias above 584.20\n{_SETUP}",
        f"A+ Setups\n{_SETUP.replace('❌', 'SPY')}\n⚠️ Bull bias above 584.20",
    ],
)
def test_a_note_may_stand_anywhere_in_its_section(text: str) -> None:
    reading = parsers.parse(text, POSTED)
    assert [(plan.ticker, plan.bias.text if plan.bias else None, len(plan.setups)) for plan in reading.plans] == [
        ("SPY", "Bull bias above 584.20", 1)
    ]
    audit(text, reading)


def test_a_note_that_belongs_to_no_section_is_unread() -> None:
    text = f"A+ Setups\n⚠️ FOMC, stay small under 580\n\nSPY\n{_SETUP}"
    reading = parsers.parse(text, POSTED)
    assert [unread.line for unread in reading.unread] == [2]
    assert reading.plans[0].bias is None


def test_a_strict_setup_line_ends_a_note() -> None:
    text = f"A+ Setups\nSPY\n⚠️ Bull bias\n{_SETUP}\n- Bounce From 579.70 → 582"
    assert [kind for _, kind, *_ in short(parsers.parse(text, POSTED))] == ["rejection", "bounce"]
