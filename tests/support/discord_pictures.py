"""The pictures of docs/discord.md, drawn anew by `python -m tests.support.discord_pictures`."""

from datetime import UTC, date, datetime
from pathlib import Path

import parsers
from worker.demo_posts import opening_plan
from worker.gateway.ladder import draw_ladder
from worker.gateway.plan_pages import ladder_of
from worker.views.post import shown_setup
from worker.views.shown import ShownLevel, ShownPlan

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"
DAY = date(2026, 11, 23)


def levels_picture() -> bytes:
    """What `/levels SPY` shows of the demo's plan."""
    posted_at = datetime(2026, 11, 23, 13, 0, tzinfo=UTC)
    reading = parsers.parse(opening_plan(DAY), posted_at)
    plan = next(plan for plan in reading.plans if plan.ticker == "SPY")
    assert plan.bias is not None
    shown = ShownPlan(
        ticker=plan.ticker,
        trading_day=DAY,
        bias_text=plan.bias.text,
        bias_direction=plan.bias.direction,
        bias_levels=tuple(ShownLevel(*level[:4]) for level in plan.bias.levels),
        flags=(),
        setups=tuple(map(shown_setup, plan.setups)),
        channel_name="day-plans",
        posted_at=posted_at,
        message_link="",
    )
    return draw_ladder(ladder_of(shown))


if __name__ == "__main__":
    PICTURES.mkdir(exist_ok=True)
    (PICTURES / "levels.png").write_bytes(levels_picture())
