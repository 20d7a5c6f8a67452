"""Pictures of price ladders beside their golden ones, and what holds for a picture of any ladder."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from PIL import Image, ImageChops

from tests.support.any_ladder import ladders
from tests.support.ladders import FULL_PLAN, GOLDEN, LADDERS, ONE_SETUP
from tests.support.properties import unhurried
from worker.gateway.ladder import Ladder, colours, draw_ladder
from worker.gateway.ladder.colours import mixed
from worker.gateway.ladder.lettering import Lettering, Style, drawable

TOLERANCE = 10
"""Of 255, by which the mean colour of 8 by 8 pixels may differ: another FreeType may smooth edges otherwise."""


def picture(png: bytes) -> Image.Image:
    return Image.open(BytesIO(png), formats=["PNG"]).convert("RGB")


def difference(one: Image.Image, other: Image.Image) -> int:
    """The largest between the mean colours of 8 by 8 pixels; pictures of unlike size have nothing in common."""
    if one.size != other.size:
        return 255
    extrema = ImageChops.difference(one.reduce(8), other.reduce(8)).getextrema()
    return max(int(highest) for _, highest in extrema)  # type: ignore[misc]  # of an RGB picture they are pairs


@pytest.mark.parametrize("name", LADDERS)
def test_picture_is_like_its_golden_one(name: str, tmp_path: Path) -> None:
    drawn = draw_ladder(LADDERS[name])
    (tmp_path / f"{name}.png").write_bytes(drawn)
    golden = picture((GOLDEN / f"{name}.png").read_bytes())
    assert difference(picture(drawn), golden) <= TOLERANCE, (
        f"{tmp_path / name}.png is unlike the golden picture; if that is wanted: python -m tests.support.ladders {name}"
    )


def test_golden_pictures_are_those_of_the_ladders() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(LADDERS)


def test_tolerance_does_not_let_another_price_pass() -> None:
    """One figure of one small label changed, the price moved by nearly nothing."""
    setup = ONE_SETUP.setups[0]
    target = replace(setup.targets[0], low=Decimal("185.76"), high=Decimal("185.76"))
    changed = replace(ONE_SETUP, setups=(replace(setup, targets=(target, *setup.targets[1:])),))
    assert difference(picture(draw_ladder(changed)), picture(draw_ladder(ONE_SETUP))) > TOLERANCE


def test_same_ladder_gives_the_same_bytes_in_threads_at_once() -> None:
    alone = {name: draw_ladder(ladder) for name, ladder in LADDERS.items()}
    names = list(LADDERS) * 3
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda name: draw_ladder(LADDERS[name]), names))
    assert together == [alone[name] for name in names]


@settings(unhurried, max_examples=40)
@given(ladders())
def test_any_ladder_is_drawn_800_wide_and_no_higher_than_discord_shows_well(ladder: Ladder) -> None:
    width, height = picture(draw_ladder(ladder)).size
    assert width == 800
    assert 100 < height <= 2200


def luminance(colour: str) -> float:
    """Relative luminance, https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    parts = [part / 255 for part in bytes.fromhex(colour[1:])]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, brighter = sorted((luminance(one), luminance(other)))
    return (brighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("colour", ["TITLE", "TEXT", "SECONDARY", "AXIS_TEXT", "BIAS", "STOP", "LONG", "SHORT"])
def test_letters_stand_out_from_the_ground(colour: str) -> None:
    assert contrast(getattr(colours, colour), colours.BACKGROUND) >= 4.5


@pytest.mark.parametrize("direction", ["bullish", "bearish"])
def test_letters_stand_out_from_the_bias_chip(direction: str) -> None:
    colour = colours.DIRECTION[direction]
    assert contrast(colour, mixed(colour, colours.TINT)) >= 4.5


def test_typeface_has_every_character_that_is_drawn() -> None:
    font = Lettering().font(Style("Medium", 20, colours.TEXT))
    missing = bytes(font.getmask("\uffff"))
    kept = [chr(code) for code in range(0x20, 0x3000) if drawable(chr(code)) == chr(code)]
    assert len(kept) > 400
    assert [character for character in kept if bytes(font.getmask(character)) == missing] == []


def test_what_the_typeface_lacks_parts_words_and_never_joins_numbers() -> None:
    assert drawable("600\U0001f53c605 \u200bok 漢字\n") == "600 605 ok"


def test_strangers_words_do_not_widen_the_picture() -> None:
    long = replace(FULL_PLAN, ticker="W" * 200, source="W" * 200, bias_text="W" * 2000, bias_direction="bullish")
    image = picture(draw_ladder(long))
    margin = image.crop((image.width - 20, 0, image.width, image.height))
    assert margin.getcolors() == [(margin.width * margin.height, (43, 45, 49))]


@pytest.mark.parametrize("room", range(60, 180, 7))
def test_a_text_without_room_is_not_cut_within_a_number(room: int) -> None:
    lettering, style = Lettering(), Style("Medium", 20, colours.TEXT)
    (line,) = lettering.wrapped("598.90/596.40/594.10/591.20/589.00", style, room, most=1)
    assert lettering.width(line, style) <= room
    assert re.fullmatch(r"(\d{3}\.\d\d/)*…", line)
