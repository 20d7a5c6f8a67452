"""What a reparse would change, as a diff. Pure but for printing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.text import Text

from worker.ingest.plan_changes import PlanChange, SetupChange, changed_fields, is_unchanged
from worker.ingest.plans import PlanValue, SetupValue
from worker.ingest.reparse import Difference, ReparseBatch
from worker.views.terminal import FAINT, price, styled


@dataclass(slots=True)
class ReparseCounts:
    """How many messages were read again, how many read otherwise, and what that comes to in setups."""

    messages: int = 0
    different: int = 0
    gained: int = 0
    lost: int = 0
    changed: int = 0

    def add(self, batch: ReparseBatch) -> None:
        self.messages += batch.messages
        self.different += len(batch.differences)
        for difference in batch.differences:
            for change in difference.changes:
                self.gained += sum(pair.before is None for pair in change.setups)
                self.lost += sum(pair.after is None for pair in change.setups)
                both = [pair for pair in change.setups if pair.before and pair.after]
                self.changed += sum(not is_unchanged(change, pair) for pair in both)


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


def show_reparsed(console: Console, counts: ReparseCounts, *, written: bool) -> None:
    told = (
        f"{counts.messages} messages read again, {counts.different} of them otherwise: "
        f"{counts.gained} setups gained, {counts.lost} lost, {counts.changed} changed."
    )
    console.print(styled(told, "bold"))
    if counts.different and not written:
        console.print(styled("Nothing was written; --execute writes it."))


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
