"""A ticker's current setups as tables, one for each message. Pure but for printing."""

from collections.abc import Sequence
from datetime import tzinfo

from rich.console import Console
from rich.table import Table
from rich.text import Text

from worker.views.shown import ShownLevel, ShownPlan, ShownSetup
from worker.views.terminal import DIRECTION_STYLES, FAINT, FLAG_STYLE, ROLE_STYLES, price, styled, table

_COLUMNS = ("Contract", "Quantity", "Kind", "Strategy", "Direction", "Trigger", "Targets", "Stop")
_ALWAYS_SHOWN = ("Kind", "Direction", "Trigger", "Targets")


def show_setups(console: Console, plans: Sequence[ShownPlan], zone: tzinfo) -> None:
    """`zone` is the one whose clock tells when a message was posted."""
    for plan in plans:
        console.print(styled(f"{plan.ticker or 'No ticker'}  {plan.trading_day:%A %Y-%m-%d}", "bold"))
        show_plan(console, plan.setups, plan.bias_text, plan.bias_direction)
        show_flags(console, plan.flags)
        posted_at = plan.posted_at.astimezone(zone)
        console.print(styled(f"#{plan.channel_name}, {posted_at:%Y-%m-%d %H:%M %Z}", FAINT))
        # A link broken over two lines cannot be opened from the terminal.
        console.print(styled(plan.message_link, FAINT), soft_wrap=True)
        console.print()


def show_plan(
    console: Console, setups: Sequence[ShownSetup], bias_text: str | None, bias_direction: str | None
) -> None:
    """The setups, under them what is doubtful about any, and the bias."""
    console.print(_table(setups) if setups else styled("No setups.", FAINT))
    for setup in setups:
        triggers = ", ".join(price(level.low, level.high) for level in setup.of_role("trigger"))
        show_flags(console, setup.flags, about=f"{setup.kind} {triggers}: ")
    if bias_text:
        console.print(Text.assemble("⚠ ", styled(bias_text, DIRECTION_STYLES.get(bias_direction or "", ""))))


def show_flags(console: Console, flags: Sequence[str], about: str = "") -> None:
    if flags:
        console.print(styled(f"! {about}{', '.join(flags)}", FLAG_STYLE))


def _table(setups: Sequence[ShownSetup]) -> Table:
    """Columns that would be empty are left out, so that the others have room."""
    rows = [dict(zip(_COLUMNS, _row(setup), strict=True)) for setup in setups]
    shown = [name for name in _COLUMNS if name in _ALWAYS_SHOWN or any(row[name] for row in rows)]
    drawn = table(shown)
    for row in rows:
        drawn.add_row(*(row[name] for name in shown))
    return drawn


def _row(setup: ShownSetup) -> tuple[Text, ...]:
    return (
        styled(setup.contract),
        styled(setup.quantity),
        styled(setup.kind),
        styled(setup.strategy, FAINT),
        styled(setup.direction, DIRECTION_STYLES.get(setup.direction, "")),
        _prices(setup.of_role("trigger"), "\n"),
        _prices(setup.of_role("target"), ", "),
        _prices(setup.of_role("stop"), ", "),
    )


def _prices(levels: Sequence[ShownLevel], between: str) -> Text:
    return Text(between).join(styled(price(level.low, level.high), ROLE_STYLES[level.role]) for level in levels)
