"""What a picture is painted on: shapes with smooth edges, and letters over all of them."""

from collections.abc import Sequence
from io import BytesIO
from typing import Literal, NamedTuple

from PIL import Image, ImageDraw

from worker.gateway.ladder.lettering import CAPITAL_HEIGHT, Lettering, Style

_FINER = 2
"""Shapes are drawn this many times larger and then reduced, as Pillow draws them with jagged edges."""

_GAP = 6
"""Pixels between dashes."""

_COMPRESSION = 3
"""Of zlib's 9 levels: beyond it some bytes are saved in twice the time."""

Point = tuple[float, float]
Align = Literal["l", "m", "r"]


class _Text(NamedTuple):
    at: Point
    text: str
    style: Style
    align: Align


class Canvas:
    """Lengths are pixels of the finished picture, y downwards."""

    def __init__(self, width: int, height: int, background: str, lettering: Lettering) -> None:
        self._image = Image.new("RGB", (width * _FINER, height * _FINER), background)
        self._pen = ImageDraw.Draw(self._image)
        self._lettering = lettering
        self._texts: list[_Text] = []

    def line(self, start: Point, end: Point, colour: str, width: float) -> None:
        self._pen.line([_scaled(start), _scaled(end)], colour, round(width * _FINER))

    def path(self, points: Sequence[Point], colour: str, width: float) -> None:
        self._pen.line([_scaled(point) for point in points], colour, round(width * _FINER), joint="curve")

    def dashes(self, start: Point, end: Point, colour: str, width: float, *, dash: float) -> None:
        """A broken line, upright or level."""
        (x1, y1), (x2, y2) = start, end
        length = abs(x2 - x1) + abs(y2 - y1)
        if not length:
            return
        across, down = (x2 - x1) / length, (y2 - y1) / length
        at = 0.0
        while at < length:
            to = min(at + dash, length)
            self.line((x1 + across * at, y1 + down * at), (x1 + across * to, y1 + down * to), colour, width)
            at += dash + _GAP

    def polygon(self, points: Sequence[Point], colour: str) -> None:
        self._pen.polygon([_scaled(point) for point in points], colour)

    def circle(self, centre: Point, radius: float, colour: str, outline: str) -> None:
        x, y = _scaled(centre)
        reach = radius * _FINER
        self._pen.ellipse([x - reach, y - reach, x + reach, y + reach], colour, outline, round(2 * _FINER))

    def box(self, corner: Point, opposite: Point, colour: str, radius: float = 0) -> None:
        (x1, y1), (x2, y2) = _scaled(corner), _scaled(opposite)
        self._pen.rounded_rectangle([min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)], radius * _FINER, colour)

    def text(self, at: Point, text: str, style: Style, align: Align = "l") -> None:
        """`at` is where the text begins, has its middle or ends, half-way up its capitals and figures."""
        self._texts.append(_Text(at, text, style, align))

    def png(self) -> bytes:
        finished = self._image.reduce(_FINER)
        pen = ImageDraw.Draw(finished)
        for (x, y), text, style, align in self._texts:
            baseline = round(y + style.size * CAPITAL_HEIGHT / 2)
            pen.text((round(x), baseline), text, style.colour, self._lettering.font(style), anchor=f"{align}s")
        written = BytesIO()
        # Few colours are in it: a palette changes nothing one could see, in half the time and a third of the bytes.
        drawn = finished.quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        drawn.save(written, "PNG", compress_level=_COMPRESSION)
        return written.getvalue()


def _scaled(point: Point) -> Point:
    return point[0] * _FINER, point[1] * _FINER
