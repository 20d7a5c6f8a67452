"""Old messages: to discord_messages, and what today's parsers read in them, by the writer that live messages take."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple, cast

from asyncpg import Connection

import parsers
from parsers.reading import Reading
from worker import correlation
from worker.events.catalogue import Event, MessageFact, MessageStored
from worker.ingest.message_writer import Written as WrittenMessages
from worker.ingest.message_writer import write_seen
from worker.ingest.observation import Observation
from worker.ingest.prepared import PreparedMessage, prepare, read_safely
from worker.legacy.known_texts import KnownText, KnownTexts, TextKey
from worker.legacy.message_comparison import compare_messages
from worker.legacy.old_rows import OldRow, row_text
from worker.legacy.plan import LEGACY_CHANNEL_ID, TablePlan
from worker.legacy.posts import Post, PostReader, surrogate_id
from worker.legacy.runs import TableProgress
from worker.legacy.stored_texts import StoredTexts, stored_texts
from worker.legacy.target import Pair, PastEvent, ReadRow, Refusal, Taken, Written, tell_past
from worker.words import Origin

_STORED = "SELECT message_id, origin, posted_at FROM discord_messages WHERE message_id = ANY($1::bigint[])"

_ADD_LEGACY_CHANNEL = """
INSERT INTO discord_channels (channel_id, name, kind, is_active) VALUES ($1, 'legacy', 'legacy', false)
ON CONFLICT (channel_id) DO NOTHING
"""


class MessageEntry(NamedTuple):
    """A row's message. `message` is None where its text is known already, be it from another row of this batch."""

    message_id: int
    message: PreparedMessage | None


class _Stored(NamedTuple):
    """What is stored of a message once its batch is written."""

    message_id: int
    origin: Origin
    posted_at: datetime


class MessageRows:
    """Makes messages out of the rows of one table."""

    def __init__(
        self,
        connection: Connection,
        plan: TablePlan,
        known_texts: KnownTexts,
        plan_timezone: str,
        parser_of: Callable[[int], str | None],
    ) -> None:
        self._connection = connection
        self._plan = plan
        self._label = plan.table.label
        self._reader = PostReader(plan, plan_timezone)
        self._known_texts = known_texts
        self._timezone = plan_timezone
        self._parser_of = parser_of

    def read(self, row: OldRow) -> Post | Refusal:
        return self._reader.read(row)

    def study(self, found: Post) -> Post:
        """Runs today's parser."""
        name = correlation.of_message(found.message_id or surrogate_id(found))
        parser = self._parser_of(found.channel_id)
        return replace(found, reading=read_safely(self._parse, found.text, found.posted_at, parser, name))

    def _parse(self, text: str, posted_at: datetime, parser: str | None) -> Reading:
        return parsers.parse(text, posted_at, timezone=self._timezone, format=parser)

    def kept(self, row: OldRow, _: object) -> str:
        """Everything: a row of ours can be changed by what Discord tells later."""
        return row_text(self._plan.table, row.cells)

    async def place(self, found: Sequence[Post]) -> list[MessageEntry | Refusal]:
        ids = await self._message_ids(found)
        texts = await stored_texts(self._connection, set(ids))
        return [self._entry(post, message_id, texts) for post, message_id in zip(found, ids, strict=True)]

    async def _message_ids(self, posts: Sequence[Post]) -> list[int]:
        """The id of each: its own, that of the same text on the same day, or a surrogate that is free."""
        nameless = [post for post in posts if post.message_id is None]
        known = await self._known_texts.find([_key(post) for post in nameless])
        for post in posts:
            if post.message_id is not None:
                known.setdefault(_key(post), post.message_id)
        fresh: dict[TextKey, int] = {}
        for post in nameless:
            if _key(post) not in known:
                fresh.setdefault(_key(post), surrogate_id(post))
        taken = await stored_texts(self._connection, fresh.values())
        for (day, digest), wanted in fresh.items():
            message_id = wanted
            while message_id in taken and digest not in taken[message_id].digests:
                message_id += 1  # another text of the same millisecond has it
                taken |= await stored_texts(self._connection, [message_id])
            taken[message_id] = StoredTexts(digests={digest})
            known[day, digest] = message_id
        return [post.message_id or known[_key(post)] for post in posts]

    def _entry(self, post: Post, message_id: int, texts: dict[int, StoredTexts]) -> MessageEntry | Refusal:
        stored = texts.setdefault(message_id, StoredTexts())
        placed = stored.placed(post, self._label)
        if isinstance(placed, Refusal):
            return placed
        if placed is None:
            return MessageEntry(message_id, None)
        stored.add(placed, self._label)
        return MessageEntry(message_id, self._prepared(placed, message_id))

    def _prepared(self, post: Post, message_id: int) -> PreparedMessage:
        """A surrogate id has no time of Discord's in it, so the row's own is what the text is read by.

        Where something in it had to be cleaned it is another text than the one that was studied."""
        received_at = post.stored_at or post.posted_at
        observation = Observation(
            "posted", "legacy", message_id, post.channel_id, post.guild_id, received_at, post.payload
        )

        def read(text: str, _: datetime, parser: str | None) -> Reading:
            if post.reading is not None and text == post.text:
                return post.reading
            return self._parse(text, post.posted_at, parser)

        message = prepare(observation, read, self._parser_of(post.channel_id))
        return message._replace(posted_at=post.posted_at, stored_event=None)

    async def write(self, entries: Sequence[MessageEntry], progress: TableProgress) -> Written:
        messages = [entry.message for entry in entries if entry.message is not None]
        if any(message.channel_id == LEGACY_CHANNEL_ID for message in messages):
            await self._connection.execute(_ADD_LEGACY_CHANNEL, LEGACY_CHANNEL_ID)
        events = await write_seen(self._connection, messages, (), defaultdict(WrittenMessages))
        ids = {entry.message_id for entry in entries} | {_about(event) for event in events}
        stored = {row["message_id"]: _Stored(*row) for row in await self._connection.fetch(_STORED, list(ids))}
        past = [event for event in events if stored[_about(event)].origin == "legacy"]
        await self._tell(past, stored, progress)
        new = {_about(event) for event in events if isinstance(event.fact, MessageStored)}
        for message in messages:
            if message.message_id in new:
                _count(message, progress)
        present = [event for event in events if stored[_about(event)].origin != "legacy"]
        return Written(_taken(entries, new, stored), present)

    async def _tell(self, events: Sequence[Event], stored: Mapping[int, _Stored], progress: TableProgress) -> None:
        """Each at the time of the message that it is about."""
        first = progress.first_event_id + progress.told
        await tell_past(
            self._connection,
            [
                PastEvent(
                    first + number,
                    event.fact_class.channel,
                    event.fact_class.event_type,
                    "legacy_import",
                    event.correlation_id,
                    event.data,
                    stored[_about(event)].posted_at,
                )
                for number, event in enumerate(events)
            ],
        )
        progress.told += len(events)

    async def recall(self, rows: Sequence[tuple[ReadRow, Taken]]) -> None:
        texts: dict[TextKey, int] = {}
        for (_, found, _), taken in rows:
            if isinstance(found, Post):
                texts.setdefault(_key(found), taken.new_id)
        await self._known_texts.add([KnownText(*key, message_id) for key, message_id in texts.items()])

    async def compare(self, rows: Sequence[tuple[ReadRow, Taken]]) -> list[Pair]:
        return await compare_messages(self._connection, [(found, taken) for (_, found, _), taken in rows])


def _key(post: Post) -> TextKey:
    return post.day, post.digest


def _about(event: Event) -> int:
    """Everything that storing a message tells is about a message."""
    return int(cast("MessageFact", event.fact).message_id)


def _count(message: PreparedMessage, progress: TableProgress) -> None:
    reading = message.reading
    progress.made[reading.state] += 1
    progress.made["unread"] += len(reading.unread)
    for plan in message.plans:
        progress.made["plans"] += 1
        progress.made["setups"] += len(plan.setups)
        progress.made["levels"] += len(plan.bias_levels) + sum(len(setup.levels) for setup in plan.setups)


def _taken(entries: Sequence[MessageEntry], new: set[int], stored: Mapping[int, _Stored]) -> list[Taken]:
    """The first row of a message that is new is the one that made it; others of imported ones are merged with it."""
    left = set(new)
    taken = []
    for message_id, _ in entries:
        if message_id in left:
            left.discard(message_id)
            taken.append(Taken("inserted", message_id))
        else:
            is_imported = stored[message_id].origin == "legacy"
            taken.append(Taken("merged" if is_imported else "already_there", message_id))
    return taken
