"""Messages to their table, a batch a statement."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import chain
from typing import Any
from uuid import UUID

import asyncpg
from asyncpg import Connection

from worker import correlation
from worker.db import packing
from worker.db.packing import copy_packed, pack_row
from worker.ingest import statements as sql
from worker.ingest.observation import Observation, snowflake_time
from worker.ingest.plan_rows import columns
from worker.ingest.precedence import StoredMessage, is_second_hand
from worker.ingest.prepared import PreparedMessage


def _repeated(pack: packing.Packer) -> packing.Packer:
    """For what many messages have in common: packed once."""
    return lru_cache(maxsize=256)(pack)


# New messages are copied: that takes two thirds of an INSERT's time.
_NEW_MESSAGE: dict[str, packing.Packer] = {
    "message_id": packing.pack_bigint,
    "channel_id": _repeated(packing.pack_bigint),
    "guild_id": _repeated(packing.pack_bigint),
    "author_id": _repeated(packing.pack_bigint),
    "author_name": packing.pack_text,  # which is not to stay in memory where somebody asked to be erased
    "is_webhook": packing.pack_boolean,
    "kind": _repeated(packing.pack_text),
    "content": packing.pack_text,
    "text": packing.pack_text,
    "embeds": packing.pack_jsonb,
    "attachments": packing.pack_jsonb,
    "raw": packing.pack_jsonb,
    "raw_original": packing.pack_bytes,
    "text_flags": packing.pack_texts,
    "posted_at": packing.pack_time,
    "edited_at": packing.pack_time,
    "deleted_at": packing.pack_time,
    "deletion_inferred": packing.pack_boolean,
    "revision": packing.pack_integer,
    "origin": _repeated(packing.pack_text),
    "parse_state": _repeated(packing.pack_text),
    "parse_reason": packing.pack_text,
    "parser": _repeated(packing.pack_text),
    "parser_version": packing.pack_integer,
    "correlation_id": packing.pack_uuid,
    "received_at": packing.pack_time,
}
_COLUMNS, _PACKERS = tuple(_NEW_MESSAGE), tuple(_NEW_MESSAGE.values())


class RacedError(Exception):
    """Another transaction stored a message between our look and our insert; the transaction has to start again."""


async def stored_messages(connection: Connection, message_ids: Sequence[int]) -> dict[int, StoredMessage]:
    """What is stored of these messages, locked until the transaction ends."""
    rows = await connection.fetch(sql.STORED_MESSAGES, message_ids)
    return {row["message_id"]: StoredMessage(**dict(row)) for row in rows}


async def insert_messages(
    connection: Connection, messages: Sequence[PreparedMessage], tombstones: Sequence[Observation]
) -> None:
    """New messages, and those of which only the deletion is known.

    Raises RacedError where one is stored already: channels are locked, so it came from another one."""
    if not messages and not tombstones:
        return
    rows = chain(map(_row, messages), map(_tombstone, tombstones))
    try:
        await copy_packed(connection, "discord_messages", _COLUMNS, (pack_row(_PACKERS, row) for row in rows))
    except asyncpg.UniqueViolationError as error:
        raise RacedError from error


def _row(message: PreparedMessage) -> tuple[Any, ...]:
    return (
        message.message_id,
        message.channel_id,
        message.guild_id,
        message.author_id,
        message.author_name,
        message.is_webhook,
        message.kind,
        message.content,
        message.text,
        message.embeds,
        message.attachments,
        message.raw,
        message.raw_original,
        message.text_flags or None,
        message.posted_at,
        message.edited_at,
        None,
        False,
        1,
        message.origin,
        *_parse_columns(message),
        message.correlation_id,
        message.received_at,
    )


def _parse_columns(message: PreparedMessage) -> tuple[str, str | None, str | None, int | None]:
    reading = message.reading
    return reading.state, reading.reason, reading.format, reading.version if reading.format else None


def _raw_text(message: PreparedMessage) -> str | None:
    """For arrays, which are sent as text."""
    return message.raw.decode() if message.raw is not None else None


def _flags(message: PreparedMessage) -> str | None:
    return ",".join(message.text_flags) or None


def _tombstone(gone: Observation) -> tuple[Any, ...]:
    """Revision 0 says that no text is known."""
    nothing_read = ("not_a_plan", "deleted before it was seen", None, None)
    return (
        gone.message_id,
        gone.channel_id,
        gone.guild_id,
        *(None, None, False, "default", "", "", None, None, None, None, None),
        snowflake_time(gone.message_id),
        None,
        gone.received_at,
        gone.deletion_inferred,
        0,
        gone.origin,
        *nothing_read,
        correlation.of_message(gone.message_id),
        gone.received_at,
    )


async def update_messages(
    connection: Connection, messages: Sequence[tuple[PreparedMessage, int]], revised: Sequence[int]
) -> None:
    """Messages with the revision number each is to have; what the `revised` ones say until now is kept first."""
    if revised:
        await connection.execute(sql.KEEP_REVISIONS, revised)
    if not messages:
        return
    rows = [
        (
            message.message_id,
            message.guild_id,
            message.author_id,
            message.author_name,
            message.is_webhook,
            message.kind,
            message.content,
            message.text,
            message.embeds,
            message.attachments,
            _raw_text(message),
            message.raw_original,
            _flags(message),
            message.edited_at,
            revision,
            message.origin,
            *_parse_columns(message),
        )
        for message, revision in messages
    ]
    await connection.execute(sql.UPDATE_MESSAGES, *columns(rows))


async def add_former(connection: Connection, message: PreparedMessage) -> None:
    """Keeps a text that does not stand."""
    await connection.execute(
        sql.ADD_FORMER_REVISION,
        message.message_id,
        message.edited_at,
        message.content,
        message.text,
        _raw_text(message),
        is_second_hand(message.origin),
    )


async def remove_repeated_revisions(connection: Connection, message_ids: Sequence[int]) -> None:
    if message_ids:
        await connection.execute(sql.REMOVE_REPEATED_REVISIONS, message_ids)


async def told_edits(connection: Connection, message_ids: Iterable[int]) -> set[tuple[UUID, datetime | None]]:
    """The edits of messages that events tell of: correlation id and edit time."""
    ids = [correlation.of_message(message_id) for message_id in message_ids]
    return {(row[0], row[1]) for row in await connection.fetch(sql.TOLD_EDITS, ids)} if ids else set()


async def mark_deleted(connection: Connection, gone: Sequence[Observation]) -> None:
    if gone:
        rows = [(one.message_id, one.received_at, one.deletion_inferred) for one in gone]
        await connection.execute(sql.MARK_DELETED, *columns(rows))
