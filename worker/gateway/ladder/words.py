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
    """What a stranger wrote, on one line, nothing hidden, cut between words to at most `limit` characters."""
    words = visible(" ".join(text.split()))
    if len(words) <= limit:
        return words
    return f"{words[:limit].rpartition(' ')[0] or words[: limit - 2]} …"


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
    text = fitting = ""
    for piece in pieces:
        text += piece.text
        left -= piece.levels
        rest = f"\n… and {left} more" if left else ""
        if len(text) > limit:
            break
        if len(text) + len(rest) <= limit:
            fitting = text + rest
    return fitting.strip("\n")


def _bias(ladder: Ladder, written: Callable[[str], str]) -> Iterator[_Piece]:
    if ladder.bias_text:
        yield _Piece(f"\n{written(one_line(ladder.bias_text, _BIAS_TEXT_LIMIT))}")
    if ladder.bias_direction or ladder.bias_levels:
        yield _Piece(f"\n{' '.join(filter(None, (ladder.bias_direction, 'bias'))).capitalize()}")
    for number, level in enumerate(ladder.bias_levels):
        name = "flips" if level.role == "flip" else ""
        yield _Piece(f"{', ' if number else ': '}{_joined(name, level.relation, _price(level))}", 1)


def _setups(ladder: Ladder, bold: str) -> Iterator[_Piece]:
    for direction, head in _HEADS.items():
        if setups := ladder.towards(direction):
            yield _Piece(f"\n\n{bold}{head}{bold}")
        for setup in setups:
            yield from _setup(setup, bold)


def _setup(setup: LadderSetup, bold: str) -> Iterator[_Piece]:
    """A line such as `Aggressive breakout above 601.30 → 603.80, 606.20, stop 599`."""
    yield _Piece(f"\n{setup.name}")
    for number, level in enumerate(setup.triggers):
        yield _Piece(f"{',' if number else ''} {_joined(level.relation, f'{bold}{_price(level)}{bold}')}", 1)
    for number, level in enumerate(setup.targets):
        yield _Piece(f"{', ' if number else ' → '}{_price(level)}", 1)
    if setup.stop:
        yield _Piece(f", stop {_price(setup.stop)}", 1)


def _price(level: LadderLevel) -> str:
    return price_text(level.low, level.high)


def _joined(*words: str | None) -> str:
    return " ".join(filter(None, words))


def _escaped(text: str) -> str:
    return _MARKDOWN.sub(r"\\\g<0>", text)
