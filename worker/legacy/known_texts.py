"""By which message a text of a day is known: how rows without a Discord id find the message that they are about.

A temporary table, so that it costs no memory of ours and a dry run may have it too."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from asyncpg import Connection

from worker.legacy.posts import digest_of

TextKey = tuple[date, UUID]

_PAGE = 2000

# The session's own; gone with it.
_MAKE = """
CREATE TEMPORARY TABLE import_texts (
    day date, digest uuid, message_id bigint NOT NULL, PRIMARY KEY (day, digest)
)
"""

# What an import brought is recalled row by row, under the day that its row names.
_STORED = """
SELECT message_id, (posted_at AT TIME ZONE $1)::date AS day, text
  FROM discord_messages
 WHERE origin <> 'legacy' AND text <> '' AND message_id > $2
 ORDER BY message_id
 LIMIT $3
"""

_ADD = """
INSERT INTO import_texts
SELECT * FROM unnest($1::date[], $2::uuid[], $3::bigint[])
ON CONFLICT (day, digest) DO NOTHING
"""

_FIND = """
SELECT known.day, known.digest, known.message_id
  FROM unnest($1::date[], $2::uuid[]) AS wanted (day, digest)
  JOIN import_texts AS known USING (day, digest)
"""


class KnownText(NamedTuple):
    day: date
    digest: UUID
    message_id: int


class KnownTexts:
    """The texts of messages that are stored, and of what the import brings as it goes on."""

    def __init__(self, connection: Connection, plan_timezone: str) -> None:
        self._connection = connection
        self._plan_timezone = plan_timezone

    async def load(self) -> None:
        """What Discord told and exports brought. Of equal texts on one day the first message stands for all."""
        await self._connection.execute(_MAKE)
        last = -(2**63)
        while rows := await self._connection.fetch(_STORED, self._plan_timezone, last, _PAGE):
            await self.add(KnownText(row["day"], digest_of(row["text"]), row["message_id"]) for row in rows)
            last = rows[-1]["message_id"]

    async def add(self, texts: Iterable[KnownText]) -> None:
        if columns := [list(column) for column in zip(*texts, strict=True)]:
            await self._connection.execute(_ADD, *columns)

    async def find(self, keys: Sequence[TextKey]) -> dict[TextKey, int]:
        """The messages of those texts that are known."""
        if not keys:
            return {}
        rows = await self._connection.fetch(_FIND, *(list(column) for column in zip(*keys, strict=True)))
        return {(row["day"], row["digest"]): row["message_id"] for row in rows}
