"""Single alerts: what they say, what they leave out, and what they must never become."""

from datetime import UTC, datetime
from typing import Any

import pytest

import parsers
from parsers.reading import Setup
from tests.unit.parsers.support import CORPUS, audit

_POSTED = datetime(2025, 5, 28, 14, 0, tzinfo=UTC)
"""A Wednesday, ten o'clock in New York."""


def _setups(text: str, posted: datetime = _POSTED) -> list[Setup]:
    reading = parsers.parse(text, posted)
    audit(text, reading)
    assert reading.format in {None, "bto_stc"}
    return [setup for plan in reading.plans for setup in plan.setups]


def _contract(setup: Setup) -> str:
    assert setup.instrument is not None
    instrument = setup.instrument
    said = (instrument.underlying, instrument.expiry, instrument.strike, instrument.right)
    return " ".join(str(part) for part in said if part is not None)


def _prices(setup: Setup) -> tuple[Any, ...]:
    triggers = ["–".join(dict.fromkeys((str(level.low), str(level.high)))) for level in setup.triggers]
    return triggers, [str(level.low) for level in setup.targets], str(setup.stop.low) if setup.stop else None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("BTO SPY 590c 5/30 @ 1.20", ("entry", "long", "SPY 2025-05-30 590 call", None, "1.20")),
        ("STC half AAPL 6/20 200c @ 3.10", ("exit", "long", "AAPL 2025-06-20 200 call", "half", "3.10")),
        ("STO 2 SPY 600p 5/30 @ .50", ("entry", "short", "SPY 2025-05-30 600 put", "2", "0.50")),
        ("BTC SPY 600p 5/30 @ .10", ("exit", "short", "SPY 2025-05-30 600 put", None, "0.10")),
        ("BTO 100 TSLA @ 343.85", ("entry", "long", "TSLA", "100", "343.85")),
        ("bto fsly 87", ("entry", "long", "FSLY", None, "87")),
        ("BTO HTZ@2.50", ("entry", "long", "HTZ", None, "2.50")),
        ("BTO 11/20 PLL 20p @ 0.70", ("entry", "long", "PLL 2025-11-20 20 put", None, "0.70")),
        ("STC 20C 11/13 RKT @$2.00", ("exit", "long", "RKT 2025-11-13 20 call", None, "2.00")),
        (
            "@everyone BTO **KMPH** 3/19/27 7.5c @ 1.75 (swing)",
            ("entry", "long", "KMPH 2027-03-19 7.5 call", None, "1.75"),
        ),
        ("BTO SPY 9/05 450 call @ 1.27", ("entry", "long", "SPY 2025-09-05 450 call", None, "1.27")),
        ("BTO SPX 6,000c 5/30 @ 12.50", ("entry", "long", "SPX 2025-05-30 6000 call", None, "12.50")),
        ("BTO BRK.B 500c 6/20 @ 5.50", ("entry", "long", "BRK.B 2025-06-20 500 call", None, "5.50")),
        ("BTO $F 11c Jun 6 @ .35", ("entry", "long", "F 2025-06-06 11 call", None, "0.35")),
        ("BTO 2 /ES @ 5850.00", ("entry", "long", "/ES", "2", "5850.00")),
        ("STC 1/2 AAPL 6/20 200c @ 3.10", ("exit", "long", "AAPL 2025-06-20 200 call", "1/2", "3.10")),
        ("STC 50% SPY 590c 5/30 @ 2.05 +70%", ("exit", "long", "SPY 2025-05-30 590 call", "50%", "2.05")),
        ("STC ALL SPY 590c 5/30 @ 2.05", ("exit", "long", "SPY 2025-05-30 590 call", "all", "2.05")),
        ("STC ALL @ 205", ("exit", "long", "ALL", None, "205")),
        ("BTO TGT 11/21 172.50p @ .14", ("entry", "long", "TGT 2025-11-21 172.50 put", None, "0.14")),
        ("BTO COST 900c 6/20 @ 5", ("entry", "long", "COST 2025-06-20 900 call", None, "5")),
        ("BTO BTC @ 104,250", ("entry", "long", "BTC", None, "104250")),
        ("BTO 40 COIN @ 57 .00", ("entry", "long", "COIN", "40", "57.00")),
        ("BTO NQ 2 @ 18000", ("entry", "long", "NQ", "2", "18000")),
        ("BTO SPY 590c 5/30 @ 1.20-1.30", ("entry", "long", "SPY 2025-05-30 590 call", None, "1.20–1.30")),
        ("lotto BTO AMC @$4.82", ("entry", "long", "AMC", None, "4.82")),
        ("1) BTO SPY 590c 5/30 @ 1.20", ("entry", "long", "SPY 2025-05-30 590 call", None, "1.20")),
    ],
)
def test_reads_an_alert(text: str, said: tuple[str | None, ...]) -> None:
    [setup] = _setups(text)
    kind, direction, contract, quantity, price = said
    assert (setup.kind, setup.direction, setup.quantity) == (kind, direction, quantity)
    assert _contract(setup) == contract
    assert _prices(setup)[0] == [price]
    assert setup.flags == ()


@pytest.mark.parametrize(
    ("text", "targets", "stop"),
    [
        ("BTO DPW @3.7 PT1: 3.82 PT2: 4.39 PT3:5.96 SL: 3.01", ["3.82", "4.39", "5.96"], "3.01"),
        ("BTO AEHL @ 7 (risky scalp. PT 8.39, SL below 6.45)", ["8.39"], "6.45"),
        ("BTO CPB @ 45.95 (SL $43, PT 49, posted on monday", ["49"], "43"),
        ("BTO WKHS @ 22.67 (PT 1 - 24.88, PT 2- 25.41, SL break of 20.81 support)", ["24.88", "25.41"], "20.81"),
        ("BTO SPY 350C 6/6 @ .93 (risky target 352)", ["352"], None),
        ("BTO SPY 590c 5/30 @ 1.20 SL 0.90 PT 1.80/2.20", ["1.80", "2.20"], "0.90"),
        ("BTO SPY 590c 5/30 @ 1.20\nSL 0.90\nPT1 1.80\nPT2 2.40", ["1.80", "2.40"], "0.90"),
        ("BTO SPY 590c 5/30 @ 1.20 SL 0.90\nSL 1.00", [], "0.90"),
    ],
)
def test_targets_and_stops(text: str, targets: list[str], stop: str | None) -> None:
    [setup] = _setups(text)
    assert _prices(setup)[1:] == (targets, stop)
    assert setup.flags == ()


@pytest.mark.parametrize(
    ("text", "contract", "flags"),
    [
        ("BTO SPY 590c 5/30", "SPY 2025-05-30 590 call", ("price_missing",)),
        ("BTO 1 SPY 590c 5/30 @m", "SPY 2025-05-30 590 call", ("price_missing",)),
        ("BTO SPY 590c 5/30 @c1.3", "SPY 2025-05-30 590 call", ("price_missing", "number_unread")),
        ("BTO SPY 590c 5/30 @ .1.01", "SPY 2025-05-30 590 call", ("price_missing", "number_unread")),
        ("BTO SPY 590c 5/30 @ 120c", "SPY 2025-05-30 590 call", ("price_missing", "number_unread")),
        ("BTO SPY 590c @ 1.20", "SPY 590 call", ("expiry_missing",)),
        ("BTO SPY 590 @ 1.20", "SPY 590", ("expiry_missing", "right_missing")),
        ("BTO SPY calls @ 1.20", "SPY call", ("expiry_missing", "strike_missing")),
        ("BTO SPY 5/30 @ 1.20", "SPY 2025-05-30", ("strike_missing", "right_missing")),
        ("BTO 1/3 SPY 590c @ 1", "SPY 590 call", ("expiry_missing", "number_unread")),
        ("STC HTZ@ hk 2.50", "HTZ", ("price_missing", "number_unread")),
        ("STC ACB SL hit", "ACB", ("price_missing",)),
        ("BTO TSLA @ 343.85 SL 350 PT 340", "TSLA", ("targets_wrong_way", "stop_wrong_way")),
        ("STC SPY 590c 5/30 @ 1.0 @EM AlertSTC 300 POLA @ 1.7", "SPY 2025-05-30 590 call", ("number_unread",)),
    ],
)
def test_what_is_half_there_is_told_half(text: str, contract: str, flags: tuple[str, ...]) -> None:
    [setup] = _setups(text)
    assert _contract(setup) == contract
    assert setup.flags == flags
    assert setup.confidence < 1


@pytest.mark.parametrize(
    ("said", "posted", "expiry", "flags"),
    [
        ("5/30", "2025-05-28T14:00", "2025-05-30", ()),
        ("1/16", "2025-05-28T14:00", "2026-01-16", ()),
        ("5/28", "2025-05-29T02:00", "2025-05-28", ()),  # still the 28th in New York
        ("5/28", "2025-05-29T04:30", None, ("expiry_past",)),  # still the 28th in Chicago
        ("5/27", "2025-05-28T14:00", None, ("expiry_past",)),
        ("2/30", "2025-05-28T14:00", None, ("expiry_missing",)),
        ("5/30/25", "2025-05-28T14:00", "2025-05-30", ()),
        ("5/30/24", "2025-05-28T14:00", "2024-05-30", ("expiry_past",)),
        ("5/31", "2025-05-28T14:00", "2025-05-31", ("weekend",)),
        ("7/4", "2025-05-28T14:00", "2025-07-04", ("exchange_holiday",)),
        ("0DTE", "2025-05-28T14:00", "2025-05-28", ()),
        ("1DTE", "2025-05-23T14:00", "2025-05-27", ()),  # a Friday before Memorial Day
        ("weekly", "2025-05-28T14:00", "2025-05-30", ()),
        ("weekly", "2025-07-02T14:00", "2025-07-03", ()),  # the Friday is a holiday
    ],
)
def test_expiries(said: str, posted: str, expiry: str | None, flags: tuple[str, ...]) -> None:
    [setup] = _setups(f"BTO SPY 590c {said} @ 1.20", datetime.fromisoformat(posted).replace(tzinfo=UTC))
    assert setup.instrument is not None
    assert (str(setup.instrument.expiry) if setup.instrument.expiry else None, setup.flags) == (expiry, flags)


def test_an_exit_may_come_after_the_expiry() -> None:
    [setup] = _setups("STC SPY 590c 5/27 @ 1.20")
    assert (_contract(setup), setup.flags) == ("SPY 2025-05-27 590 call", ("expiry_past",))


@pytest.mark.parametrize(
    "text",
    [
        "PLTR calls up 4.50 from 1.75!",
        "PLTR BTO calls up 4.50 from 1.75!",
        "ER Lotto: JD 11/27 BTO 100/110C @1.3",
        "don't BTO SPY 590c 5/30 @ 1.20",
        "would BTO SPY 590c 5/30 @ 1.20 if it dips",
        "anyone BTO that?",
        "BTO soon",
        "BTC broke 104,250",
        "BTC 104,250 → 105,000",
        "the bot is down, 590c",
        "exit update AAA 115C 05/30 PT 80% SL 2",
        "SL around 388.5 PT 380",
    ],
)
def test_talk_is_no_alert(text: str) -> None:
    assert parsers.parse(text, _POSTED).state == "not_a_plan"


@pytest.mark.parametrize(
    "text",
    [
        "BTO @2.50",
        "BTO HTZ@ hk 2.50",
        "BTO SPY 590/595c 5/30 @ 1.20",
        "BTO SPY 590c 595c 5/30 @ 1.20",
        "BTO SPY 590c 5/30 6/6 @ 1.20",
        "BTO SPY250530C590 @ 1.2",
        "STC half here @ 3.10",
        "6/11 BTO SPY 600c @ 1.1",
    ],
)
def test_what_could_be_two_things_is_neither(text: str) -> None:
    reading = parsers.parse(text, _POSTED)
    assert (reading.state, reading.plans, [unread.text for unread in reading.unread]) == ("empty", (), [text])
    audit(text, reading)


def test_alerts_of_one_symbol_are_one_plan() -> None:
    text = "BTO SPY 590c 5/30 @ 1.20\nBTO QQQ 500c 5/30 @ 2.00\nSTC half SPY 590c 5/30 @ 1.80"
    plans = parsers.parse(text, _POSTED).plans
    assert [(plan.ticker, [setup.line for setup in plan.setups]) for plan in plans] == [("SPY", [1, 3]), ("QQQ", [2])]


def _samples() -> list[dict[str, Any]]:
    import json

    path = CORPUS / "alerts.jsonl"
    if not path.exists():
        return []
    with path.open(encoding="utf-8") as lines:
        return [row for row in map(json.loads, lines) if row["format"] == "bto_stc"]


@pytest.mark.skipif(not _samples(), reason="the alerts are not on this machine")
@pytest.mark.parametrize("row", _samples(), ids=lambda row: str(row["content"])[:40])
def test_real_alerts(row: dict[str, Any]) -> None:
    """Each stated expectation, or nothing where nothing may be read."""
    setups = _setups(row["content"], datetime(2023, 3, 2, 15, tzinfo=UTC))
    expected = row["expected"] or {}
    if row.get("must_reject"):
        assert setups == []
    if not {"Symbol", "symbol", "ticker"} & set(expected):
        return
    [setup] = setups
    assert setup.instrument is not None
    symbol = expected.get("Symbol") or expected.get("symbol") or expected["ticker"]
    assert setup.instrument.underlying == symbol.split("_")[0]
    if expected.get("price") is not None:
        assert [float(level.low) for level in setup.triggers] == [expected["price"]]
    else:
        assert setup.triggers == ()
    option = expected.get("option") or {"strike": expected.get("strike"), "type": expected.get("right")}
    strike = str(option["strike"] or "").rstrip("CPcp")
    assert (float(setup.instrument.strike) if setup.instrument.strike is not None else None) == (
        float(strike) if strike else None
    )
    assert [float(level.low) for level in setup.targets] == [
        float(expected[name]) for name in ("PT1", "PT2", "PT3") if expected.get(name)
    ] or "PT1" not in expected
