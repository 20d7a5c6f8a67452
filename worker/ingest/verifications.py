"""What of a channel was compared with Discord, message by message, and when."""

from collections.abc import Sequence
from datetime import datetime

from asyncpg import Connection

from worker.db.lease import transaction
from worker.ingest.channels import LISTENS

# The newest messages of a channel: so many, and none with an id below the bound.
_WINDOW = """
SELECT min(message_id) AS first_id, max(message_id) AS last_id
  FROM (SELECT message_id FROM discord_messages
         WHERE channel_id = $1 AND message_id >= $2 ORDER BY message_id DESC LIMIT $3) AS newest
"""

_WITH_MESSAGES = f"""
SELECT c.channel_id, newest.message_id
  FROM discord_channels c
  LEFT JOIN discord_channels parent ON parent.channel_id = c.parent_id
 CROSS JOIN LATERAL (SELECT max(message_id) AS message_id FROM discord_messages m WHERE m.channel_id = c.channel_id)
    AS newest
 WHERE {LISTENS} AND c.unreachable_since IS NULL AND newest.message_id >= $1
"""  # noqa: S608  a constant of ours

_STANDING = """
SELECT message_id FROM discord_messages
 WHERE channel_id = $1 AND message_id BETWEEN $2 AND $3 AND deleted_at IS NULL
 ORDER BY message_id
"""

_FORGET_WITHIN = "DELETE FROM channel_verifications WHERE channel_id = $1 AND first_id >= $2 AND last_id <= $3"

_FORGET_ACROSS = "DELETE FROM channel_verifications WHERE channel_id = $1 AND first_id <= $3 AND last_id >= $2"

_ADD = "INSERT INTO channel_verifications (channel_id, first_id, last_id, verified_at) VALUES ($1, $2, $3, $4)"


async def newest_stretch(
    connection: Connection, channel_id: int, *, not_before: int, messages: int
) -> tuple[int, int] | None:
    """First and last id of the newest stored messages of a channel, at most so many; None: there are none."""
    row = await connection.fetchrow(_WINDOW, channel_id, not_before, messages)
    return (row["first_id"], row["last_id"]) if row and row["first_id"] is not None else None


async def channels_with_messages(connection: Connection, *, not_before: int) -> dict[int, int]:
    """The newest stored message of each channel and thread that is listened to and can be reached, archived ones too,
    where it has that id or a later one."""
    return {row["channel_id"]: row["message_id"] for row in await connection.fetch(_WITH_MESSAGES, not_before)}


async def standing_messages(connection: Connection, channel_id: int, first_id: int, last_id: int) -> Sequence[int]:
    """The ids of what is stored and not deleted, both ends included."""
    return [row["message_id"] for row in await connection.fetch(_STANDING, channel_id, first_id, last_id)]


async def add_verification(
    connection: Connection, channel_id: int, first_id: int, last_id: int, *, at: datetime, epoch: int | None
) -> None:
    """Keeps that a stretch was compared, in place of earlier ones within it. Raises LeaseLostError."""
    async with transaction(connection, epoch):
        await connection.execute(_FORGET_WITHIN, channel_id, first_id, last_id)
        await connection.execute(_ADD, channel_id, first_id, last_id, at)


async def forget_verifications(connection: Connection, channel_id: int, first_id: int, last_id: int) -> None:
    """Nothing that reaches into a stretch counts as compared any more, since something in it differs."""
    await connection.execute(_FORGET_ACROSS, channel_id, first_id, last_id)
