"""How things are drawn on a terminal: one console, one way to show prices, directions and what strangers wrote."""

import sys
from collections.abc import Sequence
from decimal import Decimal

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from worker.views.visible import visible

ROLE_STYLES = {
    "trigger": "bold cyan",
    "target": "green",
    "stop": "red",
    "bias": "yellow",
    "flip": "magenta",
}
DIRECTION_STYLES = {"long": "green", "short": "red", "bullish": "green", "bearish": "red"}
FLAG_STYLE = "bold yellow"
FAINT = "dim"

_RIGHT = ("Price", "Trigger", "Stop", "Messages", "After", "Up to", "Dead")
_WRAPPED = ("Contract", "Targets", "Channel", "Channels", "Name", "Gaps", "What")


def terminal(*, stderr: bool = False) -> Console:
    """A console that takes nothing in a text for markup, emoji names or something to highlight."""
    return Console(file=sys.stderr if stderr else sys.stdout, markup=False, emoji=False, highlight=False)


def table(names: Sequence[str]) -> Table:
    """A table in which prices and counts stand to the right and only what can be long is wrapped."""
    drawn = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for name in names:
        drawn.add_column(
            name,
            justify="right" if name in _RIGHT else "left",
            no_wrap=name not in _WRAPPED,
            overflow="fold",
        )
    return drawn


def styled(text: str | None, style: str = "") -> Text:
    """What a stranger may have written, on one line and without effect on the terminal."""
    return Text(visible(text or ""), style)


def price(low: Decimal, high: Decimal) -> str:
    """A price with the digits as posted, or a zone."""
    return f"{low:f}" if low == high else f"{low:f}–{high:f}"
