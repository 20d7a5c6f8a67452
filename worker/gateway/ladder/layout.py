"""Where everything of a ladder stands: the axis, and on its two sides the lanes of the setups and the labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from worker.gateway.ladder import colours
from worker.gateway.ladder.labels import Label, PlacedLabel, fitting, labels_of, placed, width_of
from worker.gateway.ladder.lanes import Lane, lanes_of
from worker.gateway.ladder.lettering import Lettering, Style
from worker.gateway.ladder.model import Direction, Ladder, LadderLevel
from worker.gateway.ladder.scale import Scale, Span, fit_scale

WIDTH = 800
MARGIN = 22

_CHANNEL = 34
"""Pixels between labels and lanes, in which a leader goes from its label to its price, where the two are level."""
_SLOPE = 0.3
"""How much wider this channel should be for each pixel that a label is away from its price: leaders stay apart."""
_LEAST_LANE, _WIDEST_LANE = 34, 62

_HIGHEST = 1800
"""Pixels of a chart. Labels without room in the highest are left out."""
_HEIGHT_OF_LABEL, _LOWEST, _HIGH_ENOUGH = 120, 240, 560
"""A chart of few labels gets so much for each, up to what makes the picture a square."""
_AIR = 1.2
"""How much higher a chart is than its labels need, so that most can stand at their price."""
_INSET = 30
"""Pixels from a chart's edge to the last price at least, for the marker that points away from it."""
_TICK = Style("Medium", 23, colours.AXIS_TEXT)
_TICKS_APART, _WIDEST_TICK = 58, 120
_OUTWARDS: dict[Direction, Literal[1, -1]] = {"short": -1, "long": 1}


@dataclass(frozen=True, slots=True)
class Side:
    """Half a chart, or a whole one where there is only one direction.

    `outwards` is 1 where the labels stand to the right of the lanes, -1 where they stand to the left.
    """

    direction: Direction
    outwards: Literal[1, -1]
    labels: tuple[PlacedLabel, ...]
    lanes: tuple[Lane, ...]
    inner: float
    """Where the lanes begin, beside the axis."""
    outer: float
    """Where they end and the leaders bend."""
    text_x: float
    """Where the labels begin: the left end of those to the right, and the other way round."""

    @property
    def pitch(self) -> float:
        return min(abs(self.outer - self.inner) / max(len(self.lanes), 1), _WIDEST_LANE)

    def lane_x(self, number: int) -> float:
        return (self.inner + self.outer) / 2 + self.outwards * self.pitch * (number - (len(self.lanes) - 1) / 2)


@dataclass(frozen=True, slots=True)
class Chart:
    """The round prices of `ticks` stand around `axis` in a gutter; `left_out` counts the labels that had no room."""

    top: float
    bottom: float
    scale: Scale
    sides: tuple[Side, ...]
    axis: float
    gutter: float
    ticks: tuple[tuple[str, float], ...]
    tick_style: Style
    left_out: int

    @property
    def left(self) -> float:
        return min(min(side.inner, side.outer) for side in self.sides)

    @property
    def right(self) -> float:
        return max(max(side.inner, side.outer) for side in self.sides)


def lay_out(ladder: Ladder, top: float, lettering: Lettering) -> Chart:
    """The chart of a ladder with at least one level, under `top`."""
    wanted = _labels(ladder, lettering)
    labels = {direction: fitting(each, _HIGHEST) for direction, each in wanted.items()}
    bottom = top + _height(labels)
    insets = [_insets(each) for each in labels.values()]
    scale = fit_scale(
        (Span(level.low, level.high) for level in ladder.levels),
        top + max(above for above, _ in insets),
        bottom - max(below for _, below in insets),
    )
    ticks = tuple((f"{price:,f}", y) for price, y in scale.ticks(_TICKS_APART))
    widest = max((text for text, _ in ticks), key=len, default="")
    tick_style = lettering.fitted(widest, _TICK, _WIDEST_TICK)
    gutter = lettering.width(widest, tick_style) + 36
    axis = _axis(tuple(labels), gutter)
    sides = tuple(
        _side(
            direction,
            lanes_of(ladder.towards(direction), scale),
            placed(each, scale, top, bottom),
            scale,
            inner=axis + _OUTWARDS[direction] * gutter / 2,
            label_width=width_of(each, lettering),
        )
        for direction, each in labels.items()
    )
    left_out = sum(map(len, wanted.values())) - sum(map(len, labels.values()))
    return Chart(top, bottom, scale, sides, axis, gutter, ticks, tick_style, left_out)


def _height(labels: dict[Direction, list[Label]]) -> float:
    needed = max(sum(label.height for label in each) for each in labels.values())
    pleasant = min(max(sum(map(len, labels.values())) * _HEIGHT_OF_LABEL, _LOWEST), _HIGH_ENOUGH)
    return min(max(needed * _AIR, pleasant), _HIGHEST)


def _insets(labels: Sequence[Label]) -> tuple[float, float]:
    """The room that the first and the last label need beyond their prices."""
    if not labels:
        return _INSET, _INSET
    return max(labels[0].anchor, _INSET), max(labels[-1].height - labels[-1].anchor, _INSET)


def _labels(ladder: Ladder, lettering: Lettering) -> dict[Direction, list[Label]]:
    """The labels of each direction that is in the ladder, those of bias levels among them."""
    directions = list(dict.fromkeys(setup.direction for setup in ladder.setups if setup.levels)) or ["long"]
    bias: dict[Direction, list[LadderLevel]] = {direction: [] for direction in directions}
    for level in ladder.bias_levels:
        wanted = _bias_direction(level, ladder.bias_direction)
        bias[wanted if wanted in bias else directions[0]].append(level)
    return {
        direction: labels_of(direction, ladder.towards(direction), bias[direction], lettering)
        for direction in directions
    }


def _bias_direction(level: LadderLevel, bias_direction: str | None) -> Direction:
    """On whose side a bias level is told: what holds above a price is for longs."""
    if level.relation in ("above", "below"):
        return "long" if level.relation == "above" else "short"
    return "short" if bias_direction == "bearish" else "long"


def _axis(directions: Sequence[Direction], gutter: float) -> float:
    if len(directions) == 2:
        return WIDTH / 2
    return MARGIN + gutter / 2 if directions[0] == "long" else WIDTH - MARGIN - gutter / 2


def _side(
    direction: Direction,
    lanes: Sequence[Lane],
    labels: Sequence[PlacedLabel],
    scale: Scale,
    *,
    inner: float,
    label_width: float,
) -> Side:
    outwards = _OUTWARDS[direction]
    text_x = (WIDTH - MARGIN if outwards > 0 else MARGIN) - outwards * label_width
    farthest = max((abs(placed.y - scale.y(placed.label.middle)) for placed in labels), default=0)
    spare = abs(text_x - inner) - _LEAST_LANE * len(lanes)
    channel = max(min(farthest * _SLOPE, spare), _CHANNEL)
    return Side(direction, outwards, tuple(labels), tuple(lanes), inner, text_x - outwards * channel, text_x)
