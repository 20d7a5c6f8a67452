"""Letters of the picture: the typeface it carries, the sizes used, and text made to fit.

Roboto is under the SIL Open Font License (`fonts/OFL.txt`); its figures are all equally wide, so prices align.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from PIL import ImageFont

from worker.gateway.markdown import without_part_of_number

Weight = Literal["Medium", "Bold"]

CAPITAL_HEIGHT = 0.711
"""Of capitals and figures, for each pixel of a font's size."""

_FONTS = Path(__file__).parent / "fonts"
# Latin, Greek, Cyrillic, punctuation and the currencies: what the typeface has. Emoji and the like would be boxes.
_UNDRAWABLE = re.compile(
    "[^\u0020-\u007e\u00a1-\u00ac\u00ae-\u017f\u0386\u0388-\u038a\u038c\u038e-\u03a1\u03a3-\u03ce\u0400-\u045f"
    "\u2013-\u2015\u2018-\u201e\u2020-\u2022\u2026\u20ac\u2212]+"
)


@dataclass(frozen=True, slots=True)
class Style:
    """Size in pixels of the picture, which phones show at half its size."""

    weight: Weight
    size: int
    colour: str

    @property
    def line_height(self) -> int:
        return round(self.size * 1.2)


class Lettering:
    """Fonts for one drawing. A FreeType face must not be used by two threads at once, so drawings share none."""

    def __init__(self) -> None:
        self._fonts: dict[tuple[Weight, int], ImageFont.FreeTypeFont] = {}

    def font(self, style: Style) -> ImageFont.FreeTypeFont:
        key = (style.weight, style.size)
        if key not in self._fonts:
            # The basic layout is in every build of Pillow, so a picture looks the same everywhere.
            self._fonts[key] = ImageFont.truetype(
                _FONTS / f"Roboto-{style.weight}.ttf", style.size, layout_engine=ImageFont.Layout.BASIC
            )
        return self._fonts[key]

    def width(self, text: str, style: Style) -> float:
        return self.font(style).getlength(text)

    def fitted(self, text: str, style: Style, room: float) -> Style:
        """The style, smaller where the text needs it: a price is never cut."""
        width = self.width(text, style)
        return style if width <= room else replace(style, size=max(int(style.size * room / width), 1))

    def wrapped(self, text: str, style: Style, room: float, most: int) -> list[str]:
        """The text in lines of at most `room` pixels; what `most` lines do not hold is cut between words."""
        lines: list[str] = []
        words = text.split()
        while words and len(lines) < most:
            is_last = len(lines) == most - 1
            count = self._words_in(words, style, room)
            if is_last and count < len(words):
                count = self._words_in(words, style, room - self.width(" …", style))
                words[count:] = ["…"]
                count += 1
            lines.append(self.cut(" ".join(words[:count]), style, room))
            del words[:count]
        return lines

    def cut(self, text: str, style: Style, room: float) -> str:
        """The text, or as much of its beginning as fits before an ellipsis, not cut within a number."""
        if self.width(text, style) <= room:
            return text
        count = bisect_left(range(len(text)), True, key=lambda count: self.width(f"{text[:count]}…", style) > room)
        return f"{without_part_of_number(text[: max(count - 1, 0)])}…"

    def _words_in(self, words: Sequence[str], style: Style, room: float) -> int:
        """How many words a line holds, at least one."""
        count = 1
        while count < len(words) and self.width(" ".join(words[: count + 1]), style) <= room:
            count += 1
        return count


def drawable(text: str) -> str:
    """The text on one line, without what the typeface has no glyphs for."""
    return " ".join(_UNDRAWABLE.sub(" ", unicodedata.normalize("NFC", text)).split())
