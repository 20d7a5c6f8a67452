"""What an old row says about a message. Pure."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from parsers.reading import Reading
from worker.ingest.cleaning import storable
from worker.ingest.observation import DISCORD_EPOCH, snowflake_time
from worker.ingest.projection import text_of
from worker.legacy.cells import Moments, day_of, json_of, message_snowflake, whole_number
from worker.legacy.old_rows import OldRow
from worker.legacy.plan import TablePlan
from worker.legacy.target import Refusal

SAMPLE = "sample"  # the `source` of posts that the former application invented
_BELOW_ZERO = 1 << 63
_HASH_BITS = 22  # the lower bits of an id, which count within a millisecond


@dataclass(frozen=True, slots=True)
class Post:
    """A message as an old row has it. `message_id` is None where the row does not know it.

    `day` and `digest` recognise the same text on the same day. `stored_at` is when the former application kept it.
    `reading` is what today's parser says of the text, once it was studied."""

    message_id: int | None
    channel_id: int
    guild_id: int | None
    day: date
    posted_at: datetime
    edited_at: datetime | None
    stored_at: datetime | None
    payload: dict[str, Any]
    text: str
    digest: UUID
    reading: Reading | None = None

    def edited(self, moment: datetime | None) -> "Post":
        """The same as a state that an edit at this moment made."""
        payload = self.payload | {"edited_timestamp": moment.isoformat() if moment else None}
        return replace(self, edited_at=moment, payload=payload)


def surrogate_id(post: Post) -> int:
    """An id below zero for a message whose own is not known: the same on every run, and in the order of time.

    It is what Discord would have made, moved down by 2**63, with a hash of the text for the counter."""
    milliseconds = max((post.posted_at - DISCORD_EPOCH) // timedelta(milliseconds=1), 0)
    return (milliseconds << _HASH_BITS | post.digest.int >> (128 - _HASH_BITS)) - _BELOW_ZERO


def digest_of(text: str) -> UUID:
    """Equal for texts that differ only in line ends, in blanks around them, and in what has to be cleaned."""
    return UUID(bytes=hashlib.md5(plain(text).encode(), usedforsecurity=False).digest())


def plain(text: str) -> str:
    return storable(text.replace("\r\n", "\n").strip(" \t\n"))


class PostReader:
    """Reads the rows of one table of messages."""

    def __init__(self, plan: TablePlan, plan_timezone: str) -> None:
        cell = plan.cell
        self._plan = plan
        self._zone = ZoneInfo(plan_timezone)
        self._message_id, self._channel_id, self._guild_id = cell("message_id"), cell("channel_id"), cell("guild_id")
        self._author_id, self._author_name = cell("author_id"), cell("author_name")
        self._content, self._raw, self._source = cell("content"), cell("raw"), cell("source")
        self._embeds, self._attachments, self._day = cell("embeds"), cell("attachments"), cell("day")
        self._times = {field: cell(field) for field in ("posted_at", "edited_at", "stored_at")}
        self._moments = {field: Moments(plan.zone(field), plan.candidates) for field in self._times}

    def read(self, row: OldRow) -> Post | Refusal:
        cells = row.cells
        if (self._source(cells) or "").strip().lower() == SAMPLE:
            return Refusal("sample", "the former application made it up")
        raw = _object(self._raw(cells))
        message_id = message_snowflake(self._message_id(cells)) or message_snowflake(_text(raw.get("id")))
        payload = self._payload(row, raw, message_id)
        text = text_of(payload)
        if message_id is None and not text.strip():
            return Refusal("no_text", "there is no text in it and no Discord id")
        stored_at = self._time("stored_at", row, message_id)
        posted_at = self._posted_at(row, message_id, stored_at)
        if posted_at is None:
            return Refusal("bad_time", "nothing in it tells when it was posted")
        return Post(
            message_id,
            self._channel(row, raw),
            whole_number(self._guild_id(cells)) or whole_number(_text(raw.get("guild_id"))),
            day_of(self._day(cells)) or posted_at.astimezone(self._zone).date(),
            posted_at,
            Moments().read(_text(payload.get("edited_timestamp"))),
            stored_at,
            payload,
            text,
            digest_of(text),
        )

    def _channel(self, row: OldRow, raw: dict[str, Any]) -> int:
        return (
            whole_number(self._channel_id(row.cells))
            or whole_number(_text(raw.get("channel_id")))
            or self._plan.channel_id
        )

    def _time(self, field: str, row: OldRow, message_id: int | None) -> datetime | None:
        return self._moments[field].read(self._times[field](row.cells), message_id)

    def _posted_at(self, row: OldRow, message_id: int | None, stored_at: datetime | None) -> datetime | None:
        """An id tells it exactly. A day alone is taken at noon UTC, which is that day in America and in Europe."""
        if message_id is not None:
            return snowflake_time(message_id)
        if (posted_at := self._time("posted_at", row, None) or stored_at) is not None:
            return posted_at
        day = day_of(self._day(row.cells))
        return datetime.combine(day, time(12), UTC) if day else None

    def _payload(self, row: OldRow, raw: dict[str, Any], message_id: int | None) -> dict[str, Any]:
        """Discord's message object as far as the row has it; its columns fill in what the object lacks.

        A row that was edited after the object was kept has the newer text."""
        cells = row.cells
        payload, content = dict(raw), self._content(cells) or ""
        author = {"id": (self._author_id(cells) or "").strip(), "username": self._author_name(cells)}
        for name, value in (
            ("embeds", _objects(self._embeds(cells))),
            ("attachments", _objects(self._attachments(cells))),
            ("author", author if any(author.values()) else None),
        ):
            if value and not payload.get(name):
                payload[name] = value
        edited_at = self._time("edited_at", row, message_id)
        if edited_at and edited_at > (Moments().read(_text(raw.get("edited_timestamp"))) or DISCORD_EPOCH):
            payload["edited_timestamp"] = edited_at.isoformat()
            payload["content"] = (content if raw.get("content") else None) or raw.get("content", "")
        if not text_of(payload).strip():
            payload["content"] = content
        payload["legacy"] = {"table": self._plan.table.label, "key": row.key}
        return payload


def _object(text: str | None) -> dict[str, Any]:
    """A JSON object; an object inside a JSON string, as some drivers store it, counts too."""
    found = json_of(text) if text else None
    if found is not None and isinstance(found.value, str):
        found = json_of(found.value)
    return found.value if found is not None and isinstance(found.value, dict) else {}


def _objects(text: str | None) -> list[dict[str, Any]]:
    found = json_of(text) if text else None
    value = found.value if found is not None else None
    values: Sequence[Any] = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, dict)]


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else json.dumps(value) if isinstance(value, int) else None
