"""What is known to be complete of a channel, a day at a time, read from the database alone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from asyncpg import Connection, Record

from worker.exits import NotFoundError
from worker.ingest.coverage import Gap, find_gaps
from worker.ingest.observation import snowflake_at, snowflake_time

ONE_DAY = timedelta(days=1)
SETTLED_SECONDS = 2  # what was posted a moment ago is still being stored

# The newest id that is known of: stored, covered, or found missing; and the oldest that there can be. No message of a
# channel is older than it, but an export can be taken for that of a younger channel.
_KNOWN = """
SELECT kind = 'forum' AS is_forum,
       least(channel_id, (SELECT min(message_id) FROM discord_messages m WHERE m.channel_id = c.channel_id)) AS oldest,
       greatest(upper(covered) - 1,
                (SELECT max(message_id) FROM discord_messages m WHERE m.channel_id = c.channel_id),
                (SELECT max(last_id) FROM ingestion_gaps g
                  WHERE g.channel_id = c.channel_id AND outcome IS DISTINCT FROM 'cancelled'), 0) AS newest
  FROM discord_channels c WHERE channel_id = $1
"""

# Days are those of UTC. A message that only its deletion is known of counts as deleted.
_DAYS = """
SELECT (posted_at AT TIME ZONE 'UTC')::date AS day, min(message_id) AS first_id, max(message_id) AS last_id,
       count(*) AS messages, count(*) FILTER (WHERE edited_at IS NOT NULL) AS edited,
       count(*) FILTER (WHERE deleted_at IS NOT NULL) AS deleted
  FROM discord_messages
 WHERE channel_id = $1 AND ($2::date IS NULL OR (posted_at AT TIME ZONE 'UTC')::date = $2)
 GROUP BY day
"""

# The oldest id that is known of, likewise; what was never asked for is left out.
_OLDEST = """
SELECT least(CASE WHEN NOT isempty(covered) THEN greatest(lower(covered), channel_id) END,
             (SELECT min(message_id) FROM discord_messages m WHERE m.channel_id = c.channel_id))
  FROM discord_channels c WHERE channel_id = $1
"""

# What of a stretch is not covered; and since when a day's messages are compared with Discord, if all are: the oldest
# comparison that counts.
_STRETCH = """
SELECT int8multirange(int8range($2, $3)) - covered AS missing,
       (SELECT CASE WHEN int8range($4, $5, '[]') <@ range_agg(int8range(v.first_id, v.last_id, '[]'))
                    THEN min(v.verified_at) END
          FROM channel_verifications v
         WHERE v.channel_id = c.channel_id AND int8range(v.first_id, v.last_id, '[]') && int8range($4, $5, '[]'))
       AS verified_at
  FROM discord_channels c WHERE c.channel_id = $1
"""


@dataclass(frozen=True, slots=True)
class CertifiedDay:
    """A day of UTC. `first_id` and `last_id` are None where nothing of it is stored.

    `is_complete`: nothing of it is missing; up to `known_until`, where the day goes on behind what is known. `missing`
    are the stretches of which not everything is known, from and to, up to what is known; none where nothing is.
    `verified_at` is when its messages were last compared with Discord, the oldest time where they were compared in
    parts; None: not all were."""

    day: date
    first_id: int | None
    last_id: int | None
    messages: int
    edited: int
    deleted: int
    is_complete: bool
    known_until: datetime | None
    missing: tuple[tuple[datetime, datetime], ...]
    verified_at: datetime | None


async def read_certificate(connection: Connection, channel_id: int, day: date | None) -> list[CertifiedDay]:
    """That day, or all of which anything is stored or missing.

    Raises NotFoundError for a channel that is not known, and for a forum, which has messages in its threads alone."""
    known = await connection.fetchrow(_KNOWN, channel_id)
    if known is None:
        raise NotFoundError(f"Nothing is known of a channel {channel_id}; `channels list` shows those that are.")
    if known["is_forum"]:
        raise NotFoundError("A forum has no messages of its own: certify its posts; `channels list` has their ids.")
    stored = {row["day"]: row for row in await connection.fetch(_DAYS, channel_id, day)}
    days = {day} if day else stored.keys() | await _days_with_gaps(connection, channel_id, known["newest"])
    return [await _certified(connection, channel_id, known, one, stored.get(one)) for one in sorted(days)]


def stretch_of_day(day: date) -> tuple[int, int]:
    """The first and the last id that a message of a day can have."""
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
    end = begin + min(ONE_DAY, datetime.max.replace(tzinfo=UTC) - begin)
    return snowflake_at(begin), snowflake_at(end) - 1


async def stretch_to_compare(connection: Connection, channel_id: int, day: date | None) -> tuple[int, int]:
    """The first and the last id of what Discord is asked for: a day, or all that is stored or asked for until now."""
    settled = snowflake_at(datetime.now(UTC) - timedelta(seconds=SETTLED_SECONDS))
    if day is not None:
        first_id, last_id = stretch_of_day(day)
        return first_id, min(last_id, settled)
    oldest = await connection.fetchval(_OLDEST, channel_id)
    begins = [gap.first_id for gap in await _gaps(connection, channel_id, settled)]
    return min([settled if oldest is None else oldest, *begins]), settled


async def _days_with_gaps(connection: Connection, channel_id: int, newest: int) -> set[date]:
    days = set()
    for gap in await _gaps(connection, channel_id, newest):
        day, last = snowflake_time(gap.first_id).date(), snowflake_time(gap.last_id).date()
        while day <= last:
            days.add(day)
            day += ONE_DAY
    return days


async def _gaps(connection: Connection, channel_id: int, newest: int) -> list[Gap]:
    """What is missing up to an id, since the channel was made: that is the time of its own id."""
    gaps = await find_gaps(connection, {channel_id: newest})
    return [gap._replace(first_id=max(gap.first_id, channel_id)) for gap in gaps if gap.last_id >= channel_id]


async def _certified(
    connection: Connection, channel_id: int, known: Record, day: date, stored: Record | None
) -> CertifiedDay:
    first_id, last_id = (stored["first_id"], stored["last_id"]) if stored else (None, None)
    begin, end = stretch_of_day(day)
    begin, last = max(begin, known["oldest"]), min(end, known["newest"])
    (stretch,) = await connection.fetch(_STRETCH, channel_id, begin, max(begin, last + 1), first_id, last_id)
    missing = tuple((snowflake_time(part.lower), snowflake_time(part.upper - 1)) for part in stretch["missing"])
    is_complete = last >= begin and not missing
    return CertifiedDay(
        day,
        first_id,
        last_id,
        messages=stored["messages"] if stored else 0,
        edited=stored["edited"] if stored else 0,
        deleted=stored["deleted"] if stored else 0,
        is_complete=is_complete,
        known_until=snowflake_time(last) if is_complete and last < end else None,
        missing=missing,
        verified_at=stretch["verified_at"],
    )
