"""What of a channel we know to have everything of, and what is missing. Coverage is stored as ranges of message ids."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from asyncpg import Connection

from worker.ingest.channels import ASKED_SINCE, LISTENS
from worker.ingest.observation import Covered

# What is asked for of a channel that is listened to, and not covered, up to its newest message. The 22 lower bits of an
# id are a counter. No message of a thread is older than it; it can have the id of the message that it hangs on.
_GAPS = f"""
SELECT c.channel_id, lower(gap) AS first_id, upper(gap) - 1 AS last_id
  FROM unnest($1::bigint[], $2::bigint[]) AS newest (channel_id, message_id)
  JOIN discord_channels c USING (channel_id)
  LEFT JOIN discord_channels parent ON parent.channel_id = c.parent_id
 CROSS JOIN LATERAL (
       SELECT greatest(CASE c.kind WHEN 'thread' THEN c.channel_id END, (
              floor(extract(epoch FROM {ASKED_SINCE}) * 1000)
              - 1420070400000)::bigint << 22) AS first_id) AS asked
 CROSS JOIN LATERAL unnest(
       int8multirange(int8range(asked.first_id, greatest(newest.message_id + 1, asked.first_id))) - c.covered) AS gap
 WHERE {LISTENS}
 ORDER BY last_id DESC
"""  # noqa: S608  constants of ours


class Gap(NamedTuple):
    """Message ids of a channel that are not covered, both ends included."""

    channel_id: int
    first_id: int
    last_id: int


async def find_gaps(connection: Connection, newest: Mapping[int, int]) -> list[Gap]:
    """The gaps of channels, given the id of the newest message of each; the newest gap first. Where nothing is listened
    to, nothing is missing."""
    rows = await connection.fetch(_GAPS, list(newest), list(newest.values()))
    return [Gap(*row) for row in rows]


@dataclass(slots=True)
class LiveSpans:
    """How far back from a live message the unbroken connection reaches, by channel; a new session needs new spans.

    A live message covers what lies between it and the one before it, which is nothing; never a gap that was there when
    the connection began."""

    _newest: dict[int, int] = field(default_factory=dict)

    def begin(self, channel_id: int, newest: int) -> None:
        """Discord tells a channel's newest message, and from it on everything arrives."""
        self._newest[channel_id] = newest

    def channels(self) -> list[int]:
        """Those whose next message covers what lies before it."""
        return list(self._newest)

    def forget(self, channel_id: int) -> None:
        """Messages may have come that were not told: the next one covers nothing but itself."""
        self._newest.pop(channel_id, None)

    def knows(self, channel_id: int) -> bool:
        """Whether the next message of a channel covers what lies before it."""
        return channel_id in self._newest

    def arrived(self, channel_id: int, message_id: int) -> Covered:
        """What a live message covers once it is stored. Discord can tell two messages in the wrong order."""
        newest = self._newest.get(channel_id)
        if newest is None or newest >= message_id:
            self._newest.setdefault(channel_id, message_id)
            return Covered(channel_id, message_id - 1, message_id)
        self._newest[channel_id] = message_id
        return Covered(channel_id, newest, message_id)

    def missed(self, channel_id: int, message_id: int) -> None:
        """A live message was not kept; what comes after it is covered from there on."""
        self._newest[channel_id] = max(self._newest.get(channel_id, 0), message_id)
