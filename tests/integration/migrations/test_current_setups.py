"""The view that shows the setups a trader should look at, flat."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from tests.support.sql import execute, fetch
from worker.db.connection import Database

ROWS = (Path(__file__).parent / "rows.sql").read_text()


async def test_there_is_a_row_for_each_trigger_of_a_current_setup(migrated_database: Database) -> None:
    await execute(migrated_database, ROWS)
    rows = await fetch(migrated_database, "SELECT * FROM current_setups ORDER BY setup_id, trigger_low")
    assert [(row["setup_id"], row["trigger_low"], row["trigger_high"]) for row in rows] == [
        (1, Decimal("586.49"), Decimal("586.49")),
        (1, Decimal(587), Decimal("587.50")),
        (3, Decimal("2.15"), Decimal("2.15")),
    ]
    assert dict(rows[1]) == {
        "trading_day": date(2025, 5, 15),
        "ticker": "SPY",
        "kind": "rejection",
        "strategy": "aggressive",
        "direction": "short",
        "trigger_low": Decimal(587),
        "trigger_high": Decimal("587.50"),
        "targets": [Decimal("584.20"), Decimal("582.00")],
        "stop": Decimal(588),
        "bias_text": "Bullish above",
        "bias_direction": "bullish",
        "flags": ["weekend", "far"],
        "confidence": Decimal("0.9"),
        "instrument": None,
        "quantity": None,
        "channel_id": 1,
        "message_id": 150,
        "setup_id": 1,
        "plan_id": 1,
        "posted_at": datetime(2025, 5, 15, 12, tzinfo=UTC),
        "message_link": "https://discord.com/channels/10/1/150",
    }


async def test_an_alert_from_a_direct_message(migrated_database: Database) -> None:
    await execute(migrated_database, ROWS)
    [row] = await fetch(migrated_database, "SELECT * FROM current_setups WHERE kind = 'entry'")
    assert (row["ticker"], row["targets"], row["stop"]) == (None, [], None)
    assert row["instrument"] == {"underlying": "SPY", "strike": "590"}
    assert row["quantity"] == "2"
    assert row["message_link"] == "https://discord.com/channels/@me/2/160"
