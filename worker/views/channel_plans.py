"""Plans of some channels and no others: what a member of a guild is shown, of the channels that the member can see."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from asyncpg import Connection

from worker.exits import NotFoundError
from worker.views.shown import ShownPlan
from worker.views.stored_plans import DAYS_NAMED, PLANS, TICKERS_NAMED, shown_plans, some, ticker_of

NO_TICKER = "no ticker"
"""What is asked for to get the plans of posts that named none; no ticker has a blank."""

OFFERED = 25
"""Discord takes no more choices, https://docs.discord.com/developers/interactions/receiving-and-responding."""

# Every statement here takes the channels as $1 and knows no other plan.
_OF_CHANNELS = "p.channel_id = ANY($1::bigint[]) AND p.state = 'current'"


class _Statements(NamedTuple):
    """The statements about a ticker, $2; $3 is a day."""

    plans_of_day: str
    coming_day: str
    days: str


def _statements(of_ticker: str) -> _Statements:
    where = f"{_OF_CHANNELS} AND {of_ticker}"
    return _Statements(
        # As one reads them: by ticker, those without one last, and of one ticker the oldest post first.
        plans_of_day=f"""{PLANS}
 WHERE {where} AND p.trading_day = $3
 ORDER BY p.ticker NULLS LAST, m.message_id, p.position""",
        # The first day from $3 on that there is a plan for.
        coming_day=f"SELECT min(p.trading_day) FROM ticker_plans p WHERE {where} AND p.trading_day >= $3",  # noqa: S608
        days=f"SELECT DISTINCT p.trading_day FROM ticker_plans p WHERE {where} ORDER BY p.trading_day DESC",  # noqa: S608
    )


# Three, because an index serves only the plain comparison: $2 is null for all tickers, '' for plans without one.
_OF_ALL, _OF_NONE, _OF_ONE = map(_statements, ("$2::text IS NULL", "p.ticker IS NULL AND $2 = ''", "p.ticker = $2"))

# The tickers that begin with $2, each with the day of its newest plan and whether one is for $3: today's come first,
# then those that were planned last. $4 is how many, or null for all.
_TICKERS = f"""
SELECT coalesce(p.ticker, '{NO_TICKER}') AS ticker, max(p.trading_day) AS newest_day,
       bool_or(p.trading_day = $3) AS is_for_today
  FROM ticker_plans p
 WHERE {_OF_CHANNELS} AND starts_with(upper(coalesce(p.ticker, '{NO_TICKER}')), $2)
 GROUP BY p.ticker
 ORDER BY is_for_today DESC, newest_day DESC, p.ticker NULLS LAST
 LIMIT $4
"""  # noqa: S608  constants of ours


@dataclass(frozen=True, slots=True)
class OfferedTicker:
    """A ticker that there are plans for, or NO_TICKER; `is_for_today`: one of them is for today."""

    ticker: str
    newest_day: date
    is_for_today: bool


async def plans_of_channels(
    connection: Connection, channel_ids: Collection[int], ticker: str | None, *, day: date | None, today: date
) -> list[ShownPlan]:
    """The current plans of a ticker (None: of all) for a day, else for the first day from today on that has any.

    There is at least one. Raises NotFoundError, naming what there is."""
    wanted = None if ticker is None else _wanted(ticker)
    statements = _about(wanted)
    if day is None:
        day = await connection.fetchval(statements.coming_day, channel_ids, wanted, today)
    rows = await connection.fetch(statements.plans_of_day, channel_ids, wanted, day) if day else []
    if not rows:
        raise await _not_found(connection, channel_ids, wanted, day)
    return await shown_plans(connection, rows)


async def offered_tickers(
    connection: Connection, channel_ids: Collection[int], typed: str, *, today: date
) -> list[OfferedTicker]:
    """At most OFFERED tickers that begin with what was typed, today's first."""
    rows = await connection.fetch(_TICKERS, channel_ids, ticker_of(typed), today, OFFERED)
    return [OfferedTicker(**dict(row)) for row in rows]


def _wanted(ticker: str) -> str:
    name = ticker_of(ticker)
    return "" if name == NO_TICKER.upper() else name


def _about(wanted: str | None) -> _Statements:
    if wanted is None:
        return _OF_ALL
    return _OF_ONE if wanted else _OF_NONE


async def _not_found(
    connection: Connection, channel_ids: Collection[int], wanted: str | None, day: date | None
) -> NotFoundError:
    what = {None: "no plan", "": "no plan without a ticker"}.get(wanted, f"no plan for {wanted}")
    days = [row["trading_day"] for row in await connection.fetch(_about(wanted).days, channel_ids, wanted)]
    if days and day is None:
        return NotFoundError(
            f"There is {what} for today or later; the newest is for {days[0]}: ask for it with `day:{days[0]}`."
        )
    if days:
        there = "there are plans for" if wanted is None else "there are some for"
        return NotFoundError(f"There is {what} on {day}; {there} {some(days, DAYS_NAMED)}.")
    rows = await connection.fetch(_TICKERS, channel_ids, "", day, None)
    if rows:
        return NotFoundError(f"There is {what}; there are some for {some([row[0] for row in rows], TICKERS_NAMED)}.")
    return NotFoundError("No plan is stored yet of the channels that you can see here.")
