"""Plans as they stand in the database: what `setups` and `levels` show."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

from asyncpg import Connection

from worker.exits import NotFoundError
from worker.views.shown import ShownLevel, ShownPlan, ShownSetup

DAYS_NAMED = 5  # in the sentence about a day without plans
TICKERS_NAMED = 20

_DAYS = """
SELECT DISTINCT trading_day FROM ticker_plans WHERE ticker = $1 AND state = 'current' ORDER BY trading_day DESC
"""

_TICKERS = """
SELECT DISTINCT ticker FROM ticker_plans WHERE ticker IS NOT NULL AND state = 'current' ORDER BY ticker
"""

PLANS = """
SELECT p.id AS plan_id, p.ticker, p.trading_day, p.bias_text, p.bias_direction, p.flags, m.posted_at,
       c.name AS channel_name, m.channel_id, m.guild_id, m.message_id
  FROM ticker_plans p
  JOIN discord_messages m ON m.message_id = p.message_id
  JOIN discord_channels c ON c.channel_id = m.channel_id
"""
"""What `shown_plans` takes: ticker_plans is p, and a condition and an order are to be added."""

_PLANS = f"{PLANS} WHERE p.ticker = $1 AND p.trading_day = $2 AND p.state = 'current' ORDER BY m.message_id, p.position"

# The setups that stand as their plan does. Of a withdrawn plan these are those that went with it, and none that an edit
# took out earlier.
_SETUPS = """
SELECT s.id AS setup_id, s.plan_id, s.kind, s.strategy, s.direction, s.flags, s.instrument, s.quantity
  FROM trade_setups s JOIN ticker_plans p ON p.id = s.plan_id
 WHERE s.plan_id = ANY($1::bigint[]) AND s.state = p.state
   AND (p.state <> 'withdrawn' OR s.updated_at = p.updated_at)
 ORDER BY s.plan_id, s.position
"""

_LEVELS = """
SELECT plan_id, setup_id, role, price_low, price_high, relation
  FROM parsed_levels
 WHERE plan_id = ANY($1::bigint[])
 ORDER BY plan_id, setup_id, role, sequence
"""


async def current_plans(connection: Connection, ticker: str, *, day: date | None, today: date) -> list[ShownPlan]:
    """The current plans of a ticker for a day, or for today; there is at least one.

    Raises NotFoundError, naming the tickers or days that there are."""
    ticker = ticker_of(ticker)
    rows = await connection.fetch(_PLANS, ticker, day or today)
    if not rows:
        raise await _not_found(connection, ticker, day, today)
    return await shown_plans(connection, rows)


def ticker_of(text: str) -> str:
    """The ticker that someone typed: ` $spy` is SPY."""
    return text.strip().removeprefix("$").upper()


async def shown_plans(connection: Connection, rows: Sequence[Any]) -> list[ShownPlan]:
    """The plans of rows of `PLANS`, in their order, with the setups that stand, or stood while it did."""
    plan_ids = [row["plan_id"] for row in rows]
    levels = defaultdict[tuple[int, int | None], list[ShownLevel]](list)
    for row in await connection.fetch(_LEVELS, plan_ids):
        level = ShownLevel(row["role"], row["price_low"], row["price_high"], row["relation"])
        levels[row["plan_id"], row["setup_id"]].append(level)
    setups = defaultdict[int, list[ShownSetup]](list)
    for row in await connection.fetch(_SETUPS, plan_ids):
        setups[row["plan_id"]].append(_setup(row, levels[row["plan_id"], row["setup_id"]]))
    return [_plan(row, setups[row["plan_id"]], levels[row["plan_id"], None]) for row in rows]


def _setup(row: Any, levels: Sequence[ShownLevel]) -> ShownSetup:
    return ShownSetup(
        kind=row["kind"],
        strategy=row["strategy"],
        direction=row["direction"],
        levels=tuple(levels),
        flags=tuple(row["flags"]),
        contract=_contract(row["instrument"]),
        quantity=row["quantity"],
    )


def _contract(instrument: dict[str, str | None] | None) -> str | None:
    if instrument is None:
        return None
    return " ".join(part for name in ("underlying", "expiry", "strike", "right") if (part := instrument.get(name)))


def _plan(row: Any, setups: Sequence[ShownSetup], bias_levels: Sequence[ShownLevel]) -> ShownPlan:
    return ShownPlan(
        ticker=row["ticker"],
        trading_day=row["trading_day"],
        bias_text=row["bias_text"],
        bias_direction=row["bias_direction"],
        bias_levels=tuple(bias_levels),
        flags=tuple(row["flags"]),
        setups=tuple(setups),
        channel_name=row["channel_name"] or str(row["channel_id"]),
        posted_at=row["posted_at"],
        message_link=f"https://discord.com/channels/{row['guild_id'] or '@me'}/{row['channel_id']}/{row['message_id']}",
    )


async def _not_found(connection: Connection, ticker: str, day: date | None, today: date) -> NotFoundError:
    days = [row["trading_day"] for row in await connection.fetch(_DAYS, ticker)]
    if days and day is None:
        return NotFoundError(
            f"There is no plan for {ticker} today ({today}); the newest is for {days[0]}: add --day {days[0]}."
        )
    if days:
        return NotFoundError(f"There is no plan for {ticker} on {day}; there are plans for {some(days, DAYS_NAMED)}.")
    tickers = [row["ticker"] for row in await connection.fetch(_TICKERS)]
    if tickers:
        return NotFoundError(f"There is no plan for {ticker}; there are plans for {some(tickers, TICKERS_NAMED)}.")
    return NotFoundError(f"There is no plan for {ticker}: none is stored yet; `run` and `replay` bring them.")


def some(names: Sequence[object], limit: int) -> str:
    """The first of the names, and how many more there are."""
    listed = ", ".join(map(str, names[:limit]))
    return f"{listed} and {len(names) - limit} more" if len(names) > limit else listed
