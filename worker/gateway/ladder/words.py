"""A price ladder in words: prices as one would write them, the text of an embed and the alt text of the picture."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from worker.gateway.ladder.model import Direction, Ladder, LadderLevel, LadderSetup
from worker.views.visible import visible

EMBED_DESCRIPTION_LIMIT = 4096
"""Characters of an embed's description, https://docs.discord.com/developers/resources/message#embed-limits."""
ALT_TEXT_LIMIT = 1024
"""Characters of an attachment's description."""

_BIAS_TEXT_LIMIT = 300
_HEADS: dict[Direction, str] = {"long": "▲ Long", "short": "▼ Short"}
# Discord shows a mark that stands behind a backslash as it is. Prices need none: points and commas are left alone.
_MARKDOWN = re.compile(r"[\\*_~`|<>\[\]()#:@+-]")


class _Piece(NamedTuple):
    """A part of a text that is taken whole or left out; `levels` is how many levels it tells of."""

    text: str
    levels: int = 0


def price_text(low: Decimal, high: Decimal) -> str:
    """With thousands separators and the decimals as posted: `1,245.50`; a zone is `594.00–594.80`."""
    return f"{low:,f}" if low == high else f"{low:,f}–{high:,f}"


def day_text(day: date) -> str:
    return f"{day:%a, %b} {day.day}, {day.year}"


def one_line(text: str, limit: int) -> str:
    """What a stranger wrote, on one line, nothing hidden, cut to at most `limit` characters and not within a number."""
    words = visible(" ".join(text.split()))
    if len(words) <= limit:
        return words
    return f"{words[: limit - 1].rpartition(' ')[0] or without_part_of_number(words[: limit - 2])} …"


def without_part_of_number(text: str) -> str:
    """The beginning of a longer text, less the digits at its end: there may have been more of them."""
    return text.rstrip("0123456789.,")


def ladder_text(ladder: Ladder, limit: int = EMBED_DESCRIPTION_LIMIT) -> str:
    """Every level as Discord markdown, at most `limit` characters: the last line counts the levels without room."""
    return _fitted([*_bias(ladder, _escaped), *_setups(ladder, bold="**")], limit)


def describe_ladder(ladder: Ladder) -> str:
    """The same as plain text, within Discord's limit, for whoever cannot see the picture."""
    title = _Piece(f"Price ladder of {one_line(ladder.ticker, 40)} for {day_text(ladder.trading_day)}")
    return _fitted([title, *_bias(ladder, str), *_setups(ladder, bold="")], ALT_TEXT_LIMIT)


def _fitted(pieces: Sequence[_Piece], limit: int) -> str:
    """As many whole pieces as there is room for, and how many levels the others have."""
    left = sum(piece.levels for piece in pieces)
    text, fitting = "", _rest(left)
    for piece in pieces:
        text += piece.text
        left -= piece.levels
        if len(text) + len(_rest(left)) <= limit:
            fitting = text + _rest(left)
    return fitting.strip("\n")


def _rest(levels: int) -> str:
    return f"\n… and {levels} more" if levels else ""


def _bias(ladder: Ladder, written: Callable[[str], str]) -> Iterator[_Piece]:
    if ladder.bias_text:
        yield _Piece(f"\n{written(one_line(ladder.bias_text, _BIAS_TEXT_LIMIT))}")
    head = f"\n{_joined(ladder.bias_direction, 'bias').capitalize()}"
    if ladder.bias_direction and not ladder.bias_levels:
        yield _Piece(head)
    for number, level in enumerate(ladder.bias_levels):
        name = "flips" if level.role == "flip" else ""
        yield _Piece(f"{', ' if number else f'{head}: '}{_joined(name, level.relation, _price(level))}", 1)


def _setups(ladder: Ladder, bold: str) -> Iterator[_Piece]:
    """Lines such as `Aggressive breakout above 601.30 → 603.80, 606.20, stop 599` under their direction."""
    for direction, head in _HEADS.items():
        before = f"\n\n{bold}{head}{bold}"
        for setup in ladder.towards(direction):
            before += f"\n{setup.name}"
            for level in _levels(setup, bold):
                yield _Piece(f"{before}{level}", 1)
                before = ""


def _levels(setup: LadderSetup, bold: str) -> Iterator[str]:
    for number, level in enumerate(setup.triggers):
        yield f"{',' if number else ''} {_joined(level.relation, f'{bold}{_price(level)}{bold}')}"
    for number, level in enumerate(setup.targets):
        yield f"{', ' if number else ' → '}{_price(level)}"
    if setup.stop:
        yield f", stop {_price(setup.stop)}"


def _price(level: LadderLevel) -> str:
    return price_text(level.low, level.high)


def _joined(*words: str | None) -> str:
    return " ".join(filter(None, words))


def _escaped(text: str) -> str:
    return _MARKDOWN.sub(r"\\\g<0>", text)
