"""People who asked to be erased: what they say is stored without their words and name, however it comes."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from asyncpg import Connection

from parsers.reading import Reading
from worker.events.catalogue import as_json
from worker.ingest.observation import Observation
from worker.ingest.prepared import PreparedMessage

ERASED = "erased"
"""The flag of a message whose words are left out, and the reason that nothing is read in it."""

_USERS = "SELECT user_id::text FROM erased_users"

_THEIRS = """
SELECT message_id FROM discord_messages WHERE message_id = ANY($1::bigint[]) AND author_id = ANY($2::bigint[])
"""

# What tells where and when a message is, and nothing of what it says.
_PLACE = ("id", "type", "channel_id", "guild_id", "timestamp", "edited_timestamp", "message_reference")
# What a guild or an interaction says of a user beside the user.
_NAMES = ("nick", "name", "avatar", "banner", "global_name", "username")
_IS_USER = ("username", "global_name", "discriminator")


async def withhold(
    connection: Connection, seen: Sequence[PreparedMessage | Observation]
) -> Sequence[PreparedMessage | Observation]:
    """What was seen as it may be stored. To be asked within the transaction that holds the channels' locks: whoever
    erases waits for these, so that nothing is written by what was known before."""
    erased = frozenset(row["user_id"] for row in await connection.fetch(_USERS))
    if not erased:
        return seen
    messages = [one for one in seen if isinstance(one, PreparedMessage)]
    forwarded = {one.message_id: _forwarded(one) for one in messages}
    theirs = {one.message_id for one in messages if str(one.author_id) in erased}
    theirs |= await _authored(connection, {one for one in forwarded.values() if one is not None}, erased)
    return [
        withheld(one, erased, forwards_theirs=forwarded[one.message_id] in theirs)
        if isinstance(one, PreparedMessage)
        else one
        for one in seen
    ]


async def _authored(connection: Connection, message_ids: set[int], users: frozenset[str]) -> set[int]:
    """Those of the messages that these users wrote."""
    if not message_ids:
        return set()
    rows = await connection.fetch(_THEIRS, list(message_ids), [int(user) for user in users])
    return {row["message_id"] for row in rows}


def _forwarded(message: PreparedMessage) -> int | None:
    if message.kind != "forward" or message.raw is None:
        return None
    reference = json.loads(message.raw).get("message_reference", {}).get("message_id")
    return int(reference) if str(reference).isdecimal() else None


def withheld(message: PreparedMessage, erased: frozenset[str], *, forwards_theirs: bool = False) -> PreparedMessage:
    """A message without what these people wrote in it, and without their names."""
    if forwards_theirs or str(message.author_id) in erased:
        return message._replace(
            author_name=None if str(message.author_id) in erased else message.author_name,
            content="",
            text="",
            embeds=None,
            attachments=None,
            embed_count=0,
            raw=None,
            raw_original=None,
            text_flags=(ERASED,),
            reading=Reading("not_a_plan", reason=ERASED),
            plans=(),
        )
    original = message.raw_original
    return message._replace(
        raw=without_people_in(message.raw, erased) if message.raw is not None else None,
        raw_original=None if original is not None and any(one.encode() in original for one in erased) else original,
    )


def without_people_in(raw: bytes, erased: frozenset[str]) -> bytes:
    """A payload's JSON without them. Nearly no payload names any of them, and is not read for it."""
    if not any(one.encode() in raw for one in erased):
        return raw
    return as_json(without_people(json.loads(raw), erased)).encode()


def without_people(value: Any, erased: frozenset[str]) -> Any:
    """JSON without what these users are called, and without messages of theirs that others answered or forwarded."""
    if isinstance(value, list):
        return [without_people(one, erased) for one in value]
    if not isinstance(value, dict):
        return value
    if _is_one_of(value.get("author"), erased):
        return {name: value[name] for name in _PLACE if name in value} | {"author": {"id": value["author"]["id"]}}
    if _is_one_of(value, erased) and any(name in value for name in _IS_USER):
        return {"id": value["id"]}
    hidden = _NAMES if _is_one_of(value.get("user"), erased) else ()
    return {name: without_people(one, erased) for name, one in value.items() if name not in hidden}


def _is_one_of(value: object, erased: frozenset[str]) -> bool:
    return isinstance(value, Mapping) and str(value.get("id")) in erased
