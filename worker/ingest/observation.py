"""What Discord told us at a moment. Live, history, replay and legacy all become observations and take the same way."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from worker.words import Origin

DISCORD_EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
GREATEST_ID = (1 << 63) - 1  # that the database holds; Discord comes to it in 2084


@dataclass(frozen=True, slots=True)
class Observation:
    """One message as it was seen, or the news that it is gone.

    `payload` is Discord's message object as it came, with a channel_id; None for a deletion.
    `received_at` is when we learnt of it, which for a deletion is the only time there is.
    `is_own` is a message of the worker's own bot: stored as any other, but never read, or what it announces of a plan
    would supersede the plan."""

    kind: Literal["posted", "deleted"]
    origin: Origin
    message_id: int
    channel_id: int
    guild_id: int | None
    received_at: datetime
    payload: dict[str, Any] | None = None
    deletion_inferred: bool = False
    is_own: bool = False


@dataclass(frozen=True, slots=True)
class Covered:
    """That we have everything of a channel in `after < id <= up_to`."""

    channel_id: int
    after: int
    up_to: int


def identity(seen: Any) -> dict[str, Any]:
    """What every event about a message says of it: `seen` is an observation, or has its fields."""
    return {
        "origin": seen.origin,
        "message_id": str(seen.message_id),
        "channel_id": str(seen.channel_id),
        "guild_id": str(seen.guild_id) if seen.guild_id is not None else None,
    }


def snowflake_time(snowflake: int) -> datetime:
    """When an id was made: its upper bits count milliseconds since 2015. Surrogate ids below zero have no time."""
    return DISCORD_EPOCH + (max(snowflake, 0) >> 22) * _MILLISECOND


def snowflake_at(moment: datetime) -> int:
    """The least id that can be made at a moment; 0 before Discord was there, and at most GREATEST_ID."""
    return min(max(int((moment - DISCORD_EPOCH) / _MILLISECOND), 0) << 22, GREATEST_ID)
