"""What a member is shown: the plans of the channels that were named, and no others."""

from collections.abc import AsyncIterator
from datetime import date

import pytest
from asyncpg import Connection

from tests.support.posts import Posts, posts_in
from worker.db.connection import Database, connected
from worker.exits import NotFoundError
from worker.views.channel_plans import NO_TICKER, OFFERED, offered_tickers, plans_of_channels
from worker.views.shown import ShownPlan

MONDAY, TUESDAY, FRIDAY = date(2026, 11, 23), date(2026, 11, 24), date(2026, 11, 27)
PLANS, HIDDEN, ABROAD = 101, 102, 201
EVERY_CHANNEL = {PLANS, HIDDEN, ABROAD}


def plan(ticker: str, price: int, day: str = "Mon Nov 23") -> str:
    return f"""A+ Setups — {day}

{ticker}
❌ Rejection Near {price}.40 🔻 {price - 2}.10, {price - 4}.20
🔼 Breakout Above {price + 1}.50 🔼 {price + 3}.10, {price + 5}.00
⚠️ bullish above {price}.00, flips below {price - 5}.00
"""


@pytest.fixture
async def posts(migrated_database: Database) -> AsyncIterator[Posts]:
    async with posts_in(migrated_database) as posts:
        yield posts


@pytest.fixture
async def connection(migrated_database: Database) -> AsyncIterator[Connection]:
    async with connected(migrated_database, purpose="test") as connection:
        yield connection


async def of(
    connection: Connection, channel_ids: set[int], ticker: str | None = None, day: date | None = None
) -> list[ShownPlan]:
    return await plans_of_channels(connection, channel_ids, ticker, day=day, today=MONDAY)


async def refusal(
    connection: Connection, channel_ids: set[int], ticker: str | None = None, day: date | None = None
) -> str:
    with pytest.raises(NotFoundError) as error:
        await of(connection, channel_ids, ticker, day)
    return str(error.value)


async def test_a_plan_is_shown_with_its_source_bias_and_levels(posts: Posts, connection: Connection) -> None:
    await posts.name(PLANS, 1, "day-plans")
    message_id = await posts.post(PLANS, plan("SPY", 600))
    (shown,) = await of(connection, {PLANS}, "$spy ")
    assert (shown.ticker, shown.trading_day, shown.channel_name) == ("SPY", MONDAY, "day-plans")
    assert shown.message_link == f"https://discord.com/channels/1/{PLANS}/{message_id}"
    assert [(level.role, level.relation, str(level.low)) for level in shown.bias_levels] == [
        ("bias", "above", "600.00"),
        ("flip", "below", "595.00"),
    ]
    assert [(setup.kind, [str(one.low) for one in setup.of_role("target")]) for setup in shown.setups] == [
        ("rejection", ["598.10", "596.20"]),
        ("breakout", ["603.10", "605.00"]),
    ]


async def test_no_plan_of_another_channel_is_ever_shown_or_named(posts: Posts, connection: Connection) -> None:
    await posts.post(PLANS, plan("SPY", 600))
    await posts.post(HIDDEN, plan("TSLA", 300))
    await posts.post(ABROAD, plan("NVDA", 170), guild_id=2)
    assert {shown.ticker for shown in await of(connection, EVERY_CHANNEL)} == {"NVDA", "SPY", "TSLA"}
    assert [shown.ticker for shown in await of(connection, {PLANS})] == ["SPY"]
    assert await refusal(connection, {PLANS}, "TSLA") == "There is no plan for TSLA; there are some for SPY."
    assert await refusal(connection, set(), "TSLA") == "No plan is stored yet of the channels that you can see here."
    assert [one.ticker for one in await offered_tickers(connection, {PLANS}, "", today=MONDAY)] == ["SPY"]
    assert await offered_tickers(connection, {PLANS}, "TSLA", today=MONDAY) == []


async def test_only_what_stands_is_shown(posts: Posts, connection: Connection) -> None:
    first = await posts.post(PLANS, plan("SPY", 600))
    second = await posts.post(PLANS, plan("SPY", 610))
    (shown,) = await of(connection, {PLANS}, "SPY")
    assert shown.message_link.endswith(str(second))
    await posts.edit(second, PLANS, plan("SPY", 610).replace("❌ Rejection Near 610.40 🔻 608.10, 606.20\n", ""))
    (shown,) = await of(connection, {PLANS}, "SPY")
    assert [setup.kind for setup in shown.setups] == ["breakout"]
    assert shown.flags == ("fewer_setups",)
    await posts.delete(second, PLANS)
    (shown,) = await of(connection, {PLANS}, "SPY")
    assert shown.message_link.endswith(str(first))


async def test_without_a_day_it_is_today_or_the_first_that_is_planned(posts: Posts, connection: Connection) -> None:
    await posts.post(PLANS, plan("SPY", 590, "Fri Nov 20"))
    assert await refusal(connection, {PLANS}, "SPY") == (
        "There is no plan for SPY for today or later; the newest is for 2026-11-20: ask for it with `day:2026-11-20`."
    )
    assert (await refusal(connection, {PLANS})).startswith("There is no plan for today or later; the newest")
    await posts.post(PLANS, plan("SPY", 620, "Fri Nov 27"))
    await posts.post(PLANS, plan("SPY", 610, "Tue Nov 24"))
    assert [shown.trading_day for shown in await of(connection, {PLANS}, "SPY")] == [TUESDAY]
    await posts.post(PLANS, plan("SPY", 600))
    assert [shown.trading_day for shown in await of(connection, {PLANS}, "SPY")] == [MONDAY]
    assert [shown.trading_day for shown in await of(connection, {PLANS}, "SPY", FRIDAY)] == [FRIDAY]
    assert await refusal(connection, {PLANS}, "SPY", date(2026, 11, 25)) == (
        "There is no plan for SPY on 2026-11-25; there are some for 2026-11-27, 2026-11-24, 2026-11-23, 2026-11-20."
    )
    assert (await refusal(connection, {PLANS}, None, date(2026, 11, 25))).startswith("There is no plan on 2026-11-25;")


async def test_plans_without_a_ticker_are_shown_last_and_can_be_asked_for(posts: Posts, connection: Connection) -> None:
    await posts.post(PLANS, plan("", 400))
    await posts.post(PLANS, plan("SPY", 600))
    assert [shown.ticker for shown in await of(connection, {PLANS})] == ["SPY", None]
    (shown,) = await of(connection, {PLANS}, "No Ticker")
    assert shown.ticker is None
    assert [setup.kind for setup in shown.setups] == ["rejection", "breakout"]
    assert all("ticker_missing" in setup.flags for setup in shown.setups)
    offered = await offered_tickers(connection, {PLANS}, "", today=MONDAY)
    assert [one.ticker for one in offered] == ["SPY", NO_TICKER]


async def test_todays_tickers_are_offered_first_and_no_more_than_discord_takes(
    posts: Posts, connection: Connection
) -> None:
    old = [f"O{chr(65 + number // 26)}{chr(65 + number % 26)}" for number in range(OFFERED + 5)]
    for ticker in old:
        await posts.post(PLANS, plan(ticker, 100, "Fri Nov 20"))
    for ticker in ("ZZZ", "OZZ"):
        await posts.post(PLANS, plan(ticker, 100))
    offered = await offered_tickers(connection, {PLANS}, "", today=MONDAY)
    assert [one.ticker for one in offered] == ["OZZ", "ZZZ", *old[: OFFERED - 2]]
    assert [one.is_for_today for one in offered[:3]] == [True, True, False]
    assert [one.ticker for one in await offered_tickers(connection, {PLANS}, "$oz", today=MONDAY)] == ["OZZ"]
    assert (await refusal(connection, {PLANS}, "NONE")).endswith("and 12 more.")


async def test_what_is_typed_is_no_pattern(posts: Posts, connection: Connection) -> None:
    await posts.post(PLANS, plan("SPY", 600))
    for typed in ("%", "_PY", "S%", "' OR true --"):
        assert await offered_tickers(connection, {PLANS}, typed, today=MONDAY) == []
