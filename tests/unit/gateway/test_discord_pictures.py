"""The pictures that the docs show are what members see."""

from tests.support.discord_pictures import PICTURES, levels_picture
from tests.unit.gateway.test_ladder_pictures import TOLERANCE, difference, picture


def test_the_ladder_in_the_docs_is_what_levels_draws() -> None:
    shown = picture((PICTURES / "levels.png").read_bytes())
    assert difference(picture(levels_picture()), shown) <= TOLERANCE, "python -m tests.support.discord_pictures"
