"""Price ladders to draw, each by the name of its golden picture."""

import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

from worker.gateway.ladder import Direction, Ladder, LadderLevel, LadderSetup, draw_ladder

THURSDAY = date(2025, 6, 12)


def level(role: str, prices: str, relation: str | None = None) -> LadderLevel:
    """`prices` is `601.30` or a zone `594.00-594.80`, with the digits that a post would have."""
    low, _, high = prices.partition("-")
    return LadderLevel(role, Decimal(low), Decimal(high or low), relation)


def setup(
    name: str, direction: Direction, trigger: str, targets: str = "", *, near: str | None = None, stop: str = ""
) -> LadderSetup:
    """`name` ends in the kind; `targets` are divided by spaces; `near` is the trigger's relation."""
    *strategy, kind = name.split()
    return LadderSetup(
        kind=kind,
        strategy=strategy[0] if strategy else None,
        direction=direction,
        triggers=tuple(level("trigger", prices, near) for prices in trigger.split()),
        targets=tuple(level("target", prices) for prices in targets.split()),
        stop=level("stop", stop) if stop else None,
    )


def ladder(
    ticker: str,
    *setups: LadderSetup,
    bias_text: str | None = None,
    bias_direction: str | None = None,
    bias_levels: tuple[LadderLevel, ...] = (),
    source: str | None = "#day-plans",
) -> Ladder:
    return Ladder(ticker, THURSDAY, bias_text, bias_direction, bias_levels, setups, source)


FULL_PLAN = ladder(
    "SPY",
    setup("rejection", "short", "601.30", "598.90 596.40 594.00", near="near"),
    setup("aggressive breakdown", "short", "598.90", "596.40 594.00 591.50", near="below"),
    setup("conservative breakdown", "short", "596.40", "594.00 591.50 589.20", near="below"),
    setup("rejection", "short", "606.20", "603.80 601.30", near="near", stop="607.50"),
    setup("aggressive breakout", "long", "601.30", "603.80 606.20 609.00", near="above"),
    setup("conservative breakout", "long", "603.80", "606.20 609.00 612.50", near="above"),
    setup("bounce", "long", "594.00-594.80", "596.40 598.90 601.30"),
    setup("bounce", "long", "589.20", "591.50 594.00", near="near", stop="588.00"),
    bias_text="Bull bias above 598.90, flips below 596.40 — 2-candle close on the 5m is enough",
    bias_direction="bullish",
    bias_levels=(level("bias", "598.90", "above"), level("flip", "596.40", "below")),
    source="#day-plans · Ana",
)

ONE_SETUP = ladder("NVDA", setup("aggressive breakout", "long", "184.20", "185.75 187.10 189.00", near="above"))

ZONE = ladder(
    "QQQ",
    setup("bounce", "long", "520.10-521.60", "524.00 526.75", stop="518.90"),
    setup("rejection", "short", "529.00-530.25", "526.75 524.00", stop="531.40"),
    bias_direction="bearish",
    bias_levels=(level("bias", "530.25", "below"),),
)

CROSSING = ladder(
    "TSLA",
    setup("breakdown", "short", "328.50", "325.80 322.00 318.00", near="below", stop="331"),
    setup("rejection", "short", "327.10", "323.40 319.70", near="near"),
    setup("breakout", "long", "319.70", "322.60 325.80 328.50", near="above"),
    setup("bounce", "long", "318.00", "322.00 327.10 331.25", near="near"),
    bias_text="Choppy between 319–322, watch for rejection at 328.50",
)

FORTY_LEVELS = ladder(
    "SPX",
    *(
        setup(
            f"{strategy} breakout",
            "long",
            f"{start}.25",
            " ".join(f"{start + 4 * step}.{25 * (step % 4):02}" for step in range(1, 10)),
            near="above",
        )
        for strategy, start in (("aggressive", 6010), ("conservative", 6050))
    ),
    *(
        setup(
            f"{strategy} breakdown",
            "short",
            f"{start}.75",
            " ".join(f"{start - 4 * step}.{25 * (step % 4):02}" for step in range(1, 10)),
            near="below",
        )
        for strategy, start in (("aggressive", 6000), ("conservative", 5960))
    ),
    bias_direction="bullish",
    bias_levels=(level("bias", "6005", "above"),),
)

ONE_DOLLAR = ladder(
    "F",
    setup("aggressive breakdown", "short", "1.20", "1.155 1.09", near="below"),
    setup("conservative breakdown", "short", "1.155", "1.09 1.04", near="below"),
    setup("breakout", "long", "1.285", "1.31 1.35 1.4", near="above", stop="1.2650"),
)

HUNDRED_THOUSAND_DOLLARS = ladder(
    "BTC",
    setup("breakout", "long", "104250", "105000 106400.50 108000", near="above", stop="103600"),
    setup("rejection", "short", "103500.00-104000.00", "102750 101200.25 99850", near="near"),
    setup("breakdown", "short", "101200.25", "99850 98000", near="below"),
    bias_text="Bearish under 104k until reclaimed",
    bias_direction="bearish",
    bias_levels=(level("bias", "104000", "below"),),
)

BIAS_ONLY = ladder(
    "IWM",
    bias_text="Bull bias above 214.60, flips below 211.20. No trades for me, CPI at 8:30",
    bias_direction="bullish",
    bias_levels=(level("bias", "214.60", "above"), level("flip", "211.20", "below")),
)

NOTHING = ladder("AMD", bias_text="Watching only")

OUTLIER = ladder(
    "META",
    setup("aggressive breakout", "long", "701.50", "704.00 706.25 709.80", near="above"),
    setup("breakdown", "short", "697.20", "694.50 691.00 688.40", near="below"),
    setup("bounce", "long", "612.00", "", near="near"),
    bias_direction="bullish",
)

LADDERS = {
    "full_plan": FULL_PLAN,
    "one_setup": ONE_SETUP,
    "zone": ZONE,
    "crossing": CROSSING,
    "forty_levels": FORTY_LEVELS,
    "one_dollar": ONE_DOLLAR,
    "hundred_thousand_dollars": HUNDRED_THOUSAND_DOLLARS,
    "bias_only": BIAS_ONLY,
    "nothing": NOTHING,
    "outlier": OUTLIER,
}


GOLDEN = Path(__file__).parents[1] / "data" / "ladder"
"""The pictures as they should be. After a wanted change: `python -m tests.support.ladders [NAME...]`; look at each."""


def main() -> None:
    """Draws the golden pictures anew, those named or all."""
    for name in sys.argv[1:] or LADDERS:
        (GOLDEN / f"{name}.png").write_bytes(draw_ladder(LADDERS[name]))


if __name__ == "__main__":
    main()
