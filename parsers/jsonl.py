"""A reading as JSON: the shape that `worker parse --jsonl` writes."""

from decimal import Decimal
from typing import Any

from parsers.reading import Bias, Level, Plan, Reading, Setup


def to_json(reading: Reading) -> dict[str, Any]:
    """Status, format, trading day, plans and unread lines; prices are plain decimal strings, days are ISO dates.

    Setups of alerts (kinds `entry` and `exit`) also have `instrument` and `quantity`."""
    return {
        "status": reading.state,
        "format": reading.format,
        "trading_day": reading.trading_day.isoformat() if reading.trading_day else None,
        "trading_day_source": reading.trading_day_source,
        "plans": [_plan(plan) for plan in reading.plans],
        "unread": [{"line": unread.line, "text": unread.text, "reason": unread.reason} for unread in reading.unread],
    }


def _plan(plan: Plan) -> dict[str, Any]:
    bias = _bias(plan.bias) if plan.bias else None
    return {"ticker": plan.ticker, "bias": bias, "setups": [_setup(setup) for setup in plan.setups]}


def _bias(bias: Bias) -> dict[str, Any]:
    levels = [{"price": _price(level.low), "relation": level.relation, "role": level.role} for level in bias.levels]
    return {"text": bias.text, "direction": bias.direction, "levels": levels}


def _setup(setup: Setup) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "kind": setup.kind,
        "strategy": setup.strategy,
        "direction": setup.direction,
        "triggers": [[_price(level.low), _price(level.high)] for level in setup.triggers],
        "targets": [_price(level.low) for level in setup.targets],
        "stop": _level_price(setup.stop),
        "line": setup.line,
        "flags": list(setup.flags),
    }
    if setup.instrument is not None:
        instrument = setup.instrument
        shown["instrument"] = {
            "underlying": instrument.underlying,
            "expiry": instrument.expiry.isoformat() if instrument.expiry else None,
            "strike": None if instrument.strike is None else _price(instrument.strike),
            "right": instrument.right,
        }
        shown["quantity"] = setup.quantity
    return shown


def _level_price(level: Level | None) -> str | None:
    return None if level is None else _price(level.low)


def _price(price: Decimal) -> str:
    return format(price, "f")
