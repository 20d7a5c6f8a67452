"""Observations as the gateway, history and exports make them, each set in a channel of its own."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from worker.ingest.observation import Observation, snowflake_time
from worker.words import Origin

MORNING = datetime(2025, 5, 15, 12, 0, tzinfo=UTC)
GUILD_ID = 900_000_000_000_000_001
SECONDS_BETWEEN = 60  # from one message to the next


def snowflake(moment: datetime, counter: int = 0) -> int:
    """The id that Discord would give at that moment."""
    return (int((moment - snowflake_time(0)).total_seconds() * 1000) << 22) + counter


def preview(url: str) -> dict[str, Any]:
    """What Discord adds for a link, seconds after the message."""
    return {"type": "article", "url": url, "title": "A page", "description": "What the page says of itself"}


@dataclass(frozen=True, slots=True)
class Room:
    """A channel and the messages in it, counted from 1. Rooms of different numbers share nothing."""

    number: int = 0

    @property
    def channel_id(self) -> int:
        return 1_300_000_000_000_000_000 + self.number

    def message_id(self, place: int) -> int:
        return snowflake(MORNING + timedelta(seconds=place * SECONDS_BETWEEN), self.number)

    def posted(
        self,
        place: int,
        content: str,
        *,
        edited: int | None = None,
        origin: Origin = "live",
        **more: Any,
    ) -> Observation:
        """A message as it was seen `edited` minutes after it was posted; `more` goes into the payload."""
        message_id = self.message_id(place)
        posted_at = snowflake_time(message_id)
        edited_at = posted_at + timedelta(minutes=edited) if edited is not None else None
        payload = {
            "id": str(message_id),
            "channel_id": str(self.channel_id),
            "type": 0,
            "author": {"id": "700000000000000001", "username": "analyst", "global_name": "The Analyst"},
            "content": content,
            "timestamp": posted_at.isoformat(),
            "edited_timestamp": edited_at.isoformat() if edited_at else None,
            "embeds": [],
            "attachments": [],
            **more,
        }
        received_at = (edited_at or posted_at) + timedelta(milliseconds=80)
        return Observation("posted", origin, message_id, self.channel_id, GUILD_ID, received_at, payload)

    def deleted(self, place: int, *, origin: Origin = "live", inferred: bool = False) -> Observation:
        return Observation(
            "deleted",
            origin,
            self.message_id(place),
            self.channel_id,
            GUILD_ID,
            MORNING + timedelta(days=1),
            deletion_inferred=inferred,
        )
