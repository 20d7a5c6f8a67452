"""What a price ladder shows: one ticker's levels for one trading day."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

Direction = Literal["long", "short"]


@dataclass(frozen=True, slots=True)
class LadderLevel:
    """A price, or a zone where `low` and `high` differ.

    `role` is trigger, target, stop, bias or flip; `relation` is above, below, near or none.
    """

    role: str
    low: Decimal
    high: Decimal
    relation: str | None

    @property
    def is_zone(self) -> bool:
        return self.low != self.high

    @property
    def middle(self) -> Decimal:
        return (self.low + self.high) / 2


@dataclass(frozen=True, slots=True)
class LadderSetup:
    """One tradable line of a plan."""

    kind: str
    strategy: str | None
    direction: Direction
    triggers: tuple[LadderLevel, ...]
    targets: tuple[LadderLevel, ...]
    stop: LadderLevel | None

    @property
    def name(self) -> str:
        """Such as `Aggressive breakout`."""
        return f"{self.strategy or ''} {self.kind}".strip().capitalize()

    @property
    def levels(self) -> tuple[LadderLevel, ...]:
        return (*self.triggers, *self.targets, *((self.stop,) if self.stop else ()))


@dataclass(frozen=True, slots=True)
class Ladder:
    """All that is drawn. `bias_direction` is bullish, bearish or none; `source` says who posted it and where."""

    ticker: str
    trading_day: date
    bias_text: str | None
    bias_direction: str | None
    bias_levels: tuple[LadderLevel, ...]
    setups: tuple[LadderSetup, ...]
    source: str | None

    @property
    def levels(self) -> tuple[LadderLevel, ...]:
        return (*self.bias_levels, *(level for setup in self.setups for level in setup.levels))

    def towards(self, direction: Direction) -> list[LadderSetup]:
        """The setups of a direction that have any level, the highest trigger first as on a ladder."""
        chosen = [setup for setup in self.setups if setup.direction == direction and setup.levels]
        return sorted(chosen, key=_height, reverse=True)


def _height(setup: LadderSetup) -> Decimal:
    return max(level.middle for level in setup.triggers or setup.levels)
