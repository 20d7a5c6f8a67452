"""Letters of the picture: the typeface it carries, the sizes used, and text made to fit.

Roboto is under the SIL Open Font License (`fonts/OFL.txt`); its figures are all equally wide, so prices align.
"""

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import ImageFont

Weight = Literal["Medium", "Bold"]

_FONTS = Path(__file__).parent / "fonts"
# Latin, Greek, Cyrillic, punctuation and the currencies: what the typeface has. Emoji and the like would be boxes.
_UNDRAWABLE = re.compile("[^\u0020-\u007e\u00a1-\u00ac\u00ae-\u017f\u0384-\u03ce\u0400-\u045f\u2013-\u2026\u20ac]+")


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


def drawable(text: str) -> str:
    """The text on one line, without what the typeface has no glyphs for."""
    return " ".join(_UNDRAWABLE.sub(" ", unicodedata.normalize("NFC", text)).split())
