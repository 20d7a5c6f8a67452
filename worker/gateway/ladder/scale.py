"""Prices to heights. One scale holds for the whole picture; only an empty stretch of it may be left out."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from itertools import pairwise
from statistics import median
from typing import NamedTuple

BREAK_HEIGHT = 112
"""Pixels in place of what was left out: torn edges, and room for the markers at the prices beside them."""

_CROWDED = 24
"""Pixels from level to level, in the median, under which a group of levels is hard to tell apart."""
_WORTH_A_BREAK = Decimal("0.4")
"""The share of the height that an empty stretch takes at least: a break must win much, as it costs the true scale."""
_MOST_BREAKS = 3
_STEPS = (Decimal(1), Decimal(2), Decimal(5), Decimal(10))


class Span(NamedTuple):
    """A level's prices, low first."""

    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class Stretch:
    """Prices drawn without a break, and where: `top` is the height of `high`, `bottom` that of `low`, in pixels."""

    low: Decimal
    high: Decimal
    top: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Break:
    """What lies between two stretches and is left out."""

    left_out: Decimal
    top: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Scale:
    """`stretches` from the highest down; `unit` is the pixels of one dollar, the same in all of them."""

    stretches: tuple[Stretch, ...]
    unit: float

    def y(self, price: Decimal) -> float:
        stretch = next((each for each in self.stretches if price >= each.low), self.stretches[-1])
        return stretch.bottom - float(price - stretch.low) * self.unit

    @property
    def breaks(self) -> list[Break]:
        return [Break(upper.low - lower.high, upper.bottom, lower.top) for upper, lower in pairwise(self.stretches)]

    def ticks(self, apart: float) -> Iterator[tuple[Decimal, float]]:
        """Round prices and their heights, at least `apart` pixels from each other."""
        if not self.unit:
            return
        step = _round_step(apart / self.unit)
        for stretch in self.stretches:
            price = (stretch.low / step).to_integral_value(ROUND_CEILING) * step
            while price <= stretch.high:
                yield price, self.y(price)
                price += step


def fit_scale(spans: Iterable[Span], top: float, bottom: float) -> Scale:
    """The scale that fills the height from `top` to `bottom` with at least one span."""
    groups = _groups(sorted(set(spans)), bottom - top)
    dollars = sum((_extent(group) for group in groups), Decimal(0))
    room = bottom - top - BREAK_HEIGHT * (len(groups) - 1)
    unit = room / float(dollars) if dollars else 0.0
    y = top if dollars else (top + bottom) / 2
    stretches = []
    for group in reversed(groups):
        end = y + float(_extent(group)) * unit
        stretches.append(Stretch(group[0].low, _highest(group), y, end))
        y = end + BREAK_HEIGHT
    return Scale(tuple(stretches), unit)


def _groups(spans: Sequence[Span], height: float) -> list[Sequence[Span]]:
    """The spans, from low to high, parted where the empty stretch between them squeezes the others together."""
    groups: list[Sequence[Span]] = [spans]
    while len(groups) <= _MOST_BREAKS:
        gap, at, place = max(
            (gap, at, place) for place, group in enumerate(groups) for gap, at in (*_gaps(group), (Decimal(0), 0))
        )
        dollars = sum((_extent(group) for group in groups), Decimal(0))
        if not gap or gap < dollars * _WORTH_A_BREAK:
            break
        parts = [groups[place][:at], groups[place][at:]]
        unit = height / float(dollars)
        if not any(_is_crowded(part, unit) for part in parts):
            break
        groups[place : place + 1] = parts
    return groups


def _gaps(spans: Sequence[Span]) -> Iterator[tuple[Decimal, int]]:
    """The empty stretches: how wide, and the index of the span above."""
    highest = spans[0].high
    for at, span in enumerate(spans):
        if span.low > highest:
            yield span.low - highest, at
        highest = max(highest, span.high)


def _is_crowded(spans: Sequence[Span], unit: float) -> bool:
    steps = [upper.low - lower.low for lower, upper in pairwise(spans)]
    return bool(steps) and float(median(steps)) * unit < _CROWDED


def _extent(spans: Sequence[Span]) -> Decimal:
    return _highest(spans) - spans[0].low


def _highest(spans: Sequence[Span]) -> Decimal:
    return max(span.high for span in spans)


def _round_step(least: float) -> Decimal:
    """The smallest of 1, 2, 5, 10, 20, 50, … (or 0.5, 0.2, …) that is not under `least`."""
    power = Decimal(10) ** math.floor(math.log10(least))
    step = next(step * power for step in _STEPS if float(step * power) >= least * (1 - 1e-9))
    return step.normalize()
