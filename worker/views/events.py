"""Events as lines, for people and for programs. Pure but for printing."""

import json
from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.text import Text

from worker.events.stored import StoredEvent
from worker.views.terminal import DIRECTION_STYLES, FAINT, FLAG_STYLE, styled

_FAMILY_STYLES = {
    "discord": "blue",
    "parsing": "cyan",
    "setup": "bold green",
    "ingestion": "magenta",
    "bot": "magenta",
    "channel": "magenta",
    "schema": "magenta",
}
_ALARMS = ("parsing.message.empty", "parsing.message.failed")
# What of an event's data says in a few words what happened, by the first word of its type.
_TOLD = {
    "discord": ("message_id", "revision", "origin"),
    "parsing": ("trading_day", "tickers", "setups", "unread", "flags", "reason"),
    "setup": ("trading_day", "ticker", "kind", "strategy", "direction", "triggers", "targets", "stop", "changed"),
    "ingestion": ("channel_id", "first_id", "last_id", "reason", "outcome", "gaps", "messages"),
    "bot": ("resumed", "guilds"),
    "channel": ("channel_id", "changed_by", "changed"),
    "schema": ("revision", "direction", "duration_milliseconds"),
}
# Values that need no name before them, or another one.
_LABELS = {"targets": "→ "} | dict.fromkeys(
    ("trading_day", "ticker", "tickers", "kind", "strategy", "direction", "triggers", "origin"), ""
)
_INDENT = 7


def event_json(event: StoredEvent) -> str:
    """One line, in ASCII, with the columns' names; a replay is marked."""
    line = {
        "id": event.id,
        "channel": event.channel,
        "event_type": event.event_type,
        "source": event.source,
        "correlation_id": str(event.correlation_id),
        "data": event.data,
        "created_at": event.created_at.isoformat(),
    }
    return json.dumps(line | {"is_replay": True} if event.is_replay else line, separators=(",", ":"))


def show_events(console: Console, events: Iterable[StoredEvent]) -> None:
    """For each a line with id, time in UTC, type and correlation id, and under it what happened."""
    for event in events:
        console.print(_head(event), no_wrap=True, overflow="ignore", crop=False)
        if told := what_happened(event):
            for line in Text("  ").join(told).wrap(console, console.width - _INDENT):
                line.rstrip()
                console.print(Text(" " * _INDENT) + line)


def _head(event: StoredEvent) -> Text:
    style = FLAG_STYLE if event.event_type in _ALARMS else _FAMILY_STYLES.get(_family(event), "")
    return Text.assemble(
        f"{event.id:>6} ",
        styled(f"{event.created_at:%H:%M:%S} ", FAINT),
        styled(f"{event.event_type:<23} ", style),
        styled(str(event.correlation_id), FAINT),
    )


def _family(event: StoredEvent) -> str:
    return event.event_type.partition(".")[0]


def what_happened(event: StoredEvent) -> list[Text]:
    """What of the event's data a person wants to know, in a few words each."""
    parts = []
    for name in _TOLD.get(_family(event), ()):
        value = event.data.get(name)
        if value is None or value in ([], {}):
            continue
        shown = _shown(value)
        label = _LABELS.get(name, f"{name} ")
        parts.append(Text.assemble(styled(label, FAINT), styled(shown, DIRECTION_STYLES.get(shown, ""))))
    return parts


def _shown(value: Any) -> str:
    """A zone as low–high, a list with commas."""
    if isinstance(value, list):
        return ", ".join(_zone(item) if isinstance(item, list) else _shown(item) for item in value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)


def _zone(prices: list[Any]) -> str:
    return "–".join(dict.fromkeys(map(str, prices)))
