"""What is known to be complete of a channel, a day at a time, read from the database alone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from asyncpg import Connection

from worker.exits import NotFoundError
from worker.ingest.observation import snowflake_at

# Days are those of UTC. A message that only its deletion is known of counts as deleted.
_DAYS = """
SELECT (posted_at AT TIME ZONE 'UTC')::date AS day, min(message_id) AS first_id, max(message_id) AS last_id,
       count(*) AS messages, count(*) FILTER (WHERE edited_at IS NOT NULL) AS edited,
       count(*) FILTER (WHERE deleted_at IS NOT NULL) AS deleted
  FROM discord_messages
 WHERE channel_id = $1 AND ($2::date IS NULL OR (posted_at AT TIME ZONE 'UTC')::date = $2)
 GROUP BY day
 ORDER BY day
"""

# What of a day is not covered, up to what is covered last; and since when its messages are compared with Discord, if
# all are: the oldest comparison that counts.
_STRETCH = """
SELECT (SELECT coalesce(sum(upper(part) - lower(part)), 0)::bigint
          FROM unnest(int8multirange(int8range($2, least($3, greatest(upper(c.covered), $2)))) - c.covered) AS part)
       = 0 AND upper(c.covered) > $2 AS is_complete,
       (SELECT CASE WHEN int8range($4, $5, '[]') <@ range_agg(int8range(v.first_id, v.last_id, '[]'))
                    THEN min(v.verified_at) END
          FROM channel_verifications v
         WHERE v.channel_id = c.channel_id AND int8range(v.first_id, v.last_id, '[]') && int8range($4, $5, '[]'))
       AS verified_at
  FROM discord_channels c WHERE c.channel_id = $1
"""

_KNOWN = "SELECT EXISTS (SELECT FROM discord_channels WHERE channel_id = $1)"


@dataclass(frozen=True, slots=True)
class CertifiedDay:
    """A day of UTC. `is_complete`: nothing of it is missing, as far as the day has come.

    `verified_at` is when its messages were last compared with Discord, the oldest time where they were compared in
    parts; None: not all were."""

    day: date
    first_id: int
    last_id: int
    messages: int
    edited: int
    deleted: int
    is_complete: bool
    verified_at: datetime | None


async def read_certificate(connection: Connection, channel_id: int, day: date | None) -> list[CertifiedDay]:
    """The days that have a stored message, or that one. Raises NotFoundError for a channel that is not known."""
    if not await connection.fetchval(_KNOWN, channel_id):
        raise NotFoundError(f"Nothing is known of a channel {channel_id}; `channels list` shows those that are.")
    days = []
    for row in await connection.fetch(_DAYS, channel_id, day):
        begin = datetime(row["day"].year, row["day"].month, row["day"].day, tzinfo=UTC)
        bounds = snowflake_at(begin), snowflake_at(begin + timedelta(days=1))
        stretch = await connection.fetchrow(_STRETCH, channel_id, *bounds, row["first_id"], row["last_id"])
        days.append(CertifiedDay(**dict(row), **dict(stretch or {})))
    return days
