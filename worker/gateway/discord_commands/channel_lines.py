"""Listened channels in one line each, as `/status` and `/channels list` show them. Pure."""

from datetime import UTC, datetime, timedelta

import discord

from worker.gateway.discord_commands.replies import relative
from worker.ingest.observation import snowflake_time
from worker.views.stored_guild_status import ListenedChannel


def state_line(channel: ListenedChannel, newest: int | None) -> str:
    """State, last stored message, how far behind Discord, and gaps; `newest` is Discord's newest message there."""
    return f"<#{channel.channel_id}> " + " · ".join(
        part for part in (_state(channel), _last_stored(channel), _lag(channel, newest), _gaps(channel)) if part
    )


def _state(channel: ListenedChannel) -> str:
    if channel.unreachable_since is not None:
        return f"⚠️ gone since {relative(channel.unreachable_since)}"
    if not channel.is_active:
        return "⏸️ paused"
    if channel.permission_state == "missing":
        return "⚠️ may not be read: give the bot View Channel and Read Message History"
    return "✅ listening"


def _last_stored(channel: ListenedChannel) -> str:
    if channel.last_message_id is None:
        return "nothing stored yet"
    return f"last stored {relative(snowflake_time(channel.last_message_id))}"


def _lag(channel: ListenedChannel, newest: int | None) -> str:
    """Empty where nothing is missing at the newer end, or nothing is known of it."""
    if not channel.is_active or not newest or newest <= (channel.covered_up_to or 0):
        return ""
    since = snowflake_time(max(channel.covered_up_to or 0, newest - 1))
    behind = max(datetime.now(UTC) - since, timedelta())
    return f"⚠️ {round(behind.total_seconds())} s behind"


def _gaps(channel: ListenedChannel) -> str:
    if channel.gap_since is None:
        return "no gaps"
    return f"⚠️ {channel.gaps} gap{'s' if channel.gaps > 1 else ''} open since {relative(channel.gap_since)}"


def option_line(channel: ListenedChannel) -> str:
    """What was chosen for it."""
    parts = [f"parser {channel.parser}" if channel.parser else "parser detected"]
    if channel.history_from is not None:
        parts.append(f"history since {discord.utils.format_dt(channel.history_from, 'd')}")
    if not channel.includes_threads:
        parts.append("without threads")
    if channel.announce_to is not None:
        parts.append(f"announced in <#{channel.announce_to}>")
    return " · ".join(parts)
