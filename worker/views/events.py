"""Events as lines, for people and for programs. Pure but for printing."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from rich.console import Console
from rich.text import Text

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
# What of an event's data says in a few words what happened, in this order.
_TOLD = (
    *("ticker", "kind", "strategy", "direction", "triggers", "targets", "trading_day", "tickers", "setups", "unread"),
    *("changed", "reason", "revision", "origin", "channel_id", "message_id"),
)


@dataclass(frozen=True, slots=True)
class ToldEvent:
    """A row of `events`."""

    id: int
    channel: str
    event_type: str
    source: str
    correlation_id: UUID
    data: dict[str, Any]
    created_at: datetime


def event_json(event: ToldEvent) -> str:
    """One line, in ASCII, with the columns' names."""
    return json.dumps(
        {
            "id": event.id,
            "channel": event.channel,
            "event_type": event.event_type,
            "source": event.source,
            "correlation_id": str(event.correlation_id),
            "data": event.data,
            "created_at": event.created_at.isoformat(),
        },
        separators=(",", ":"),
    )


def show_events(console: Console, events: Iterable[ToldEvent]) -> None:
    for event in events:
        console.print(event_lines(event))


def event_lines(event: ToldEvent) -> Text:
    """A line with id, time in UTC, type and correlation id, and one with what happened."""
    style = FLAG_STYLE if event.event_type in _ALARMS else _FAMILY_STYLES.get(event.event_type.partition(".")[0], "")
    head = Text.assemble(
        f"{event.id:>6} ",
        styled(f"{event.created_at:%H:%M:%S} ", FAINT),
        styled(f"{event.event_type:<27} ", style),
        styled(str(event.correlation_id), FAINT),
    )
    told = Text("  ").join(_told(event.data))
    return head + Text("\n       ") + told if told else head


def _told(data: Mapping[str, Any]) -> list[Text]:
    """Of a setup the words as a trader would say them; of everything else names and values."""
    parts = []
    for name in _TOLD:
        value = data.get(name)
        if value in (None, [], {}):
            continue
        shown = _shown(value)
        is_plain = name in ("ticker", "kind", "strategy", "direction")
        style = DIRECTION_STYLES.get(shown, "") if is_plain else FAINT
        parts.append(styled(shown if is_plain else f"{name} {shown}", style))
    return parts


def _shown(value: Any) -> str:
    """A zone as low–high, a list with commas."""
    if isinstance(value, list):
        return ", ".join(_zone(item) if isinstance(item, list) else _shown(item) for item in value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)


def _zone(prices: list[Any]) -> str:
    return "–".join(dict.fromkeys(map(str, prices)))
