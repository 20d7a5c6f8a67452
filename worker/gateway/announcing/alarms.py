"""Alarms of a guild's admins, each told once in the guild's alarm channel and marked there when it is over."""

from collections.abc import Collection, Sequence
from datetime import datetime

from asyncpg import Connection

from worker.db.lease import transaction
from worker.db.shared_session import SharedSession
from worker.gateway.announcing import alarm_sentences as sentences
from worker.gateway.announcing.post import Post
from worker.gateway.announcing.poster import Wanted
from worker.ingest.channels import LISTENS
from worker.words import AlarmKind

TRIES_BORNE = 5  # in vain, before it is an alarm that a plan cannot be announced; about 10 s

# A guild without an alarm channel has no alarms.
_RAISE = """
INSERT INTO alarms (guild_id, kind, subject, sentence, channel_id)
SELECT guild_id, $2, $3, $4, alarm_channel_id FROM guild_settings WHERE guild_id = $1 AND alarm_channel_id IS NOT NULL
ON CONFLICT (guild_id, kind, subject) WHERE cleared_at IS NULL DO NOTHING
"""

_CLEAR = """
UPDATE alarms
   SET cleared_at = now(), asked = asked + 1, asked_at = now(), retry_at = NULL
 WHERE guild_id = $1 AND kind = $2 AND subject = $3 AND cleared_at IS NULL
"""

# What history brings from before is no alarm.
_UNREAD = """
SELECT guild_id, channel_id, message_id, parse_state
  FROM discord_messages
 WHERE message_id = ANY($1::bigint[]) AND parse_state IN ('empty', 'failed') AND deleted_at IS NULL
   AND origin IN ('live', 'history') AND posted_at > now() - interval '1 day' AND guild_id IS NOT NULL
"""

# An edit can also make a plan of it that is none.
_READ_SINCE = """
SELECT a.guild_id, a.kind, a.subject
  FROM alarms a JOIN discord_messages m ON m.message_id = a.subject::bigint
 WHERE a.kind = 'message' AND a.cleared_at IS NULL
   AND (m.parse_state NOT IN ('empty', 'failed') OR m.deleted_at IS NOT NULL)
"""

_OPEN = """
SELECT guild_id, kind, subject
  FROM alarms
 WHERE kind = ANY($1::text[]) AND guild_id = ANY($2::bigint[]) AND cleared_at IS NULL
"""

_READ = """
SELECT a.sentence, a.cleared_at, s.alarm_channel_id
  FROM alarms a LEFT JOIN guild_settings s USING (guild_id)
 WHERE a.id = $1
"""

_GUILDS = "SELECT guild_id FROM guild_settings WHERE alarm_channel_id IS NOT NULL"

# A backfill that somebody asked for may take its time, and nothing is fetched where nothing is listened to.
_GAPS = f"""
SELECT c.guild_id, g.channel_id, g.id, g.first_id, c.permission_state = 'missing' AS is_forbidden
  FROM ingestion_gaps g
  JOIN discord_channels c USING (channel_id)
  LEFT JOIN discord_channels parent ON parent.channel_id = c.parent_id
 WHERE {LISTENS}
   AND g.closed_at IS NULL AND g.opened_at < now() - make_interval(mins => $1)
   AND (g.reason <> 'configured' OR c.permission_state = 'missing') AND c.guild_id IS NOT NULL
"""  # noqa: S608  a constant of ours

_NOT_ANNOUNCED = """
SELECT DISTINCT ON (a.channel_id) m.guild_id, a.channel_id, a.reason, m.channel_id AS source_id, m.message_id
  FROM announcements a
  JOIN ticker_plans p ON p.id = a.plan_id
  JOIN discord_messages m ON m.message_id = p.message_id
 WHERE a.answered < a.asked AND a.tries >= $1 AND a.state <> 'deleted' AND m.guild_id IS NOT NULL
 ORDER BY a.channel_id, a.plan_id
"""

_HAS_DEAD_LETTERS = "SELECT EXISTS (SELECT FROM event_letters WHERE consumer = $1 AND state = 'dead')"


AlarmName = tuple[int, AlarmKind, str]
"""Guild, kind and subject: what is raised once."""

_LASTING: tuple[AlarmKind, ...] = ("gap", "content", "announcing", "dead_letters")


async def raise_unread(connection: Connection, message_ids: Sequence[int]) -> None:
    """Alarms of those messages that look like a plan and could not be read."""
    for guild_id, channel_id, message_id, parse_state in await connection.fetch(_UNREAD, message_ids):
        describe = sentences.empty if parse_state == "empty" else sentences.failed
        sentence = describe(guild_id, channel_id, message_id)
        await connection.execute(_RAISE, guild_id, "message", str(message_id), sentence)


class LastingAlarms:
    """Alarms of a state that lasts: raised while it does, cleared when it is over."""

    def __init__(self, session: SharedSession, *, epoch: int, gap_minutes: int, consumer: str) -> None:
        """A gap may be open for `gap_minutes`; `consumer` is the one whose dead letters alarm."""
        self._session = session
        self._epoch = epoch
        self._gap_minutes = gap_minutes
        self._consumer = consumer

    async def look(self, *, lacks_content: bool | None) -> None:
        """`lacks_content`: messages come without their content; None: that is not known. Raises LeaseLostError."""
        async with self._session.use() as connection:
            guilds = {row["guild_id"] for row in await connection.fetch(_GUILDS)}
            lasting = [kind for kind in _LASTING if kind != "content" or lacks_content is not None]
            opened: set[AlarmName] = {tuple(row) for row in await connection.fetch(_OPEN, lasting, guilds)}
            wanted = await self._wanted(connection, guilds, lacks_content=bool(lacks_content))
            raised = {name: sentence for name, sentence in wanted.items() if name[0] in guilds and name not in opened}
            over = [*(opened - wanted.keys()), *map(tuple, await connection.fetch(_READ_SINCE))]
            if not (raised or over):
                return
            async with transaction(connection, self._epoch):
                for name, sentence in raised.items():
                    await connection.execute(_RAISE, *name, sentence)
                for name in over:
                    await connection.execute(_CLEAR, *name)

    async def _wanted(
        self, connection: Connection, guilds: Collection[int], *, lacks_content: bool
    ) -> dict[AlarmName, str]:
        """Each with its sentence."""
        wanted = await self._gaps(connection) | await _not_announced(connection)
        if lacks_content:
            wanted |= {(guild_id, "content", "intent"): sentences.CONTENT for guild_id in guilds}
        if await connection.fetchval(_HAS_DEAD_LETTERS, self._consumer):
            sentence = sentences.dead_letters(self._consumer)
            wanted |= {(guild_id, "dead_letters", self._consumer): sentence for guild_id in guilds}
        return wanted

    async def _gaps(self, connection: Connection) -> dict[AlarmName, str]:
        return {
            (row["guild_id"], "gap", str(row["id"])): sentences.gap(
                row["guild_id"],
                row["channel_id"],
                row["first_id"],
                minutes=self._gap_minutes,
                is_forbidden=row["is_forbidden"],
            )
            for row in await connection.fetch(_GAPS, self._gap_minutes)
        }


async def _not_announced(connection: Connection) -> dict[AlarmName, str]:
    return {
        (row["guild_id"], "announcing", str(row["channel_id"])): sentences.announcing(
            row["channel_id"], row["reason"] or "of a fault", row["guild_id"], row["source_id"], row["message_id"]
        )
        for row in await connection.fetch(_NOT_ANNOUNCED, TRIES_BORNE)
    }


def mark(alarm_id: int) -> str:
    """What only this alarm's post bears."""
    return f"-# Alarm {alarm_id}"


async def read_alarm(connection: Connection, alarm_id: int) -> Wanted:
    """What is to be said about an alarm now. One that was over before it was told is told nowhere."""
    [row] = await connection.fetch(_READ, alarm_id)
    channel_id = row["alarm_channel_id"] if row["cleared_at"] is None else None
    return Wanted(channel_id, alarm_post(alarm_id, row["sentence"], row["cleared_at"]))


def alarm_post(alarm_id: int, sentence: str, cleared_at: datetime | None) -> Post:
    if cleared_at is None:
        return Post(mark(alarm_id), content=f"⚠️ {sentence}\n{mark(alarm_id)}")
    over = f"✅ Over since <t:{int(cleared_at.timestamp())}:R>. ~~{sentence}~~"
    return Post(mark(alarm_id), content=f"{over}\n{mark(alarm_id)}")
