"""What stood at a moment: a ticker's setups as they were told until then."""

from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from asyncpg import Connection

from worker.exits import NotFoundError
from worker.ingest.plan_events import setup_data
from worker.ingest.plan_rows import load_plans
from worker.views.shown import ShownLevel, ShownPlan, ShownSetup
from worker.views.stored_plans import ticker_of

# The first state that ended after the moment is the one that held at it.
_FORMER = """
SELECT DISTINCT ON (former.setup_id) former.setup_id, former.data
  FROM setup_revisions former
  JOIN trade_setups s ON s.id = former.setup_id
 WHERE former.until > $3 AND s.created_at <= $3 AND former.data ->> 'ticker' = $1
   AND (former.data ->> 'trading_day')::date = $2
 ORDER BY former.setup_id, former.until, former.id
"""

_UNCHANGED = """
SELECT s.id, s.plan_id
  FROM trade_setups s
  JOIN ticker_plans p ON p.id = s.plan_id
 WHERE p.ticker = $1 AND p.trading_day = $2 AND s.created_at <= $3 AND s.state = 'current'
   AND NOT EXISTS (SELECT FROM setup_revisions former WHERE former.setup_id = s.id AND former.until > $3)
"""

_SOURCES = """
SELECT p.id AS plan_id, m.message_id, m.channel_id, m.guild_id, m.posted_at, c.name
  FROM ticker_plans p
  JOIN discord_messages m ON m.message_id = p.message_id
  JOIN discord_channels c ON c.channel_id = m.channel_id
 WHERE p.id = ANY($1::bigint[])
 ORDER BY m.message_id, p.position
"""


async def plans_as_of(connection: Connection, ticker: str, *, day: date, moment: datetime) -> list[ShownPlan]:
    """The plans of a ticker for a day with the setups that stood at a moment; there is at least one.

    The bias is left out: only its direction is kept with former states. Raises NotFoundError."""
    ticker = ticker_of(ticker)
    stood = [row["data"] for row in await connection.fetch(_FORMER, ticker, day, moment)]
    stood = [data for data in stood if data["state"] == "current"]
    unchanged = await connection.fetch(_UNCHANGED, ticker, day, moment)
    ids = {row["id"] for row in unchanged}
    for plan in await load_plans(connection, list({row["plan_id"] for row in unchanged}), by="id"):
        stood += [setup_data(plan, setup) for setup in plan.setups if setup.setup_id in ids]
    if not stood:
        raise NotFoundError(f"No setup of {ticker} for {day} stood at {moment:%Y-%m-%d %H:%M:%S %Z}.")
    by_plan = defaultdict[int, list[dict[str, Any]]](list)
    for data in sorted(stood, key=lambda data: int(data["setup_id"])):
        by_plan[int(data["plan_id"])].append(data)
    sources = await connection.fetch(_SOURCES, list(by_plan))
    return [_plan(source, ticker, day, by_plan[source["plan_id"]]) for source in sources]


def _plan(source: Any, ticker: str, day: date, setups: list[dict[str, Any]]) -> ShownPlan:
    return ShownPlan(
        ticker=ticker,
        trading_day=day,
        bias_text=None,
        bias_direction=setups[0]["bias_direction"],
        bias_levels=(),
        flags=tuple(setups[0]["plan_flags"]),
        setups=tuple(map(_setup, setups)),
        channel_name=source["name"] or str(source["channel_id"]),
        posted_at=source["posted_at"],
        message_link="https://discord.com/channels/"
        f"{source['guild_id'] or '@me'}/{source['channel_id']}/{source['message_id']}",
    )


def _setup(data: dict[str, Any]) -> ShownSetup:
    instrument = data["instrument"] or {}
    parts = [instrument.get(name) for name in ("underlying", "expiry", "strike", "right")]
    return ShownSetup(
        kind=data["kind"],
        strategy=data["strategy"],
        direction=data["direction"],
        levels=(
            *(ShownLevel("trigger", Decimal(low), Decimal(high), None) for low, high in data["triggers"]),
            *(ShownLevel("target", Decimal(price), Decimal(price), None) for price in data["targets"]),
            *(ShownLevel("stop", Decimal(price), Decimal(price), None) for price in [data["stop"]] if price),
        ),
        flags=tuple(data["flags"]),
        contract=" ".join(part for part in parts if part) or None,
        quantity=data["quantity"],
    )
