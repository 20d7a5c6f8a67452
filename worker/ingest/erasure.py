"""Erases a person: what is stored of their words and name goes, message by message, and does not come back.

First they are put on the list that every writer asks, then whoever was writing by what was known before is waited for,
and then what is stored is gone through. A run that is cut short is begun again; what is gone stays gone."""

import asyncio
import hashlib
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import asyncpg
import structlog
from asyncpg import Connection, Record

from worker import correlation
from worker.db.lease import transaction
from worker.failpoints import reach
from worker.ingest.erased import ERASED, without_people_in
from worker.ingest.erased_imports import erase_imported

BATCH = 1000  # messages a transaction
LOCK_TRIES, LOCK_RETRY_SECONDS = 60, 0.5
_BEFORE_ALL = -(1 << 63)  # imported messages without an id have negative ones

_ADD = """
INSERT INTO erased_users AS one (user_id, asked_by, name_hashes) VALUES ($1, $2, $3::bytea[])
ON CONFLICT (user_id) DO UPDATE
   SET finished_at = NULL,
       name_hashes = ARRAY(SELECT DISTINCT unnest(one.name_hashes || excluded.name_hashes))
"""

_NAMES = """
SELECT DISTINCT name
  FROM discord_messages,
       unnest(ARRAY[author_name, raw #>> '{author,username}', raw #>> '{author,global_name}', raw #>> '{member,nick}'])
       AS name
 WHERE author_id = $1 AND name <> ''
"""

# Every writer holds a lock on rows of this table from before it asks for the list until it has committed.
_WAIT_FOR_WRITERS = "SET LOCAL lock_timeout = '200ms'; LOCK TABLE discord_channels IN EXCLUSIVE MODE"

_UNFINISHED = "SELECT user_id, name_hashes FROM erased_users WHERE finished_at IS NULL ORDER BY asked_at"

_FINISHED = "UPDATE erased_users SET finished_at = now() WHERE user_id = $1"

_WINDOW = """
SELECT max(message_id) FROM (SELECT message_id FROM discord_messages WHERE message_id > $1 ORDER BY 1 LIMIT $2) AS w
"""

# $3 is their id, as text $5, $4 the hashes of their names: an imported message may have nothing but a name. Whoever
# forwards a message repeats its words.
_FOUND = """
SELECT message_id, raw::text AS raw,
       author_id = $3 OR (author_id IS NULL AND sha256(convert_to(author_name, 'UTF8')) = ANY($4::bytea[]))
       OR EXISTS (SELECT FROM discord_messages original
                   WHERE original.author_id = $3 AND m.kind = 'forward'
                     AND original.message_id = substring(m.raw #>> '{message_reference,message_id}'
                                                         FROM '^(?:[0-9]{1,18}|[1-8][0-9]{18})$')::bigint) AS is_theirs
  FROM discord_messages m
 WHERE message_id > $1 AND message_id <= $2
   AND (author_id = $3 OR author_id IS NULL OR kind = 'forward' OR raw::text LIKE '%' || $5 || '%'
        OR position(convert_to($5, 'UTF8') IN raw_original) > 0)
 ORDER BY message_id
   FOR NO KEY UPDATE
"""

_ERASE_MESSAGES = """
UPDATE discord_messages
   SET author_name = CASE WHEN author_id IS NULL OR author_id = $2 THEN NULL ELSE author_name END,
       content = '', text = '', embeds = NULL, attachments = NULL, raw = NULL, raw_original = NULL,
       text_flags = ARRAY[$3::text], parser = NULL, parser_version = NULL,
       parse_reason = CASE WHEN parse_state IN ('parsed', 'not_a_plan') THEN parse_reason ELSE $3 END,
       parse_state = CASE WHEN parse_state = 'pending' THEN 'not_a_plan' ELSE parse_state END
 WHERE message_id = ANY($1::bigint[])
"""

_ERASE_REVISIONS = "DELETE FROM message_revisions WHERE message_id = ANY($1::bigint[])"

_ERASE_SETUPS = """
UPDATE trade_setups setup SET raw_line = ''
  FROM ticker_plans plan WHERE plan.id = setup.plan_id AND plan.message_id = ANY($1::bigint[])
"""

_ERASE_PLANS = "UPDATE ticker_plans SET bias_text = NULL WHERE message_id = ANY($1::bigint[])"

# What is posted of the plans has their words as well, so it is posted anew.
_ASK_ANNOUNCEMENTS = """
UPDATE announcements announced SET asked = asked + 1, asked_at = now(), retry_at = NULL
  FROM ticker_plans plan WHERE plan.id = announced.plan_id AND plan.message_id = ANY($1::bigint[])
"""

# The payload as it came is kept only where it had to be cleaned, and cannot be taken apart.
_SET_RAW = "UPDATE discord_messages SET raw = $2::text::jsonb, raw_original = NULL WHERE message_id = $1"

_REVISIONS = """
SELECT id, raw::text AS raw FROM message_revisions
 WHERE message_id > $1 AND message_id <= $2 AND raw::text LIKE '%' || $3 || '%'
"""

_SET_REVISION = "UPDATE message_revisions SET raw = $2::text::jsonb WHERE id = $1"

# What a former application told of a message, at most under the message's own correlation id.
_ERASE_PAST_EVENTS = """
UPDATE events SET data = jsonb_build_object('erased', true) WHERE id < 0 AND correlation_id = ANY($1::uuid[])
"""


log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Erased:
    """How much was gone through and erased of one person."""

    messages: int = 0
    mentions: int = 0  # messages of others that told of them
    imported: int = 0  # rows of a former application


Use = Callable[[], AbstractAsyncContextManager[Connection]]
"""A session for one piece of work."""


async def ask_for_erasure(
    connection: Connection, user_id: int, names: Collection[str], *, asked_by: int, epoch: int | None
) -> None:
    """Puts a person on the list; `names` are those that they are known by now. From here on nothing of theirs is
    stored. Raises LeaseLostError."""
    known = {row["name"] for row in await connection.fetch(_NAMES, user_id)} | {name for name in names if name}
    async with transaction(connection, epoch):
        await connection.execute(_ADD, user_id, asked_by, [name_hash(name) for name in sorted(known)])
    reach("erasure.asked")


def name_hash(name: str) -> bytes:
    """By which a name is recognised that is not stored."""
    return hashlib.sha256(name.encode()).digest()


async def erase_asked(use: Use, *, epoch: int | None) -> dict[int, Erased]:
    """Erases everybody who is on the list and is not erased yet, by user id. Raises LeaseLostError."""
    async with use() as connection:
        asked = await connection.fetch(_UNFINISHED)
        if asked:
            await _wait_for_writers(connection, epoch)
    return {person["user_id"]: await _erase(use, person, epoch) for person in asked}


async def _wait_for_writers(connection: Connection, epoch: int | None) -> None:
    """Writers queue behind this lock, so it is not waited for long at a time."""
    for attempt in range(1, LOCK_TRIES + 1):
        try:
            async with transaction(connection, epoch, then=_WAIT_FOR_WRITERS):
                return
        except asyncpg.LockNotAvailableError:
            if attempt == LOCK_TRIES:
                raise
            await asyncio.sleep(LOCK_RETRY_SECONDS)


async def _erase(use: Use, person: Record, epoch: int | None) -> Erased:
    done = Erased()
    after: int | None = _BEFORE_ALL
    while after is not None:
        async with use() as connection:
            after = await _erase_window(connection, after, person, done, epoch)
    async with use() as connection, transaction(connection, epoch):
        done.imported = await erase_imported(connection)
        await connection.execute(_FINISHED, person["user_id"])
    log.info(
        "erasure.finished",
        user_id=person["user_id"],
        messages=done.messages,
        mentions=done.mentions,
        imported=done.imported,
    )
    return done


async def _erase_window(
    connection: Connection, after: int, person: Record, done: Erased, epoch: int | None
) -> int | None:
    """Goes through the next messages; returns the last one's id, None when there are no more."""
    last: int | None = await connection.fetchval(_WINDOW, after, BATCH)
    if last is None:
        return None
    user_id = str(person["user_id"])
    async with transaction(connection, epoch):
        found = await connection.fetch(_FOUND, after, last, person["user_id"], person["name_hashes"], user_id)
        theirs = [row["message_id"] for row in found if row["is_theirs"]]
        await _erase_messages(connection, theirs, person["user_id"])
        done.messages += len(theirs)
        others = [(row["message_id"], row["raw"]) for row in found if not row["is_theirs"]]
        done.mentions += await _erase_mentions(connection, _SET_RAW, others, user_id)
        revisions = await connection.fetch(_REVISIONS, after, last, user_id)
        await _erase_mentions(connection, _SET_REVISION, [(row["id"], row["raw"]) for row in revisions], user_id)
    return last


async def _erase_messages(connection: Connection, message_ids: list[int], user_id: int) -> None:
    """The words of messages; what was read in them stays, but for the lines that it was read from."""
    if not message_ids:
        return
    await connection.execute(_ERASE_MESSAGES, message_ids, user_id, ERASED)
    # Plans before setups, as the writer locks them.
    for statement in (_ERASE_REVISIONS, _ERASE_PLANS, _ERASE_SETUPS, _ASK_ANNOUNCEMENTS):
        await connection.execute(statement, message_ids)
    await connection.execute(_ERASE_PAST_EVENTS, [correlation.of_message(one) for one in message_ids])


async def _erase_mentions(
    connection: Connection, statement: str, rows: Sequence[tuple[int, str | None]], user_id: str
) -> int:
    """Takes the person out of payloads of others; returns how many told of them."""
    naming = [(key, raw) for key, raw in rows if raw and user_id in raw]
    for key, raw in naming:
        cleaned = without_people_in(raw.encode(), frozenset({user_id}))
        await connection.execute(statement, key, cleaned.decode())
    return len(naming)
