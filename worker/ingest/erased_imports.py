"""What an import kept of a former application's rows, of people who asked to be erased."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from asyncpg import Connection

from worker import correlation

_ID = r"\m(?:[0-9]{16,18}|[1-8][0-9]{18})\M"
# A name stands in a column of its own, or in JSON within one, whose quotes are escaped.
_NAME = r'(?:author|user|name|sender)[a-z_]*\\?"\s*:\s*\\?"([^"\\]{1,100})'

_IS_ANYBODY_ERASED = "SELECT EXISTS (SELECT FROM erased_users)"


def _concerns(row: str) -> str:
    """Whether a JSON object is about somebody erased: by their id, by the id of a message of theirs, or by a name of
    theirs under a key that is for names."""
    return f"""(
       EXISTS (SELECT FROM erased_users person
                WHERE {row}::text LIKE '%' || person.user_id || '%'
                   OR EXISTS (SELECT FROM regexp_matches({row}::text, '{_NAME}', 'gi') AS called
                               WHERE sha256(convert_to(called[1], 'UTF8')) = ANY(person.name_hashes)))
    OR EXISTS (SELECT FROM regexp_matches({row}::text, '{_ID}', 'g') AS ids
                 JOIN discord_messages message ON message.message_id = ids[1]::bigint
                WHERE message.text_flags @> '{{erased}}'))"""  # noqa: S608  put together from constants


_ERASE_EVENTS = f"""
UPDATE events SET data = jsonb_build_object('erased', true)
 WHERE id < 0 AND NOT data ? 'erased' AND {_concerns("data")}
"""  # noqa: S608

_ERASE_LETTERS = f"""
UPDATE event_letters SET data = jsonb_build_object('erased', true), reason = NULL
 WHERE event_id < 0 AND NOT data ? 'erased' AND {_concerns("data")}
"""  # noqa: S608

# As if the import had refused them, so that the next one leaves them alone.
_ERASE_TAKEN = f"""
WITH gone AS (
  DELETE FROM legacy_map kept
   WHERE {_concerns("kept.row")}
      OR (new_table = 'discord_messages' AND EXISTS (
          SELECT FROM discord_messages m WHERE m.message_id = kept.new_id AND m.text_flags @> '{{erased}}'))
      OR (new_table = 'events' AND EXISTS (SELECT FROM events e WHERE e.id = kept.new_id AND e.data ? 'erased'))
  RETURNING old_table, old_key)
INSERT INTO import_quarantine (old_table, old_key, reason, detail, row)
SELECT old_table, old_key, 'erased', '', '{{}}' FROM gone
ON CONFLICT (old_table, old_key) DO UPDATE SET reason = 'erased', detail = '', row = '{{}}'
"""  # noqa: S608

_ERASE_REFUSED = f"""
UPDATE import_quarantine kept SET reason = 'erased', detail = '', row = '{{}}'
 WHERE reason <> 'erased' AND {_concerns("kept.row")}
"""  # noqa: S608

_ERASED_ROWS = f"""
SELECT seen.key FROM unnest($1::text[], $2::text[]) AS given (key, text),
       LATERAL (SELECT key, text::jsonb AS row) AS seen
 WHERE {_concerns("seen.row")}
"""  # noqa: S608


_ADD_CHANNELS = """
INSERT INTO discord_channels (channel_id, guild_id) SELECT DISTINCT ON (channel_id) channel_id, guild_id
  FROM unnest($1::bigint[], $2::bigint[]) AS place (channel_id, guild_id) ORDER BY channel_id
ON CONFLICT (channel_id) DO NOTHING
"""

_ADD_PLACES = """
INSERT INTO discord_messages (message_id, channel_id, guild_id, posted_at, origin, text_flags, parse_state,
                              parse_reason, correlation_id, revision)
SELECT DISTINCT ON (message_id) message_id, channel_id, guild_id, posted_at, 'legacy', '{erased}', 'not_a_plan',
       'erased', correlation_id, 1
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::uuid[])
       AS place (message_id, channel_id, guild_id, posted_at, correlation_id)
 ORDER BY message_id
ON CONFLICT (message_id) DO NOTHING
"""


class Place(NamedTuple):
    """Where and when a message is, of which nothing else may be stored."""

    message_id: int
    channel_id: int
    guild_id: int | None
    posted_at: datetime


async def keep_places(connection: Connection, places: Sequence[Place]) -> None:
    """Within a transaction: what else tells of these messages is recognised by their ids."""
    if not places:
        return
    ids, channels, guilds, moments = map(list, zip(*places, strict=True))
    await connection.execute(_ADD_CHANNELS, channels, guilds)
    names = [correlation.of_message(place.message_id) for place in places]
    await connection.execute(_ADD_PLACES, ids, channels, guilds, moments, names)


async def erase_imported(connection: Connection) -> int:
    """Within a transaction, after the messages; returns how many old rows were kept of them."""
    await connection.execute(_ERASE_EVENTS)
    await connection.execute(_ERASE_LETTERS)
    statuses = [await connection.execute(_ERASE_TAKEN), await connection.execute(_ERASE_REFUSED)]
    return sum(int(status.rpartition(" ")[2]) for status in statuses)


async def erased_rows(connection: Connection, rows: Callable[[], Mapping[str, str]]) -> set[str]:
    """The keys of those rows, each as JSON, that are about somebody erased and must not be kept."""
    if not await connection.fetchval(_IS_ANYBODY_ERASED):
        return set()
    texts = rows()
    return {row["key"] for row in await connection.fetch(_ERASED_ROWS, list(texts), list(texts.values()))}
