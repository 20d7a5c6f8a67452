"""The chart painted: bands, axis and bias lines lie under the leaders, these under the setups, letters on top."""

from worker.gateway.ladder import colours
from worker.gateway.ladder.canvas import Canvas
from worker.gateway.ladder.layout import WIDTH, Chart, Side
from worker.gateway.ladder.lettering import Style
from worker.gateway.ladder.model import LadderLevel, LadderSetup
from worker.gateway.ladder.scale import Break, Scale
from worker.gateway.ladder.words import price_text

_BREAK_NOTE = Style("Medium", 23, colours.AXIS_TEXT)
_TORN = 18
"""Pixels from the middle of a break to its edges."""
_TOOTH = 16
_LEAST_BAND = 8
"""Pixels: a zone of a few cents is still seen to be one."""


def paint_chart(canvas: Canvas, chart: Chart) -> None:
    for paint in (_paint_zones, _paint_leaders, _paint_bias_lines):
        for side in chart.sides:
            paint(canvas, chart, side)
    _paint_axis(canvas, chart)
    for paint in (_paint_setups, _paint_labels):
        for side in chart.sides:
            paint(canvas, chart, side)
    for gap in chart.scale.breaks:
        _paint_break(canvas, chart, gap)


def _band(scale: Scale, span: LadderLevel) -> tuple[float, float]:
    top, bottom = scale.y(span.high), scale.y(span.low)
    short = max(_LEAST_BAND - (bottom - top), 0) / 2
    return top - short, bottom + short


def _paint_zones(canvas: Canvas, chart: Chart, side: Side) -> None:
    tint = colours.mixed(colours.DIRECTION[side.direction], colours.TINT)
    for lane in side.lanes:
        for level in lane.levels:
            if level.is_zone:
                top, bottom = _band(chart.scale, level)
                canvas.box((side.inner, top), (side.outer, bottom), tint, 6)


def _paint_axis(canvas: Canvas, chart: Chart) -> None:
    """The round prices between two lines; a single price needs none."""
    for side in chart.sides if chart.ticks else ():
        canvas.line((side.inner, chart.top), (side.inner, chart.bottom), colours.RULE, 2)
    reach = chart.gutter / 2 - 14
    for text, y in chart.ticks:
        canvas.box((chart.axis - reach, y - 15), (chart.axis + reach, y + 15), colours.BACKGROUND)
        canvas.text((chart.axis, y), text, chart.tick_style, "m")
        for side in chart.sides:
            canvas.line((side.inner, y), (side.inner - side.outwards * 8, y), colours.AXIS_TEXT, 2)


def _paint_bias_lines(canvas: Canvas, chart: Chart, side: Side) -> None:
    for placed in side.labels:
        if placed.label.is_bias:
            y = chart.scale.y(placed.label.middle)
            canvas.dashes((chart.left, y), (chart.right, y), colours.BIAS, 3, dash=3)


def _paint_leaders(canvas: Canvas, chart: Chart, side: Side) -> None:
    """From beside the label to the height of its price, and on to the farthest lane that has this price."""
    for placed in side.labels:
        label, y = placed.label, chart.scale.y(placed.label.middle)
        colour = colours.mixed(label.prices[0].style.colour, 0.55)
        lanes = [
            side.lane_x(number)
            for number, lane in enumerate(side.lanes)
            if any((level.low, level.high) == label.span for level in lane.levels)
        ]
        end = min(lanes, key=lambda x: x * side.outwards, default=side.outer)
        canvas.path([(side.text_x - side.outwards * 8, placed.y), (side.outer, y), (end, y)], colour, 2)


def _paint_setups(canvas: Canvas, chart: Chart, side: Side) -> None:
    for number, lane in enumerate(side.lanes):
        painter = _SetupPainter(canvas, chart.scale, side, side.lane_x(number))
        for setup in lane.setups:
            painter.paint(setup)


def _paint_labels(canvas: Canvas, chart: Chart, side: Side) -> None:
    for placed in side.labels:
        top = placed.top
        for line in placed.label.lines:
            middle = top + line.style.line_height / 2
            canvas.text((side.text_x, middle), line.text, line.style, "l" if side.outwards > 0 else "r")
            top += line.style.line_height


def _paint_break(canvas: Canvas, chart: Chart, gap: Break) -> None:
    """The torn edges of a stretch that is left out, and how much that is."""
    middle = (gap.top + gap.bottom) / 2
    canvas.box((chart.left, middle - _TORN), (chart.right, middle + _TORN), colours.BACKGROUND)
    teeth = int((chart.right - chart.left) // _TOOTH)
    left = (chart.left + chart.right - teeth * _TOOTH) / 2
    for edge in (middle - _TORN, middle + _TORN):
        points = [(left + _TOOTH * tooth, edge + (4 if tooth % 2 else -4)) for tooth in range(teeth + 1)]
        canvas.path(points, colours.LEADER, 2)
    canvas.text((WIDTH / 2, middle), f"{price_text(gap.left_out, gap.left_out)} left out", _BREAK_NOTE, "m")


class _SetupPainter:
    """One setup in its lane, its sizes after the room it has."""

    def __init__(self, canvas: Canvas, scale: Scale, side: Side, x: float) -> None:
        self._canvas = canvas
        self._scale = scale
        self._x = x
        self._colour = colours.DIRECTION[side.direction]
        self._up = -1 if side.direction == "long" else 1
        self._reach = min(max(side.pitch * 0.3, 4), 15)

    def paint(self, setup: LadderSetup) -> None:
        triggers = [self._scale.y(level.middle) for level in setup.triggers]
        targets = [self._scale.y(level.middle) for level in setup.targets]
        if setup.stop:
            self._stop(self._scale.y(setup.stop.middle), triggers)
        if len(triggers + targets) > 1:
            ends = (self._x, min(triggers + targets)), (self._x, max(triggers + targets))
            self._canvas.line(*ends, self._colour, min(4, self._reach))
        for level in setup.triggers:
            self._trigger(level)
        last = max(targets, key=lambda y: y * self._up, default=None)
        for y in targets:
            self._head(y) if y == last else self._target(y)

    def _trigger(self, level: LadderLevel) -> None:
        """A triangle that stands on the price, or on the zone's edge, and points where the trade goes."""
        reach = self._reach
        if level.is_zone:
            top, bottom = _band(self._scale, level)
            self._canvas.box((self._x - reach * 0.7, top), (self._x + reach * 0.7, bottom), self._colour, 5)
        foot = self._scale.y(level.high if self._up < 0 else level.low)
        tip = foot + self._up * reach * 1.7
        self._canvas.polygon([(self._x - reach, foot), (self._x + reach, foot), (self._x, tip)], self._colour)

    def _target(self, y: float) -> None:
        self._canvas.circle((self._x, y), self._reach * 0.55, self._colour, colours.BACKGROUND)

    def _head(self, y: float) -> None:
        """The last target: an open arrowhead whose tip is at the price."""
        reach = self._reach * 0.8
        back = y - self._up * reach
        self._canvas.path([(self._x - reach, back), (self._x, y), (self._x + reach, back)], self._colour, 4)

    def _stop(self, y: float, triggers: list[float]) -> None:
        for trigger in triggers[:1]:
            self._canvas.dashes((self._x, trigger), (self._x, y), colours.STOP, 3, dash=7)
        reach = self._reach
        self._canvas.line((self._x - reach, y), (self._x + reach, y), colours.STOP, 4)
