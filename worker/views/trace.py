"""The way of a message as a timeline, for people and for programs. Pure but for printing."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, tzinfo
from typing import NamedTuple

from rich.console import Console
from rich.text import Text

from worker.events.stored import StoredEvent
from worker.views.events import event_json, what_happened
from worker.views.stored_trace import Taking, Trace, TracedEvent, TracedMessage
from worker.views.terminal import DIRECTION_STYLES, FAINT, FLAG_STYLE, styled, table


class Step(NamedTuple):
    """`seconds` is the time since the step before it, or, for a consumer, since its event."""

    at: datetime | None
    seconds: float | None
    what: Text


def trace_json(trace: Trace) -> str:
    """Ids are strings, because JSON's numbers lose digits; but for the ids of events, which are small."""
    message = trace.message
    return json.dumps(
        {
            "correlation_id": str(trace.correlation_id),
            "message": message and _plain(asdict(message)),
            "setups": [_plain(asdict(setup)) for setup in trace.setups],
            "events": [
                json.loads(event_json(traced.event))
                | {"consumers": [_plain(asdict(taking)) | _latency(traced, taking) for taking in traced.takings]}
                for traced in trace.events
            ],
        },
        indent=2,
    )


def _plain(row: dict[str, object]) -> dict[str, object]:
    return {name: _plain_value(name, value) for name, value in row.items()}


def _plain_value(name: str, value: object) -> object:
    if value is None or (isinstance(value, int) and not name.endswith("_id")):
        return value
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _latency(traced: TracedEvent, taking: Taking) -> dict[str, float | None]:
    return {"seconds": _seconds(traced.event.created_at, taking.at)}


def show_trace(console: Console, trace: Trace, zone: tzinfo) -> None:
    """`zone` is the one whose clock the times are told by."""
    console.print(styled(f"correlation id {trace.correlation_id}", "bold"))
    if trace.message:
        _show_message(console, trace.message)
    drawn = table(["Time", "After", "What"])
    for step in timeline(trace):
        at = "" if step.at is None else f"{step.at.astimezone(zone):%Y-%m-%d %H:%M:%S.%f}"[:-3]
        drawn.add_row(styled(at), styled(duration(step.seconds), FAINT), step.what)
    console.print(drawn)
    for setup in trace.setups:
        words = " ".join(filter(None, (setup.ticker, setup.kind, setup.strategy, setup.direction)))
        named = styled(words, DIRECTION_STYLES.get(setup.direction, ""))
        console.print(Text.assemble(f"setup {setup.setup_id}: ", named, f" for {setup.trading_day}, {setup.state}"))


def _show_message(console: Console, message: TracedMessage) -> None:
    place = f"#{message.channel_name}" if message.channel_name else f"channel {message.channel_id}"
    console.print(styled(f"message {message.message_id} in {place}, {message.origin}, revision {message.revision}"))
    parser = f" by {message.parser} {message.parser_version}" if message.parser else ""
    console.print(styled(f"{message.parse_state.replace('_', ' ')}{parser}"))
    if message.parse_reason:
        console.print(styled(message.parse_reason, FLAG_STYLE))
    link = f"https://discord.com/channels/{message.guild_id or '@me'}/{message.channel_id}/{message.message_id}"
    console.print(styled(link, FAINT), no_wrap=True, overflow="ignore", crop=False)


def timeline(trace: Trace) -> Iterator[Step]:
    """Posted, received, then each event in its order, and under each what its consumers made of it."""
    before: datetime | None = None
    if trace.message:
        posted_at, received_at = trace.message.posted_at, trace.message.received_at
        yield Step(posted_at, None, styled("posted"))
        yield Step(received_at, _seconds(posted_at, received_at), styled("received"))
        before = received_at
    for traced in trace.events:
        told_at = traced.event.created_at
        yield Step(told_at, _seconds(before, told_at), _event(traced.event))
        for taking in traced.takings:
            yield Step(taking.at, _seconds(told_at, taking.at), _taking(taking))
        before = told_at


def _event(event: StoredEvent) -> Text:
    head = Text.assemble(styled(event.event_type, "bold"), styled(f"  event {event.id}", FAINT))
    details = Text("  ").join(what_happened(event))
    return Text("\n").join([head, details]) if details else head


def _taking(taking: Taking) -> Text:
    style = FLAG_STYLE if taking.state == "dead letter" else FAINT
    return styled(f"  {taking.consumer}: {taking.state}{f', {taking.reason}' if taking.reason else ''}", style)


def _seconds(before: datetime | None, at: datetime | None) -> float | None:
    return None if before is None or at is None else (at - before).total_seconds()


def duration(seconds: float | None) -> str:
    """With a sign and one digit behind the point, in the unit that fits."""
    if seconds is None:
        return ""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        if abs(seconds) >= length:
            return f"{seconds / length:+.1f} {unit}"
    return f"{seconds * 1000:+.0f} ms"
