"""One class for one event type, and data that any reader can rely on."""

import json
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest

from worker.events.catalogue import (
    CHANNELS,
    DATA_LIMIT_BYTES,
    EVENT_TYPES,
    Event,
    Fact,
    MessageParsed,
    MessageStored,
    SetupCreated,
    read_fact,
)


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
    data: dict[str, Any] = json.loads(Event(fact, uuid4()).data())
    return data


@pytest.mark.parametrize("fact", EVENT_TYPES.values(), ids=str)
def test_every_event_type_fits_its_columns_and_says_when_it_is_told(fact: type[Fact]) -> None:
    assert fact.__doc__
    assert len(fact.event_type) <= 100
    assert len(fact.channel) <= 50
    assert fact.channel in CHANNELS
    assert "schema_version" in fact.model_fields


def test_each_type_has_one_class() -> None:
    def leaves(base: type[Fact]) -> list[type[Fact]]:
        found = [leaf for child in base.__subclasses__() for leaf in leaves(child)]
        return found or [base]

    assert sorted(leaf.event_type for leaf in leaves(Fact)) == sorted(EVENT_TYPES)


def test_what_is_told_can_be_read() -> None:
    told = MessageStored(
        origin="live",
        message_id="1",
        channel_id="2",
        revision=1,
        posted_at=datetime(2025, 5, 15, 12, tzinfo=UTC),
    )
    data = Event(told, uuid4()).data()
    assert read_fact("discord.message.stored", data) == told
    assert json.loads(data)["schema"] == 1
    assert json.loads(data)["posted_at"] == "2025-05-15T12:00:00Z"


def test_a_reader_passes_over_fields_that_it_does_not_know() -> None:
    data = data_of(setup_created()) | {"from_the_future": True}
    assert read_fact("setup.created", json.dumps(data)) == setup_created()


def test_prices_and_ids_are_strings() -> None:
    data = data_of(setup_created())
    assert (data["triggers"], data["targets"]) == ([["582.54", "582.54"]], ["586.25", "590.00"])
    assert (data["message_id"], data["trading_day"]) == ("1372544292618240000", "2025-05-15")


@pytest.mark.parametrize("digit", ["6", "₆"])
def test_a_setup_too_long_for_an_event_leaves_its_levels_out_and_says_so(digit: str) -> None:
    """The limit counts bytes, of which a letter can have four."""
    fits = setup_created(targets=[digit * 100] * (200 if digit == "₆" else 600))
    assert data_of(fits)["truncated"] is False
    long = setup_created(targets=[digit * 100] * (250 if digit == "₆" else 700))
    data = Event(long, uuid4()).data()
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
        Event(fact, uuid4()).data()
