"""The status for people and for programs. Pure but for printing."""

import json
from datetime import UTC, datetime, timedelta, tzinfo

from rich.console import Console
from rich.text import Text

from worker.ingest.coverage import Gap
from worker.ingest.gaps import OpenGap
from worker.ingest.observation import snowflake_time
from worker.views.stored_status import ChannelStatus, Status
from worker.views.terminal import FAINT, FLAG_STYLE, styled, table

GAPS_SHOWN = 3  # of a channel, the newest

_ALARMING = ("pending", "empty", "failed")


def status_json(status: Status) -> str:
    """Ids are strings, because JSON's numbers lose digits; times are in UTC."""
    return json.dumps(
        {
            "server_version": status.server_version,
            "schema": {"revisions": status.revisions, "head": status.head},
            "worker": status.worker,
            "channels": [_channel_json(channel) for channel in status.channels],
            "messages": status.parse_states,
            "events": {
                "last_id": status.last_event_id,
                "kept": status.events_kept,
                "retention_days": status.event_retention_days,
            },
        },
        indent=2,
    )


def _channel_json(channel: ChannelStatus) -> dict[str, object]:
    last = channel.last_message_id
    return {
        "channel_id": str(channel.channel_id),
        "name": channel.name,
        "listens": channel.listens,
        "parser": channel.parser,
        "messages": channel.messages,
        "last_message_id": None if last is None else str(last),
        "last_posted_at": None if last is None else snowflake_time(last).isoformat(),
        "unreachable_since": channel.unreachable_since.isoformat() if channel.unreachable_since else None,
        "gaps": [_gap_json(gap) for gap in channel.gaps] + [_span_json(gap) for gap in channel.unnoticed],
    }


def _span_json(gap: OpenGap | Gap) -> dict[str, object]:
    return {
        "first_id": str(gap.first_id),
        "last_id": str(gap.last_id),
        "from": snowflake_time(gap.first_id).isoformat(),
        "to": snowflake_time(gap.last_id).isoformat(),
    }


def _gap_json(gap: OpenGap) -> dict[str, object]:
    """`percent` and `seconds_left` go by time in the channel, not by messages."""
    left = gap.seconds_left(datetime.now(UTC))
    return {
        **_span_json(gap),
        "open_since": gap.opened_at.isoformat(),
        "reason": gap.reason,
        "is_forbidden": gap.is_forbidden,
        "percent": round(gap.fetched * 100, 1),
        "seconds_left": None if left is None else round(left),
    }


def show_status(console: Console, status: Status, zone: tzinfo) -> None:
    """`zone` is the one whose clock the times are told by."""
    schema = ", ".join(status.revisions) or "none"
    console.print(Text.assemble(styled("Database  ", "bold"), f"PostgreSQL {status.server_version}, schema {schema}"))
    if status.revisions != (status.head,):
        console.print(styled(f"          this code's newest revision is {status.head}", FLAG_STYLE))
    worker = f"{status.worker} ingests" if status.worker else styled("none ingests: start one with `run`", FLAG_STYLE)
    console.print(Text.assemble(styled("Worker    ", "bold"), worker))
    console.print(Text.assemble(styled("Messages  ", "bold"), _parse_states(status.parse_states)))
    last = "none yet" if status.last_event_id is None else f"last id {status.last_event_id}"
    kept = f"{last}, {status.events_kept} kept for {status.event_retention_days} days"
    console.print(Text.assemble(styled("Events    ", "bold"), kept))
    if status.channels:
        _show_channels(console, status.channels, zone)
    else:
        console.print(styled("No channels yet: add one with `channels add ID`.", FAINT))


def _parse_states(states: dict[str, int]) -> Text:
    if not states:
        return styled("none yet", FAINT)
    counts = [
        styled(f"{count} {state.replace('_', ' ')}", FLAG_STYLE if state in _ALARMING else "")
        for state, count in states.items()
    ]
    return Text(", ").join(counts)


def _show_channels(console: Console, channels: tuple[ChannelStatus, ...], zone: tzinfo) -> None:
    drawn = table(["Channel", "Listens", "Messages", "Last message", "Gaps"])
    for channel in channels:
        drawn.add_row(
            _channel_name(channel),
            styled("yes" if channel.listens else "no", "green" if channel.listens else FAINT),
            styled(str(channel.messages)),
            styled("none" if channel.last_message_id is None else _clock(channel.last_message_id, zone)),
            _gaps(channel, zone),
        )
    console.print(drawn)
    for channel in channels:
        _show_gaps(console, channel, zone)


def _channel_name(channel: ChannelStatus) -> Text:
    name = [styled(f"#{channel.name}")] if channel.name else []
    return Text("\n").join([*name, styled(str(channel.channel_id), FAINT)])


def _gaps(channel: ChannelStatus, zone: tzinfo) -> Text:
    if channel.unreachable_since:
        return styled(f"gone since {channel.unreachable_since.astimezone(zone):%m-%d %H:%M}", FLAG_STYLE)
    if not channel.gaps and not channel.unnoticed:
        return styled("none" if channel.listens and channel.messages else "", FAINT)
    return styled(f"{len(channel.gaps) + len(channel.unnoticed)} open", FLAG_STYLE)


def _show_gaps(console: Console, channel: ChannelStatus, zone: tzinfo) -> None:
    """Under the table: why and since when does not fit into a column."""
    gaps: tuple[OpenGap | Gap, ...] = (*channel.gaps, *channel.unnoticed)
    for gap in gaps[:GAPS_SHOWN]:
        span = f"{_clock(gap.first_id, zone)} to {_clock(gap.last_id, zone)}"
        console.print(styled(f"Gap in {channel.name or channel.channel_id}: {span}", FLAG_STYLE))
        console.print(styled(f"  {_why(gap, zone)}", FAINT))
    if (more := len(gaps) - GAPS_SHOWN) > 0:
        console.print(styled(f"  and {more} more", FAINT))


def _why(gap: OpenGap | Gap, zone: tzinfo) -> str:
    if isinstance(gap, Gap):
        return "no worker has looked yet"
    since = f"{gap.opened_at.astimezone(zone):%m-%d %H:%M}"
    return f"open since {since} ({gap.reason.replace('_', ' ')}), {_progress(gap)}"


def _progress(gap: OpenGap) -> str:
    if gap.is_forbidden:
        return "needs View Channel and Read Message History"
    left = gap.seconds_left(datetime.now(UTC))
    done = f"{gap.fetched:.0%} fetched"
    return done if left is None else f"{done}, {timedelta(seconds=round(left))} left"


def _clock(message_id: int, zone: tzinfo) -> str:
    moment: datetime = snowflake_time(message_id).astimezone(zone)
    return f"{moment:%Y-%m-%d %H:%M}"
