"""What a reparse would change, as a diff. Pure but for printing."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.text import Text

from worker.ingest.plan_changes import PlanChange, SetupChange, changed_fields
from worker.ingest.plans import PlanValue, SetupValue
from worker.ingest.reparse import Difference
from worker.views.terminal import FAINT, price, styled

_GAINED, _LOST, _CHANGED = "green", "red", "yellow"


def show_difference(console: Console, difference: Difference) -> None:
    """A message's heading, then a line for each plan and setup that was gained (+), lost (-) or changed (~)."""
    stored, reading = difference.stored, difference.reading
    heading = f"message {stored.message_id}, posted {stored.posted_at:%Y-%m-%d %H:%M} UTC"
    was, now = _read_as(stored.parse_state, stored.parser), _read_as(reading.state, reading.format)
    console.print(styled(heading if was == now else f"{heading}: {was} → {now}", "bold"))
    for change in difference.changes:
        for line in _plan_lines(change):
            console.print(line)


def _read_as(state: str, parser: str | None) -> str:
    return f"{state} ({parser})" if parser else state


def _plan_lines(change: PlanChange) -> Iterator[Text]:
    plan = change.after or change.before
    if plan is None:
        return
    yield styled(f"  {plan.ticker or '(no ticker)'}, {plan.trading_day}", FAINT)
    if change.before and change.after and change.before.bias_text != change.after.bias_text:
        yield styled(f"  ~ bias: {change.before.bias_text} → {change.after.bias_text}", _CHANGED)
    for pair in change.setups:
        line = _setup_line(change, pair)
        if line is not None:
            yield line


def _setup_line(change: PlanChange, pair: SetupChange) -> Text | None:
    if pair.before is None and pair.after is not None:
        return styled(f"  + {_setup(pair.after)}", _GAINED)
    if pair.before is not None and pair.after is None:
        return styled(f"  - {_setup(pair.before)}", _LOST)
    if not (change.before and change.after and pair.before and pair.after):
        return None
    before, after = (change.before, pair.before), (change.after, pair.after)
    fields = [f"{name} {_value(before, name)} → {_value(after, name)}" for name in changed_fields(before, after)]
    return styled(f"  ~ {_setup(pair.before)}: {', '.join(fields)}", _CHANGED) if fields else None


def _setup(setup: SetupValue) -> str:
    names = " ".join(name for name in (setup.strategy, setup.kind) if name)
    return f"{names} {_shown(setup.triggers)} → {_shown(setup.targets)}"


def _value(pair: tuple[PlanValue, SetupValue], name: str) -> str:
    plan, setup = pair
    return _shown(getattr(setup, name) if hasattr(setup, name) else getattr(plan, name))


def _shown(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        # A tuple within is a trigger with its two bounds.
        return ", ".join(price(*item) if isinstance(item, tuple) else _shown(item) for item in value) or "none"
    return "none" if value is None else str(value)
