"""Consumers of events, their dead letters, and what a replay selects, for people and for programs. Pure but for
printing."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.text import Text

from worker.events.consumers import ConsumerStatus, DeadLetter
from worker.events.replay import Selected
from worker.views.terminal import FAINT, FLAG_STYLE, styled, table
from worker.views.trace import duration


def consumers_json(consumers: Sequence[ConsumerStatus]) -> str:
    return json.dumps([asdict(consumer) for consumer in consumers], indent=2)


def show_consumers(console: Console, consumers: Sequence[ConsumerStatus]) -> None:
    """A line for each, and under the table what is wrong with some."""
    if not consumers:
        console.print(styled("No program has read events by a name yet.", FAINT))
        return
    drawn = table(["Name", "Channels", "Up to", "Lag", "Cause", "Dead"])
    for consumer in consumers:
        behind = f"{consumer.lag_events}, {duration(consumer.lag_seconds).lstrip('+')}" if consumer.lag_events else "0"
        drawn.add_row(
            styled(consumer.name),
            styled(", ".join(consumer.channels) or "all", FAINT),
            styled(str(consumer.position)),
            styled(behind, FLAG_STYLE if consumer.lag_events else ""),
            styled(consumer.cause, FAINT if consumer.cause == "none" else FLAG_STYLE),
            styled(str(consumer.dead_letters), FLAG_STYLE if consumer.dead_letters else FAINT),
        )
    console.print(drawn)
    for consumer in consumers:
        if consumer.reason:
            console.print(Text.assemble(f"{consumer.name}: ", styled(consumer.reason, FLAG_STYLE)))


def letters_json(letters: Sequence[DeadLetter]) -> str:
    return json.dumps([asdict(letter) | {"changed_at": letter.changed_at.isoformat()} for letter in letters], indent=2)


def show_letters(console: Console, letters: Sequence[DeadLetter]) -> None:
    if not letters:
        console.print(styled("No dead letters.", FAINT))
    for letter in letters:
        head = f"{letter.event_id:>6} {letter.event_type}  {letter.correlation_id}"
        console.print(styled(head), no_wrap=True, overflow="ignore", crop=False)
        console.print(styled(f"       {letter.changed_at:%Y-%m-%d %H:%M:%S} tries: {letter.tries}"))
        console.print(Text.assemble("       ", styled(letter.reason, FLAG_STYLE)))


def show_selected(console: Console, selected: Sequence[Selected]) -> None:
    """How many events of which type, and between which ids."""
    total = sum(part.events for part in selected)
    for part in selected:
        console.print(styled(f"{part.events:>8} {part.event_type:<28} {part.first_id} to {part.last_id}"))
    console.print(styled(f"{total:>8} events in all", "bold"))
