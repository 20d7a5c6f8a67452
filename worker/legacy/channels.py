"""Old channels and how far they were read: to discord_channels, never over what is configured there."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from asyncpg import Connection

from worker import correlation
from worker.events.catalogue import ChannelAdded, Event
from worker.ingest.channel_changes import COMMAND_LINE, record_change
from worker.ingest.observation import snowflake_time
from worker.ingest.statements import LOCK_CHANNELS
from worker.legacy.cells import Moments, flag, message_snowflake, whole_number
from worker.legacy.old_rows import OldRow, row_text
from worker.legacy.plan import TablePlan
from worker.legacy.runs import TableProgress
from worker.legacy.target import Pair, ReadRow, Refusal, Taken, Written
from worker.words import ChannelKind, ImportOutcome

KINDS: dict[str, ChannelKind] = {
    "text": "text",
    "0": "text",
    "news": "news",
    "announcement": "news",
    "5": "news",
    "thread": "thread",
    "public_thread": "thread",
    "private_thread": "thread",
    "news_thread": "thread",
    "10": "thread",
    "11": "thread",
    "12": "thread",
    "forum": "forum",
    "15": "forum",
    "voice": "voice",
    "2": "voice",
    "private": "direct",
    "dm": "direct",
    "1": "direct",
}
"""How a channel's kind is spelt by people, by discord.py and by Discord's API."""

# A hint how far history was read makes the worker begin to fetch there: it proves nothing, so it is no coverage.
# Of several hints the earliest is taken: to fetch once more is harmless, to leave something out is not.
_PUT_CHANNEL = """
INSERT INTO discord_channels AS c (channel_id, guild_id, name, kind, is_listen, is_announce, is_active, history_from)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (channel_id) DO UPDATE
   SET guild_id = coalesce(c.guild_id, excluded.guild_id),
       name = CASE c.name WHEN '' THEN excluded.name ELSE c.name END,
       kind = CASE c.kind WHEN 'unknown' THEN excluded.kind ELSE c.kind END,
       history_from = least(c.history_from, excluded.history_from),
       updated_at = now()
 WHERE c.guild_id IS NULL AND excluded.guild_id IS NOT NULL OR c.name = '' AND excluded.name <> ''
    OR c.kind = 'unknown' AND excluded.kind <> 'unknown' OR excluded.history_from < c.history_from
    OR c.history_from IS NULL AND excluded.history_from IS NOT NULL
RETURNING xmax = 0 AS is_new
"""

_CHANNELS = "SELECT channel_id FROM discord_channels WHERE channel_id = ANY($1::bigint[])"


class ChannelEntry(NamedTuple):
    channel_id: int
    guild_id: int | None
    name: str = ""
    kind: ChannelKind = "unknown"
    is_listen: bool = False
    is_announce: bool = False
    is_active: bool = True
    history_from: datetime | None = None


class ChannelRows:
    """Makes channels out of a table of channels, or hints for channels out of how far each was read.

    `imported` has the channels that the import brought; all tables of channels share it."""

    def __init__(self, connection: Connection, plan: TablePlan, imported: set[int]) -> None:
        self._connection = connection
        self._plan = plan
        self._imported = imported
        cell = plan.cell
        self._channel_id, self._guild_id = cell("channel_id"), cell("guild_id")
        self._name, self._kind = cell("name"), cell("kind")
        self._is_listen, self._is_announce, self._is_active = cell("is_listen"), cell("is_announce"), cell("is_active")
        self._last_message_id, self._last_run_at = cell("last_message_id"), cell("last_run_at")
        self._moments = Moments(plan.zone("last_run_at"))

    def read(self, row: OldRow) -> ChannelEntry | Refusal:
        cells = row.cells
        channel_id = whole_number(self._channel_id(cells))
        if channel_id is None:
            return Refusal("bad_id", f"no Discord id of a channel: {self._channel_id(cells)!r}")
        return ChannelEntry(
            channel_id,
            whole_number(self._guild_id(cells)),
            (self._name(cells) or "").strip(),
            KINDS.get((self._kind(cells) or "").strip().lower(), "unknown"),
            flag(self._is_listen(cells), default=False),
            flag(self._is_announce(cells), default=False),
            flag(self._is_active(cells), default=True),
            self._read_up_to(row),
        )

    def _read_up_to(self, row: OldRow) -> datetime | None:
        if (message_id := message_snowflake(self._last_message_id(row.cells))) is not None:
            return snowflake_time(message_id)
        return self._moments.read(self._last_run_at(row.cells))

    def study(self, found: ChannelEntry) -> ChannelEntry:
        return found

    def kept(self, row: OldRow, _: object) -> str:
        """Everything: a row of ours can be changed by what Discord tells later."""
        return row_text(self._plan.table, row.cells)

    async def place(self, found: Sequence[ChannelEntry]) -> list[ChannelEntry | Refusal]:
        return list(found)

    async def write(self, entries: Sequence[ChannelEntry], progress: TableProgress) -> Written:
        # In order of id, as every writer locks channels.
        await self._connection.fetch(LOCK_CHANNELS, [entry.channel_id for entry in entries])
        written, imported = Written([]), set(self._imported)
        for entry in entries:
            is_new = await self._connection.fetchval(_PUT_CHANNEL, *entry)
            is_known: ImportOutcome = "merged" if entry.channel_id in imported else "already_there"
            written.taken.append(Taken("inserted" if is_new else is_known, entry.channel_id))
            imported.add(entry.channel_id)
            if is_new and entry.is_listen and entry.is_active:
                event = _added(entry)
                changed = {"is_listen": True, "is_active": True}
                await record_change(self._connection, entry.channel_id, changed, COMMAND_LINE, event.correlation_id)
                written.events.append(event)
        return written

    async def recall(self, rows: Sequence[tuple[ReadRow, Taken]]) -> None:
        self._imported.update(taken.new_id for _, taken in rows)

    async def compare(self, rows: Sequence[tuple[ReadRow, Taken]]) -> list[Pair]:
        """By their ids: everything else Discord or the user may have changed since."""
        ids = [taken.new_id for _, taken in rows]
        stored = {record["channel_id"] for record in await self._connection.fetch(_CHANNELS, ids)}
        return [
            Pair(
                str(found) if isinstance(found, Refusal) else f"channel {found.channel_id}",
                f"channel {taken.new_id}" if taken.new_id in stored else "",
            )
            for (_, found, _), taken in rows
        ]


def _added(entry: ChannelEntry) -> Event:
    """That the channel is listened to is a fact of today, so readers are told like of any other."""
    return Event(
        ChannelAdded(
            channel_id=str(entry.channel_id),
            guild_id=str(entry.guild_id) if entry.guild_id is not None else None,
            changed_by=str(COMMAND_LINE),
        ),
        correlation.of_name(f"channel:config:{entry.channel_id}:legacy_import"),
    )
