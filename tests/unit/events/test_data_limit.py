"""No event's data is over its limit: what is too long leaves out its levels, or is refused."""

import json
from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from worker.events.catalogue import DATA_LIMIT_BYTES, Event, Fact, MessageParsed, SetupCreated


def setup_created(**fields: Any) -> SetupCreated:
    return SetupCreated(
        **{
            "origin": "live",
            "message_id": "1372544292618240000",
            "channel_id": "1300000000000000000",
            "setup_id": "7",
            "plan_id": "5",
            "ticker": "SPY",
            "trading_day": date(2025, 5, 15),
            "trading_day_source": "header",
            "kind": "breakout",
            "strategy": None,
            "direction": "long",
            "triggers": [("582.54", "582.54")],
            "targets": ["586.25", "590.00"],
            "stop": None,
            "bias_direction": None,
            "flags": [],
            "plan_flags": [],
            "confidence": "1",
        }
        | fields
    )


def data_of(fact: Fact) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(Event(fact, uuid4()).data)
    return data


@pytest.mark.parametrize("digit", ["6", "₆"])
def test_a_setup_too_long_for_an_event_leaves_its_levels_out_and_says_so(digit: str) -> None:
    """The limit counts bytes, of which a letter can have four."""
    fits = setup_created(targets=[digit * 100] * (200 if digit == "₆" else 600))
    assert data_of(fits)["truncated"] is False
    long = setup_created(targets=[digit * 100] * (250 if digit == "₆" else 700))
    data = Event(long, uuid4()).data
    assert len(data.encode()) < DATA_LIMIT_BYTES
    told = json.loads(data)
    assert (told["truncated"], told["targets"], told["ticker"]) == (True, [], "SPY")


@pytest.mark.parametrize(
    "fact",
    [
        setup_created(ticker="T" * DATA_LIMIT_BYTES),
        setup_created(quantity="½" * (DATA_LIMIT_BYTES // 2)),
        MessageParsed(
            origin="live",
            message_id="1",
            channel_id="2",
            parser="aplus",
            parser_version=1,
            trading_day=date(2025, 5, 15),
            trading_day_source="header",
            tickers=["SPY"] * DATA_LIMIT_BYTES,
            setups=1,
            unread=0,
            flags=[],
        ),
    ],
    ids=lambda fact: fact.event_type,
)
def test_what_is_too_long_all_the_same_is_refused(fact: Fact) -> None:
    with pytest.raises(ValueError, match="too long for an event"):
        Event(fact, uuid4())
