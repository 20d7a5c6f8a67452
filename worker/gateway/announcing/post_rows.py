"""The rows of what the worker posts by itself: tables with the columns of worker.db.models.OwnPost.

A row is due while something asked for its text to be looked at (`asked`) after Discord was last brought up to it
(`answered`). What Discord has refused for DAYS_TRIED is let go until it is asked for again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asyncpg import Connection

from worker.db.lease import transaction

DAYS_TRIED = 2

_DUE = """
SELECT {key} AS key, channel_id, message_id, state, content_hash, sending_since, asked, tries
  FROM {table}
 WHERE answered < asked AND asked_at > now() - make_interval(days => $1) AND (retry_at IS NULL OR retry_at <= now())
 ORDER BY {key}
"""

# An earlier attempt that was never answered may still turn out to have come through, so the first one's time stays.
_BEGIN_SENDING = """
UPDATE {table}
   SET state = 'sending', channel_id = $2, sending_since = CASE WHEN state = 'sending' THEN sending_since ELSE now() END
 WHERE {key} = $1
"""

_POSTED = """
UPDATE {table}
   SET state = 'posted', message_id = $2, content_hash = $3, answered = greatest(answered, $4), sending_since = NULL,
       tries = 0, retry_at = NULL, reason = NULL
 WHERE {key} = $1
"""

_LEFT = """
UPDATE {table}
   SET state = CASE WHEN message_id IS NULL THEN 'waiting' ELSE state END, answered = greatest(answered, $2),
       sending_since = NULL, tries = 0, retry_at = NULL, reason = NULL
 WHERE {key} = $1
"""

_DELETED = "UPDATE {table} SET state = 'deleted', answered = asked WHERE {key} = $1"

_FAILED = """
UPDATE {table}
   SET tries = tries + 1, retry_at = now() + make_interval(secs => $2), reason = $3
 WHERE {key} = $1
"""


@dataclass(frozen=True, slots=True)
class PostRow:
    """A row that is due. `channel_id` is where it was posted, or would have been when it was asked for."""

    key: int
    channel_id: int
    message_id: int | None
    state: str
    content_hash: bytes | None
    sending_since: datetime | None
    asked: int
    tries: int


class PostTable:
    """Every method that writes raises LeaseLostError as worker.db.lease.begin does."""

    def __init__(self, table: str, key: str, *, epoch: int) -> None:
        self.name = table
        self._key = key
        self._epoch = epoch

    async def due(self, connection: Connection) -> Sequence[PostRow]:
        return [PostRow(**dict(row)) for row in await connection.fetch(self._sql(_DUE), DAYS_TRIED)]

    async def begin_sending(self, connection: Connection, key: int, channel_id: int) -> None:
        """From here on it may be there, so after a crash it is looked for."""
        await self._write(connection, _BEGIN_SENDING, key, channel_id)

    async def posted(
        self, connection: Connection, key: int, message_id: int, content_hash: bytes | None, answered: int
    ) -> None:
        """It is there, and says what has this hash (None: that is not known)."""
        await self._write(connection, _POSTED, key, message_id, content_hash, answered)

    async def left(self, connection: Connection, key: int, answered: int) -> None:
        """Nothing is to be done about it."""
        await self._write(connection, _LEFT, key, answered)

    async def deleted(self, connection: Connection, key: int) -> None:
        """Somebody took it away: it is not posted again."""
        await self._write(connection, _DELETED, key)

    async def failed(self, connection: Connection, key: int, pause_seconds: float, reason: str) -> None:
        await self._write(connection, _FAILED, key, pause_seconds, reason)

    async def _write(self, connection: Connection, statement: str, *arguments: Any) -> None:
        async with transaction(connection, self._epoch):
            await connection.execute(self._sql(statement), *arguments)

    def _sql(self, statement: str) -> str:
        return statement.format(table=self.name, key=self._key)
