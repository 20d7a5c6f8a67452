"""The price ladder as a picture: a header, the chart and a legend of the marks that are in it."""

from collections.abc import Callable
from dataclasses import replace

from worker.gateway.ladder import colours
from worker.gateway.ladder.canvas import Canvas
from worker.gateway.ladder.chart import paint_chart
from worker.gateway.ladder.layout import MARGIN, WIDTH, Chart, lay_out
from worker.gateway.ladder.lettering import Lettering, Style, drawable
from worker.gateway.ladder.model import Ladder
from worker.gateway.ladder.words import day_text

_TICKER = Style("Bold", 62, colours.TITLE)
_DAY = Style("Medium", 29, colours.TEXT)
_SOURCE = Style("Medium", 24, colours.SECONDARY)
_BIAS_TEXT = Style("Medium", 26, colours.TEXT)
_CHIP = Style("Bold", 26, colours.TITLE)
_HEAD = Style("Bold", 25, colours.TITLE)
_NOTE = Style("Medium", 23, colours.SECONDARY)

_WIDEST_TICKER = 290
_WIDEST_CHIP = 130
_BIAS_LINES = 3
_BIAS_LINE_HEIGHT = 35
_TITLE_HEIGHT = 106
_HEADS_HEIGHT = 62
_LEGEND_HEIGHT = 66
_PADDING = 26
_NOTE_HEIGHT = 44


def draw_ladder(ladder: Ladder) -> bytes:
    """A PNG for Discord's dark mode, 800 pixels wide, made for half that width on a phone.

    The same ladder gives the same bytes. It may be called in any thread and takes tens of milliseconds.
    """
    lettering = Lettering()
    bias = lettering.wrapped(drawable(ladder.bias_text or ""), _BIAS_TEXT, WIDTH - 2 * MARGIN, _BIAS_LINES)
    header = _TITLE_HEIGHT + (len(bias) * _BIAS_LINE_HEIGHT + 14 if bias else 0)
    # Without setups there is nothing to head or to explain: the labels of bias levels say what they are.
    heads, legend = (_HEADS_HEIGHT, _LEGEND_HEIGHT) if ladder.setups else (_PADDING, _PADDING)
    chart = lay_out(ladder, header + heads, lettering) if ladder.levels else None
    end = round(chart.bottom) if chart else header + _LEGEND_HEIGHT + _PADDING
    legend += _NOTE_HEIGHT if chart and chart.left_out else 0
    canvas = Canvas(WIDTH, end + (legend if chart else 0), colours.BACKGROUND, lettering)
    _paint_title(canvas, ladder, lettering)
    for number, line in enumerate(bias):
        canvas.text((MARGIN, _TITLE_HEIGHT + (number + 0.5) * _BIAS_LINE_HEIGHT), line, _BIAS_TEXT)
    canvas.line((MARGIN, header), (WIDTH - MARGIN, header), colours.RULE, 2)
    if not chart:
        canvas.text((WIDTH / 2, (header + end) / 2), "No price levels", _NOTE, "m")
        return canvas.png()
    paint_chart(canvas, chart)
    if ladder.setups:
        _paint_heads(canvas, chart, header + heads / 2)
        _paint_legend(canvas, ladder, end + _LEGEND_HEIGHT / 2, lettering)
    if chart.left_out:
        note = f"{chart.left_out} more prices are in the text"
        canvas.text((WIDTH / 2, end + legend - _NOTE_HEIGHT / 2), note, _NOTE, "m")
    return canvas.png()


def _paint_title(canvas: Canvas, ladder: Ladder, lettering: Lettering) -> None:
    middle = _TITLE_HEIGHT / 2 + 2
    ticker = drawable(ladder.ticker)
    style = lettering.fitted(ticker, _TICKER, _WIDEST_TICKER)
    canvas.text((MARGIN, middle), ticker, style)
    left = MARGIN + lettering.width(ticker, style) + 22
    if ladder.bias_direction:
        left = _paint_chip(canvas, drawable(ladder.bias_direction), left, middle, lettering) + 22
    source = lettering.cut(drawable(ladder.source or ""), _SOURCE, WIDTH - MARGIN - left)
    canvas.text((WIDTH - MARGIN, middle - 18 if source else middle), day_text(ladder.trading_day), _DAY, "r")
    canvas.text((WIDTH - MARGIN, middle + 19), source, _SOURCE, "r")


def _paint_chip(canvas: Canvas, bias: str, left: float, middle: float, lettering: Lettering) -> float:
    """The bias as a word with an arrow in a box; gives where the box ends."""
    colour = colours.DIRECTION.get(bias, colours.BIAS)
    word = lettering.cut(bias.capitalize(), _CHIP, _WIDEST_CHIP)
    right = left + 54 + lettering.width(word, _CHIP) + 18
    canvas.box((left, middle - 25), (right, middle + 25), colours.mixed(colour, colours.TINT), 14)
    _paint_arrow(canvas, left + 30, middle, 11, colour, up=bias != "bearish")
    canvas.text((left + 54, middle), word, replace(_CHIP, colour=colour))
    return right


def _paint_arrow(canvas: Canvas, x: float, y: float, reach: float, colour: str, *, up: bool) -> None:
    tip, foot = (y - reach * 0.85, y + reach * 0.85)[:: 1 if up else -1]
    canvas.polygon([(x - reach, foot), (x + reach, foot), (x, tip)], colour)


def _paint_heads(canvas: Canvas, chart: Chart, y: float) -> None:
    """LONG and SHORT over their sides."""
    for side in chart.sides:
        style = replace(_HEAD, colour=colours.DIRECTION[side.direction])
        edge = WIDTH - MARGIN if side.outwards > 0 else MARGIN
        if side.lanes:
            canvas.text(
                (edge - side.outwards * 32, y), side.direction.upper(), style, "r" if side.outwards > 0 else "l"
            )
            _paint_arrow(canvas, edge - side.outwards * 11, y, 11, style.colour, up=side.direction == "long")


def _paint_legend(canvas: Canvas, ladder: Ladder, y: float, lettering: Lettering) -> None:
    """The marks that are in this picture, in the middle of a row."""
    there = {"bias" if level.role == "flip" else level.role for level in ladder.levels}
    there |= {"zone" for level in ladder.levels if level.is_zone}
    marks = [(name, paint) for name, paint in _MARKS.items() if name in there]
    widths = [_MARK_WIDTH + lettering.width(name.capitalize(), _NOTE) for name, _ in marks]
    x = (WIDTH - sum(widths) - _MARK_GAP * (len(marks) - 1)) / 2
    for (name, paint), width in zip(marks, widths, strict=True):
        paint(canvas, x + _MARK_WIDTH / 2 - 6, y)
        canvas.text((x + _MARK_WIDTH, y), name.capitalize(), _NOTE)
        x += width + _MARK_GAP


def _paint_stop(canvas: Canvas, x: float, y: float) -> None:
    canvas.dashes((x - 14, y), (x + 9, y), colours.STOP, 3, dash=6)
    canvas.line((x + 11, y - 10), (x + 11, y + 10), colours.STOP, 4)


_MARK_WIDTH = 40
_MARK_GAP = 34
_MARKS: dict[str, Callable[[Canvas, float, float], None]] = {
    "trigger": lambda canvas, x, y: _paint_arrow(canvas, x, y, 11, colours.SECONDARY, up=True),
    "zone": lambda canvas, x, y: canvas.box((x - 12, y - 10), (x + 12, y + 10), colours.RULE, 5),
    "target": lambda canvas, x, y: canvas.circle((x, y), 8, colours.SECONDARY, colours.BACKGROUND),
    "stop": _paint_stop,
    "bias": lambda canvas, x, y: canvas.dashes((x - 13, y), (x + 13, y), colours.BIAS, 3, dash=3),
}
