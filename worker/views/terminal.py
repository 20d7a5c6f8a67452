"""How things are drawn on a terminal: one console, one way to show prices, directions and what strangers wrote."""

import sys
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


def terminal(*, stderr: bool = False) -> Console:
    """A console that takes nothing in a text for markup, emoji names or something to highlight."""
    return Console(file=sys.stderr if stderr else sys.stdout, markup=False, emoji=False, highlight=False)


def table(*columns: str) -> Table:
    """A table whose columns wrap between words; a column whose name begins with > is aligned to the right."""
    drawn = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in columns:
        drawn.add_column(name.removeprefix(">"), justify="right" if name.startswith(">") else "left", overflow="fold")
    return drawn


def styled(text: str | None, style: str = "") -> Text:
    """What a stranger may have written, on one line and without effect on the terminal."""
    return Text(visible(text or ""), style)


def price(low: Decimal, high: Decimal) -> str:
    """A price with the digits as posted, or a zone."""
    return f"{low:f}" if low == high else f"{low:f}–{high:f}"
