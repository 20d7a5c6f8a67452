"""Posts stored as the worker stores them: read by the real parsers, written by the real writer."""

import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import parsers
from parsers.reading import Reading
from worker.db.connection import Database, connect, connected
from worker.gateway.client import observe_message
from worker.ingest.observation import Observation, snowflake_at
from worker.ingest.writer import Writer

ZONE = "America/Chicago"


def read(text: str, posted_at: datetime, parser: str | None) -> Reading:
    return parsers.parse(text, posted_at, timezone=ZONE, format=parser)


class Posts:
    """What is posted in channels of guilds; each message is a minute younger than the one before."""

    def __init__(self, database: Database, writer: Writer) -> None:
        self._database = database
        self._writer = writer
        self._next = datetime(2026, 11, 23, 12, tzinfo=UTC)

    async def name(self, channel_id: int, guild_id: int, name: str) -> None:
        async with connected(self._database, purpose="test") as connection:
            await connection.execute(
                "INSERT INTO discord_channels (channel_id, guild_id, name, is_listen) VALUES ($1, $2, $3, true)",
                channel_id,
                guild_id,
                name,
            )

    async def post(self, channel_id: int, text: str, *, guild_id: int = 1, at: datetime | None = None) -> int:
        """The id of the stored message."""
        self._next += timedelta(minutes=1)
        message_id = snowflake_at(at or self._next)
        await self._write(message_id, channel_id, guild_id, text)
        return message_id

    async def edit(self, message_id: int, channel_id: int, text: str, *, guild_id: int = 1) -> None:
        self._next += timedelta(minutes=1)
        await self._write(message_id, channel_id, guild_id, text, edited_timestamp=self._next.isoformat())

    async def delete(self, message_id: int, channel_id: int, *, guild_id: int = 1) -> None:
        gone = Observation("deleted", "live", message_id, channel_id, guild_id, self._next)
        await self._writer.write([gone])

    async def _write(self, message_id: int, channel_id: int, guild_id: int, text: str, **more: str) -> None:
        author = {"id": "5", "username": "analyst"}
        payload = {"id": str(message_id), "channel_id": str(channel_id), "content": text, "author": author} | more
        await self._writer.write([observe_message(payload, origin="live", guild_id=guild_id)])


@asynccontextmanager
async def posts_in(database: Database) -> AsyncIterator[Posts]:
    opened = functools.partial(connect, database, purpose="writer", idle_in_transaction_timeout="2s")
    writer = Writer(opened, read, lambda _: None)
    try:
        yield Posts(database, writer)
    finally:
        await writer.close()
