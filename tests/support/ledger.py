"""What has to be stored after a run: the sandbox's ledger is the truth, the database is compared with it."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from asyncpg import Connection

from tests.support.waiting import until
from worker.db.connection import Database, connected
from worker.ingest.coverage import find_gaps
from worker.sandbox import Channel, Sandbox

_STORED = """
SELECT message_id, CASE WHEN revision > 0 THEN content END, edited_at, deleted_at IS NOT NULL
  FROM discord_messages WHERE channel_id = $1 ORDER BY message_id
"""

_TOLD = """
SELECT event_type, data->>'message_id', data->>'edited_at' FROM events
 WHERE channel = 'discord:message' AND data->>'channel_id' = $1
"""

State = tuple[int, str | None, datetime | None, bool]


def expected(sandbox: Sandbox, channel: Channel, unobserved: Iterable[int] = ()) -> list[State]:
    """The last state of each message; those that came and went while nobody could see them are left out."""
    left_out = set(unobserved)
    return [
        (
            int(final["id"]),
            final["content"],
            datetime.fromisoformat(final["edited_timestamp"]) if final["edited_timestamp"] else None,
            final["deleted"],
        )
        for final in sandbox.ledger.final(channel.id)
        if int(final["id"]) not in left_out
    ]


async def stored(connection: Connection, channel: Channel) -> list[State]:
    return [tuple(row) for row in await connection.fetch(_STORED, channel.id)]


async def settled(database: Database, sandbox: Sandbox, *channels: Channel, unobserved: Iterable[int] = ()) -> None:
    """Waits until every channel holds what the ledger says and nothing is missing; then asserts that all is told
    exactly once."""
    async with connected(database, purpose="test") as connection:

        async def same() -> bool:
            for channel in channels:
                if await stored(connection, channel) != expected(sandbox, channel, unobserved):
                    return False
            newest = {channel.id: _newest(sandbox, channel) for channel in channels}
            return not await find_gaps(connection, newest)

        await until(same, "the database to hold what the ledger says")
        for channel in channels:
            await assert_told_once(connection, sandbox, channel, unobserved)


async def assert_told_once(
    connection: Connection, sandbox: Sandbox, channel: Channel, unobserved: Iterable[int] = ()
) -> None:
    """Each message is told as stored once, and as deleted once if it is; no edit twice."""
    told = Counter(tuple(row) for row in await connection.fetch(_TOLD, str(channel.id)))
    assert [fact for fact, times in told.items() if times > 1] == []
    finals = expected(sandbox, channel, unobserved)
    by_type = Counter((event_type, int(message_id)) for event_type, message_id, _ in told)
    for message_id, _, _, is_deleted in finals:
        assert by_type["discord.message.stored", message_id] == 1
        assert by_type["discord.message.deleted", message_id] == is_deleted
    assert {message_id for _, message_id in by_type} <= {final[0] for final in finals}


def _newest(sandbox: Sandbox, channel: Channel) -> int:
    return max((int(final["id"]) for final in sandbox.ledger.final(channel.id)), default=0)
