"""The price ladder as a picture."""

from io import BytesIO

from PIL import Image, ImageDraw

from worker.gateway.ladder.lettering import Lettering, Style, drawable
from worker.gateway.ladder.model import Ladder

_WIDTH = 800
_BACKGROUND = "#2b2d31"
_TITLE = Style("Bold", 64, "#ffffff")


def draw_ladder(ladder: Ladder) -> bytes:
    """A PNG for Discord's dark mode, 800 pixels wide, made for half that width on a phone.

    The same ladder gives the same bytes. It may be called in any thread, and takes tens of milliseconds.
    """
    image = Image.new("RGB", (_WIDTH, _WIDTH), _BACKGROUND)
    ImageDraw.Draw(image).text((24, 24), drawable(ladder.ticker), _TITLE.colour, Lettering().font(_TITLE))
    written = BytesIO()
    image.save(written, "PNG")
    return written.getvalue()
