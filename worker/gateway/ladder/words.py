"""A price ladder in words: prices as one would write them, the text of an embed and the alt text of the picture."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from worker.gateway.ladder.model import Direction, Ladder, LadderLevel, LadderSetup
from worker.gateway.markdown import one_line, plain

EMBED_DESCRIPTION_LIMIT = 4096
"""Characters of an embed's description, https://docs.discord.com/developers/resources/message#embed-limits."""
ALT_TEXT_LIMIT = 1024
"""Characters of an attachment's description."""

_BIAS_TEXT_LIMIT = 300
_HEADS: dict[Direction, str] = {"long": "▲ Long", "short": "▼ Short"}


class _Piece(NamedTuple):
    """A part of a text that is taken whole or left out; `levels` is how many levels it tells of."""

    text: str
    levels: int = 0


def price_text(low: Decimal, high: Decimal) -> str:
    """With thousands separators and the decimals as posted: `1,245.50`; a zone is `594.00–594.80`."""
    return f"{low:,f}" if low == high else f"{low:,f}–{high:,f}"


def day_text(day: date) -> str:
    return f"{day:%a, %b} {day.day}, {day.year}"


def ladder_text(ladder: Ladder, limit: int = EMBED_DESCRIPTION_LIMIT) -> str:
    """Every level as Discord markdown, at most `limit` characters: the last line counts the levels without room."""
    return _fitted([*_bias(ladder, plain), *_setups(ladder, bold="**")], limit)


def describe_ladder(ladder: Ladder) -> str:
    """The same as plain text, within Discord's limit, for whoever cannot see the picture."""
    title = _Piece(f"Price ladder of {one_line(ladder.ticker, 40)} for {day_text(ladder.trading_day)}")
    return _fitted([title, *_bias(ladder, one_line), *_setups(ladder, bold="")], ALT_TEXT_LIMIT)


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


def _bias(ladder: Ladder, written: Callable[[str, int], str]) -> Iterator[_Piece]:
    if ladder.bias_text:
        yield _Piece(f"\n{written(ladder.bias_text, _BIAS_TEXT_LIMIT)}")
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
