"""What has to be stored after a run: the sandbox's ledger is the truth, the database is compared with it."""

import re
from collections import Counter
from collections.abc import Collection
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
SELECT event_type, (data->>'message_id')::bigint, (data->>'edited_at')::timestamptz FROM events
 WHERE channel = 'discord:message' AND data->>'channel_id' = $1
"""

_COVERED_AND_NOT_STORED = """
SELECT message_id FROM unnest($1::bigint[], $2::bigint[]) AS standing (message_id, channel_id)
  JOIN discord_channels c USING (channel_id)
 WHERE c.covered @> message_id
   AND NOT EXISTS (SELECT FROM discord_messages m WHERE m.message_id = standing.message_id)
"""

_SESSIONS = """
SELECT application_name, state FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""

_LOCKS = """
SELECT locktype, mode, relation::regclass FROM pg_locks
 WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND pid <> pg_backend_pid()
"""

_RUNS_TOLD = """
SELECT count(*) AS runs, (SELECT count(*) FROM events WHERE event_type = 'schema.migrated') AS told,
       count(DISTINCT revision) AS revisions
  FROM migration_runs
"""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

_STORED_EVENT, _DELETED = "discord.message.stored", "discord.message.deleted"

State = tuple[int, str | None, datetime | None, bool]


def expected(sandbox: Sandbox, channel: Channel) -> list[State]:
    """The last state of each message that ever was. What PostgreSQL cannot hold is replaced one for one."""
    return [
        (
            int(final["id"]),
            _UNSTORABLE.sub("\ufffd", final["content"]),
            datetime.fromisoformat(final["edited_timestamp"]) if final["edited_timestamp"] else None,
            final["deleted"],
        )
        for final in sandbox.ledger.final(channel.id)
    ]


async def stored(connection: Connection, channel: Channel) -> list[State]:
    return [tuple(row) for row in await connection.fetch(_STORED, channel.id)]


async def settled(
    database: Database,
    sandbox: Sandbox,
    *channels: Channel,
    unobserved: Collection[int] = (),
    unwatched: Collection[int] = (),
) -> None:
    """Waits until every channel holds what the ledger says and nothing is missing; then asserts that all is told
    exactly once.

    `unobserved` are left out. Of `unwatched`, which changed while nobody was there, those that are deleted need not be
    known: what they said last, or that they ever were, Discord shows nobody."""
    async with connected(database, purpose="test") as connection:
        for channel in channels:
            comparison = _Comparison(connection, sandbox, channel, unobserved, unwatched)
            try:
                await until(comparison.holds, f"{channel.name} to hold what the ledger says")
            except AssertionError as error:
                raise AssertionError(f"{error}; it differs in {comparison.differences[:10]}") from None
            await until(comparison.is_covered, f"{channel.name} to be covered")
            await comparison.assert_told_once()


class _Comparison:
    def __init__(
        self,
        connection: Connection,
        sandbox: Sandbox,
        channel: Channel,
        unobserved: Collection[int],
        unwatched: Collection[int],
    ) -> None:
        self._connection = connection
        self._channel = channel
        finals = [state for state in expected(sandbox, channel) if state[0] not in unobserved]
        self._known = {state for state in finals if not (state[3] and state[0] in unwatched)}
        self._may_be_known = {state[0] for state in finals} - {state[0] for state in self._known}
        self._ever = {
            (entry.message.id, entry.message.edited_at)
            for entry in sandbox.ledger.entries
            if entry.message.channel.id == channel.id
        }
        self._newest = max((state[0] for state in finals), default=0)
        self.differences: list[State] = []

    async def holds(self) -> bool:
        found = await stored(self._connection, self._channel)
        # Of the rest the deletion at least is known wherever anything is.
        certain = {state for state in found if not (state[0] in self._may_be_known and state[3])}
        self.differences = sorted(certain ^ self._known, key=repr)
        return not self.differences

    async def is_covered(self) -> bool:
        return not await find_gaps(self._connection, {self._channel.id: self._newest})

    async def assert_told_once(self) -> None:
        """Each message is told as stored once, and as deleted once if it is; every state that it is told to have had
        it had, none is told twice, and the last one is among them."""
        told = Counter(tuple(row) for row in await self._connection.fetch(_TOLD, str(self._channel.id)))
        assert [fact for fact, times in told.items() if times > 1] == []
        by_type = Counter((event_type, message_id) for event_type, message_id, _ in told)
        states = {(message_id, edited_at) for event_type, message_id, edited_at in told if event_type != _DELETED}
        for message_id, _, edited_at, is_deleted in self._known:
            assert by_type[_STORED_EVENT, message_id] == 1
            assert by_type[_DELETED, message_id] == is_deleted
            assert (message_id, edited_at) in states
        for message_id in self._may_be_known:
            assert by_type[_STORED_EVENT, message_id] <= 1
            assert by_type[_DELETED, message_id] <= 1
        assert {message_id for _, message_id in by_type} <= {state[0] for state in self._known} | self._may_be_known
        assert states <= self._ever


async def assert_coverage_holds(database: Database, sandbox: Sandbox, *channels: Channel) -> None:
    """At any moment, so also right after a death: what is covered is stored. What is deleted nobody need have seen."""
    standing = {
        int(final["id"]): channel.id
        for channel in channels
        for final in sandbox.ledger.final(channel.id)
        if not final["deleted"]
    }
    async with connected(database, purpose="test") as connection:
        lost = await connection.fetch(_COVERED_AND_NOT_STORED, list(standing), list(standing.values()))
    assert [row["message_id"] for row in lost] == []


async def nothing_left_behind(database: Database) -> None:
    """Once the last worker has ended nobody holds a session, and so no lock and no transaction."""
    async with connected(database, purpose="test") as connection:

        async def all_gone() -> bool:
            return not await connection.fetch(_SESSIONS) and not await connection.fetch(_LOCKS)

        await until(all_gone, "every session and lock to be gone")


async def assert_migrations_told(database: Database) -> None:
    """Every revision was applied once, and is told once."""
    async with connected(database, purpose="test") as connection:
        row = await connection.fetchrow(_RUNS_TOLD)
        assert row is not None
        assert row["runs"] == row["told"] == row["revisions"] > 0
