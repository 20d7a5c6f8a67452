"""Real posts, each with the reading a trader gives it."""

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import parsers
from tests.unit.parsers.support import CORPUS, audit, short

_POSTS = CORPUS / "aplus_real.jsonl"
_ALERTS = CORPUS / "alerts.jsonl"


def _rows(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@pytest.mark.skipif(not _POSTS.exists(), reason="the real posts are not on this machine")
@pytest.mark.parametrize("row", _rows(_POSTS), ids=lambda row: str(row["id"]))
def test_reads_a_real_post_as_a_trader_does(row: dict[str, Any]) -> None:
    reading = parsers.parse(row["content"], datetime.fromisoformat(row["posted_at"]))
    expected = row["expect"]
    assert str(reading.trading_day) == expected["trading_day"]
    assert [plan.ticker for plan in reading.plans] == [plan["ticker"] for plan in expected["plans"]]
    assert [plan.bias.text if plan.bias else None for plan in reading.plans] == [
        plan["bias"] for plan in expected["plans"]
    ]
    assert short(reading) == [
        (
            plan["ticker"], setup["kind"], setup["strategy"],
            [[Decimal(str(price)) for price in zone] for zone in setup["triggers"]],
            [Decimal(str(price)) for price in setup["targets"]], None,
        )
        for plan in expected["plans"]
        for setup in plan["setups"]
    ]  # fmt: skip
    assert [setup.direction for plan in reading.plans for setup in plan.setups] == [
        setup["direction"] for plan in expected["plans"] for setup in plan["setups"]
    ]
    assert reading.unread == ()
    audit(row["content"], reading)


@pytest.mark.skipif(not _ALERTS.exists(), reason="the alerts are not on this machine")
def test_no_alert_of_another_format_is_a_day_plan() -> None:
    for row in _rows(_ALERTS):
        for name in (None, "aplus"):
            reading = parsers.parse(row["content"], datetime.fromisoformat("2025-06-12T13:05:00Z"), format=name)
            assert reading.format != "aplus", row["content"]
            audit(row["content"], reading)
