"""What carries over from line to line, and what is left unread."""

from decimal import Decimal
from typing import Any

import pytest

import parsers
from parsers.reading import Setup
from tests.unit.parsers.support import POSTED, audit

_HEADER = "A+ Trade Setups — Thu Jun 12\n\nSPY\n"


def _setups(body: str, *, header: str = _HEADER) -> list[Setup]:
    reading = parsers.parse(header + body, POSTED)
    audit(header + body, reading)
    return [setup for plan in reading.plans for setup in plan.setups]


def _unread(body: str) -> list[int]:
    reading = parsers.parse(_HEADER + body, POSTED)
    audit(_HEADER + body, reading)
    return [unread.line - 3 for unread in reading.unread]


def _told(setup: Setup) -> tuple[Any, ...]:
    triggers = ["–".join(dict.fromkeys((str(level.low), str(level.high)))) for level in setup.triggers]
    return setup.kind, setup.strategy, triggers, [str(level.low) for level in setup.targets]


@pytest.mark.parametrize(
    ("line", "triggers", "targets"),
    [
        ("Bounce Zone 571.00-573.00", ["571.00–573.00"], []),
        ("Bounce Zone: 573.00–571.00 → 575", ["571.00–573.00"], ["575"]),
        ("Bounce between 571 and 573", ["571–573"], []),
        ("Bounce zone 571 to 573 → 575", ["571–573"], ["575"]),
        ("Bounce 571/573 → 575", ["571–573"], ["575"]),
        ("Bounce Zones 571.00-573.00, 568-569", ["571.00–573.00", "568–569"], []),
        ("Rejection Short Zones 568.12, 570.75", ["568.12", "570.75"], []),
        ("Rejection 568.12, 570.75, 572.00", ["568.12", "570.75", "572.00"], []),
        ("Bounces: 579.70 / 577.30", ["579.70", "577.30"], []),
        ("Rejection Near 586.49 584.20, 582.00", ["586.49"], ["584.20", "582.00"]),
        ("Rejection Near 586.49: 584.20", ["586.49"], ["584.20"]),
        ("Breakout Above 586.49 588.70 591.20", ["586.49"], ["588.70", "591.20"]),
        ("Bounce 579.70 577.30 575.00", ["579.70", "577.30", "575.00"], []),
        ("Breakout above 586.49 - 588.70", ["586.49"], ["588.70"]),
        ("Breakout above 104,250 → 105,000, 106,500.50", ["104250"], ["105000", "106500.50"]),
        ("Breakout above 586.49 → 588,591,593", ["586.49"], ["588", "591", "593"]),
        ("Breakout above 11.20 → 11.35, .5", ["11.20"], ["11.35"]),
    ],
)
def test_triggers_and_targets(line: str, triggers: list[str], targets: list[str]) -> None:
    [setup] = _setups(line)
    assert _told(setup)[2:] == (triggers, targets)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("Breakdown Entry\u2028Aggressive Below 584.20 (582)", "breakdown aggressive"),
        (
            "Breakdown Aggressive Below 584.20 (582)\nConservative Below 582 (580)",
            "breakdown aggressive, breakdown conservative",
        ),
        (
            "Breakouts:\n- Aggressive: 586.49 → 588\n- Conservative: 588.70 → 591",
            "breakout aggressive, breakout conservative",
        ),
        (
            "Aggressive\nBreakout > 586.49 → 588\nBreakdown < 584 → 582\nRejection 586.49 → 584",
            "breakout aggressive, breakdown aggressive, rejection None",
        ),
        ("Rejection\u2028Near\u2028586.49 (584.20)", "rejection None"),
        ("Longs\n586.49 → 588\n588.70 → 591", "breakout None, breakout None"),
        ("Above 586.49 → 588\nBelow 584.20 → 582", "breakout None, breakdown None"),
        ("Breakdown Below 584.20 (582)\nAggressive Above 586.49 (588)", "breakdown None, breakout aggressive"),
        ("Bounce From 579.70 (582)\nAbove 586.49 → 588", "bounce None, breakout None"),
        ("break & hold 588.7 tgt 591.2\nbreak 584 tgt 582", "breakout None, breakdown None"),
    ],
)
def test_kind_and_strategy_carry_over(body: str, expected: str) -> None:
    setups = _setups(body)
    assert ", ".join(f"{setup.kind} {setup.strategy}" for setup in setups) == expected


def test_an_inherited_kind_lowers_confidence() -> None:
    own, inherited = _setups("Breakdown Below 584.20 (582)\nConservative Below 582 (580)")
    assert (own.flags, own.confidence) == ((), Decimal(1))
    assert inherited.flags == ("kind_inherited",)
    assert inherited.confidence < 1


@pytest.mark.parametrize(
    ("line", "flag"),
    [
        ("Breakout Above 586.49 → 584.20", "targets_wrong_way"),
        ("Breakout Above 586.49 → 591.20, 588.70", "targets_wrong_way"),
        ("Rejection Near 586.49 → 586.49", "targets_wrong_way"),
        ("Bounce Zone 571-573 → 572", "targets_wrong_way"),
        ("Breakout Above 586.49 → 588.70 SL 590", "stop_wrong_way"),
        ("Rejection Near 586.49 → 584.20 SL 585", "stop_wrong_way"),
        ("Breakout Below 586.49 → 588.70", "relation_contradicts"),
        ("Breakout Above 586.49 → 588.70 on vibes", "unknown_words"),
        ("Breakout Above 586.49 → 588.70, 5.91", "number_unread"),
        ("Bounce 571.00 - 573.00", "zone_or_target"),
        ("Breakdown 584.20 - 582.00 - 582.50", "zone_or_target"),
    ],
)
def test_what_is_odd_is_flagged_and_kept(line: str, flag: str) -> None:
    [setup] = _setups(line)
    assert setup.flags == (flag,)
    assert setup.confidence < 1


@pytest.mark.parametrize(
    "line",
    [
        "~~Rejection Near 586.49 (584.20, 582.00)~~",
        "Rejection Near 586.49 (584.20) - CANCELLED",
        "No longs below 584.20",
        "Avoid shorts above 586.49 → 588",
        "Failed breakdown below 584.20 → 586, 588",
        "Rejection / Breakout 586.49 → 588",
        "Bounce Short 579.70 → 577",
        "Resistance: 586.49, 588.70",
        "Pivot 585",
        "586.49 → 588",
        "buy zone 578-580?",
        "Also eyes on AMD breakout above 115 → 118",
        "Also eyes on META breakout above 586 → 588",
        "Level to watch 586.49 — above it 588.70 then 591.20 — below it 584.20",
        "0 Bounce 0 stop1",
        "Breakout Above 5864.9 → 588.70, 591.20",
        "Breakout Above 586,49 → 588,70",
        "Breakout Above 586.49.20",
        "Breakout Above 586490123456",
        "Above 586.49",
        "52w high 613.23",
        "SPY bid at 585.10 yesterday",
    ],
)
def test_what_is_doubtful_is_unread(line: str) -> None:
    body = f"Bounce From 579.70 (582.00)\n{line}"
    assert _unread(body) == [2]
    assert len(_setups(body)) == 1


def test_annotations_are_no_targets() -> None:
    [setup] = _setups("Rejection Near 586.49 → 584.20, 582.00 (PMH 587.20)")
    assert _told(setup)[3] == ["584.20", "582.00"]
    assert _unread("Rejection Near 586.49 → 584.20 then watch 583 for reclaim") == [1]


def test_two_setups_on_a_line() -> None:
    setups = _setups("Long above 586.49 (588.70/591.20), Short below 584.20 (582/579.70)")
    assert [_told(setup) for setup in setups] == [
        ("breakout", None, ["586.49"], ["588.70", "591.20"]),
        ("breakdown", None, ["584.20"], ["582", "579.70"]),
    ]


_SECTION = "❌ Rejection Near {0}6.49 ({0}4.20, {0}2.00)\n🔄 Bounce From {0}2.00 ({0}4.20)\n⚠️ Bull bias"


@pytest.mark.parametrize(("between", "price"), [("\n\n", "34"), ("\n————\n", "57"), ("\n\n\n", "57"), ("\n", "34")])
def test_a_section_without_a_ticker_is_not_guessed(between: str, price: str) -> None:
    text = (
        _HEADER + _SECTION.format("58") + between + _SECTION.format(price) + between + "NVDA\n" + _SECTION.format("13")
    )
    reading = parsers.parse(text, POSTED)
    audit(text, reading)
    assert [(plan.ticker, len(plan.setups)) for plan in reading.plans] == [("SPY", 2), (None, 2), ("NVDA", 2)]
    assert "ticker_missing" in reading.flags
    assert {setup.flags for setup in reading.plans[1].setups} == {("ticker_missing",)}


def test_a_rule_ends_a_section() -> None:
    text = f"{_HEADER}Rejection 586 (584)\n————\nBounce 579 (582)"
    assert [plan.ticker for plan in parsers.parse(text, POSTED).plans] == ["SPY", None]


def test_sections_of_one_ticker_are_one_plan() -> None:
    text = f"{_HEADER}Rejection 586 (584)\n\nTSLA\nBounce 335 (338)\n\n$SPY\nBounce 579 (582)"
    assert [(plan.ticker, len(plan.setups)) for plan in parsers.parse(text, POSTED).plans] == [("SPY", 2), ("TSLA", 1)]


def test_lines_count_as_separators_end_them() -> None:
    text = "A+ Setups\u2028\nSPY\u2028❌ Rejection Near 586.49 (584.20)\r\n🔄 Bounce From 579.70 (582)"
    reading = parsers.parse(text, POSTED)
    assert [setup.line for setup in reading.plans[0].setups] == [4, 5]
    assert [text.splitlines()[setup.line - 1] for setup in reading.plans[0].setups] == [
        text[setup.span.start : setup.span.end] for setup in reading.plans[0].setups
    ]


def test_a_plan_without_a_header_needs_three_complete_setups() -> None:
    lines = ["Rejection 586 (584)", "Breakdown 584 (582)", "Bounce 579 (582)"]
    assert parsers.parse("\n".join(["SPY", *lines[:2], "", ""]), POSTED).state == "not_a_plan"
    reading = parsers.parse("\n".join(["SPY", *lines, "", ""]), POSTED)
    assert (reading.state, reading.flags) == ("parsed", ("header_missing",))


def test_a_zone_spans_from_its_first_to_its_last_number() -> None:
    text = _HEADER + "Bounce Zone **579.40** – 580.20 🔼 583.00"
    trigger = parsers.parse(text, POSTED).plans[0].setups[0].triggers[0]
    assert text[trigger.span.start : trigger.span.end] == "579.40** – 580.20"


@pytest.mark.parametrize("word", ["NEW", "EDIT", "ALERT", "SCALPS", "PLAN", "TODAY", "CPI", "RISK", "LEVELS", "SWING"])
@pytest.mark.parametrize("end", [": ", ":\n", "\n"])
def test_a_word_in_capitals_is_no_ticker(word: str, end: str) -> None:
    text = f"{_HEADER}Rejection 586 (584)\n{word}{end}Bounce 579 (582)"
    assert {plan.ticker for plan in parsers.parse(text, POSTED).plans} <= {"SPY", None}


@pytest.mark.parametrize(
    "word", ["ORB", "VAH", "RSI", "H&S", "FVG", "GAP up", "LOW of day", "BIG", "HTF", "PMH", "ATH"]
)
def test_what_charts_show_is_no_ticker(word: str) -> None:
    text = f"{_HEADER}Rejection 586 (584)\n{word} bounce 579 → 582"
    assert [(plan.ticker, len(plan.setups)) for plan in parsers.parse(text, POSTED).plans] == [("SPY", 2)]


@pytest.mark.parametrize("word", ["Scalps", "KEY LEVELS", "Main plays:", "Swing setups"])
def test_a_title_of_known_words_does_not_end_a_section(word: str) -> None:
    text = f"{_HEADER}Rejection 586 (584)\n{word}\nBounce 579 (582)"
    assert [plan.ticker for plan in parsers.parse(text, POSTED).plans] == ["SPY"]
