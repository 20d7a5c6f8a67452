"""One example of every fact, as it stands in the JSON Schemas and in docs/events.md."""

from datetime import UTC, date, datetime
from typing import Any

from worker.events import catalogue as facts

_CHANNEL: dict[str, Any] = {"channel_id": "1349820945284960298", "guild_id": "1349820944785838160"}
_MESSAGE: dict[str, Any] = {"origin": "live", "message_id": "1372567340325601280", **_CHANNEL}
_POSTED_AT = datetime(2025, 5, 15, 12, 55, 0, 123000, UTC)
_EDITED_AT = datetime(2025, 5, 15, 13, 2, 41, 871000, UTC)

_SETUP: dict[str, Any] = {
    **_MESSAGE,
    "setup_id": "4711",
    "plan_id": "812",
    "ticker": "SPY",
    "trading_day": date(2025, 5, 15),
    "trading_day_source": "header",
    "kind": "rejection",
    "strategy": None,
    "direction": "short",
    "triggers": [("586.49", "586.49")],
    "targets": ["584.20", "582.00"],
    "stop": None,
    "bias_direction": "bullish",
    "flags": [],
    "plan_flags": [],
    "confidence": "1",
}

EXAMPLES: tuple[facts.Fact, ...] = (
    facts.MessageStored(**_MESSAGE, revision=1, posted_at=_POSTED_AT),
    facts.MessageEdited(**_MESSAGE, revision=2, posted_at=_POSTED_AT, edited_at=_EDITED_AT),
    facts.MessageDeleted(
        **_MESSAGE,
        revision=2,
        posted_at=_POSTED_AT,
        edited_at=_EDITED_AT,
        deleted_at=datetime(2025, 5, 15, 14, tzinfo=UTC),
    ),
    facts.MessageParsed(
        **_MESSAGE,
        parser="aplus",
        parser_version=1,
        trading_day=date(2025, 5, 15),
        trading_day_source="header",
        tickers=["SPY", "TSLA"],
        setups=6,
        unread=0,
        flags=[],
    ),
    facts.MessageEmpty(**_MESSAGE, parser="aplus", parser_version=1, reason="a header and no setup under it"),
    facts.MessageFailed(**_MESSAGE, reason="IndexError: list index out of range"),
    facts.SetupCreated(**_SETUP),
    facts.SetupUpdated(**_SETUP, changed=["targets"]),
    facts.SetupWithdrawn(**_SETUP),
    facts.SetupSuperseded(**_SETUP, caused_by="1372571120937238528"),
    facts.SetupReinstated(**_SETUP, caused_by="1372571120937238528"),
    facts.CatchupStarted(channel_id=_CHANNEL["channel_id"], gaps=1),
    facts.CatchupCompleted(channel_id=_CHANNEL["channel_id"], messages=37),
    facts.GapOpened(
        channel_id=_CHANNEL["channel_id"],
        first_id="1372567340325601281",
        last_id="1372570000000000000",
        reason="reconnected",
    ),
    facts.GapClosed(
        channel_id=_CHANNEL["channel_id"],
        first_id="1372567340325601281",
        last_id="1372570000000000000",
        outcome="fetched",
    ),
    facts.BotConnected(resumed=False, guilds=1),
    facts.BotDisconnected(),
    facts.ChannelAdded(**_CHANNEL, changed_by="command line"),
    facts.ChannelRemoved(**_CHANNEL, changed_by="command line"),
    facts.ChannelChanged(**_CHANNEL, changed_by="setting", changed={"parser": "aplus"}),
    facts.SchemaMigrated(
        revision="0005",
        direction="upgrade",
        duration_milliseconds=12,
        applied_by="discord-plan-worker:migrate, desk-1, process 4242, version 0.1.0",
    ),
)
