"""Reads a stretch of a channel again and compares it with what is stored: id, edit time, deleted. Changes nothing but
the account of what was compared."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import discord
from asyncpg import Connection

from worker.exits import ChannelGoneError, RefusedError
from worker.gateway.rest import PAGE, Payload, Rest
from worker.ingest.verifications import add_verification, forget_verifications

_STORED = """
SELECT message_id, edited_at, deleted_at IS NOT NULL AS is_deleted
  FROM discord_messages WHERE channel_id = $1 AND message_id BETWEEN $2 AND $3
"""


@dataclass(frozen=True, slots=True)
class Difference:
    message_id: str
    what: str


@dataclass(frozen=True, slots=True)
class Compared:
    """`messages` is how many Discord has of the stretch."""

    messages: int
    differences: tuple[Difference, ...]


async def compare(
    connection: Connection, client: discord.Client, rest: Rest, *, channel_id: int, first_id: int, last_id: int
) -> Compared:
    """Both ends included. Raises RefusedError where the channel's history may not be read, ChannelGoneError, and what
    Rest raises."""
    differences: list[Difference] = []
    messages, begin = 0, first_id
    while begin <= last_id:
        at = datetime.now(UTC)
        page = await _page(client, rest, channel_id, begin)
        reached = last_id if len(page) < PAGE else min(int(page[-1]["id"]), last_id)
        told = {int(one["id"]): one for one in page if int(one["id"]) <= reached}
        found = await _differences(connection, channel_id, told, begin, reached)
        if found:
            await forget_verifications(connection, channel_id, begin, reached)
        else:
            await add_verification(connection, channel_id, begin, reached, at=at, epoch=None)
        differences += found
        messages += len(told)
        begin = reached + 1
    return Compared(messages, tuple(differences))


async def _page(client: discord.Client, rest: Rest, channel_id: int, begin: int) -> list[Payload]:
    try:
        page = await rest.messages(client, channel_id, after=begin - 1)
        if not page:
            # Without the permission Discord answers with an empty page; a single message it refuses.
            await rest.message(client, channel_id, begin)
    except discord.Forbidden:
        raise RefusedError(f"Give the bot View Channel and Read Message History in the channel {channel_id}.") from None
    except discord.NotFound:
        raise ChannelGoneError(channel_id) from None
    return page


async def _differences(
    connection: Connection, channel_id: int, told: Mapping[int, Payload], first_id: int, last_id: int
) -> list[Difference]:
    rows = await connection.fetch(_STORED, channel_id, first_id, last_id)
    stored = {row["message_id"]: row for row in rows}
    found = []
    for message_id in sorted(told.keys() | stored.keys()):
        here, there = stored.get(message_id), told.get(message_id)
        if here is None:
            found.append((message_id, "is not stored"))
        elif there is None:
            if not here["is_deleted"]:
                found.append((message_id, "is stored as standing and gone from Discord"))
        elif here["is_deleted"]:
            found.append((message_id, "is stored as deleted and stands at Discord"))
        elif here["edited_at"] != _edited_at(there):
            found.append((message_id, "has another edit time at Discord"))
    return [Difference(str(message_id), what) for message_id, what in found]


def _edited_at(message: Payload) -> datetime | None:
    edited = message.get("edited_timestamp")
    return datetime.fromisoformat(edited) if edited else None
