"""The JSON that programs read."""

import json

import parsers
from tests.unit.parsers.support import POSTED

_POST = """A+ Trade Setups — Thu Jun 12

SPY
❌ Rejection Near 1,245.50 (1,243.20, 1242) SL 1250
⚠️ Bull bias above 1,244

Pivot 1240"""


def test_a_day_plan_as_json() -> None:
    shown = parsers.to_json(parsers.parse(_POST, POSTED))
    assert json.loads(json.dumps(shown)) == {
        "status": "parsed",
        "format": "aplus",
        "trading_day": "2025-06-12",
        "trading_day_source": "header",
        "plans": [
            {
                "ticker": "SPY",
                "bias": {
                    "text": "Bull bias above 1,244",
                    "direction": "bullish",
                    "levels": [{"price": "1244", "relation": "above", "role": "bias"}],
                },
                "setups": [
                    {
                        "kind": "rejection",
                        "strategy": None,
                        "direction": "short",
                        "triggers": [["1245.50", "1245.50"]],
                        "targets": ["1243.20", "1242"],
                        "stop": "1250",
                        "line": 4,
                        "flags": [],
                    }
                ],
            }
        ],
        "unread": [{"line": 7, "text": "Pivot 1240", "reason": "numbers in words that are no setup"}],
    }


def test_small_prices_have_no_exponent() -> None:
    shown = parsers.to_json(parsers.parse("A+ Trade Setups\nX\nBreakout above 0.00000012 → .00000013", POSTED))
    [setup] = shown["plans"][0]["setups"]
    assert (setup["triggers"], setup["targets"]) == ([["0.00000012", "0.00000012"]], ["0.00000013"])


def test_an_alert_as_json() -> None:
    shown = parsers.to_json(parsers.parse("STC half AAPL 6/20 200c @ .00310\nnote 7", POSTED))
    [setup] = shown["plans"][0]["setups"]
    assert setup["triggers"] == [["0.00310", "0.00310"]]
    assert setup["quantity"] == "half"
    assert setup["instrument"] == {"underlying": "AAPL", "expiry": "2025-06-20", "strike": "200", "right": "call"}
    assert shown["unread"] == [{"line": 2, "text": "note 7", "reason": "a number that nothing explains"}]


def test_what_is_no_plan_as_json() -> None:
    shown = parsers.to_json(parsers.parse("gm", POSTED))
    nothing = {"format": None, "trading_day": None, "trading_day_source": None}
    assert shown == {"status": "not_a_plan", **nothing, "plans": [], "unread": []}
