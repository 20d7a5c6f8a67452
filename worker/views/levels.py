"""A ticker's current levels as a price ladder, the highest on top. Pure but for printing."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.console import Console

from worker.views.shown import ShownLevel, ShownPlan
from worker.views.terminal import DIRECTION_STYLES, FAINT, ROLE_STYLES, price, styled, table

_COLUMNS = ("Price", "Role", "Kind", "Strategy", "Direction")


class Rung(NamedTuple):
    level: ShownLevel
    kind: str
    strategy: str | None
    direction: str | None
    channel_name: str


def ladder(plans: Sequence[ShownPlan]) -> list[Rung]:
    """All levels of the plans, by price from high to low; a zone stands where it ends."""
    return sorted(_rungs(plans), key=lambda rung: (rung.level.high, rung.level.low), reverse=True)


def _rungs(plans: Sequence[ShownPlan]) -> Iterator[Rung]:
    for plan in plans:
        for level in plan.bias_levels:
            yield Rung(level, "bias", None, plan.bias_direction, plan.channel_name)
        for setup in plan.setups:
            for level in setup.levels:
                yield Rung(level, setup.kind, setup.strategy, setup.direction, plan.channel_name)


def show_levels(console: Console, plans: Sequence[ShownPlan]) -> None:
    first = plans[0]
    console.print(styled(f"{first.ticker}  {first.trading_day:%A %Y-%m-%d}", "bold"))
    rungs = ladder(plans)
    if not rungs:
        console.print(styled("No levels.", FAINT))
        return
    has_channels = len({plan.channel_name for plan in plans}) > 1
    drawn = table([*_COLUMNS, "Channel"] if has_channels else _COLUMNS)
    for rung in rungs:
        style = ROLE_STYLES[rung.level.role]
        drawn.add_row(
            styled(price(rung.level.low, rung.level.high), style),
            styled(f"{rung.level.role} {rung.level.relation or ''}", style),
            styled(rung.kind),
            styled(rung.strategy, FAINT),
            styled(rung.direction, DIRECTION_STYLES.get(rung.direction or "", "")),
            *([styled(f"#{rung.channel_name}", FAINT)] if has_channels else []),
        )
    console.print(drawn)
