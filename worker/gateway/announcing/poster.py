"""Brings what the worker posts by itself to Discord: each post exactly once, and edited where it says something else.

A row says `sending` before Discord is asked, and the request bears a nonce that Discord takes only once within a few
minutes. An attempt whose end is not known is looked for in the channel before the next one, also after a crash."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import discord
import structlog
from asyncpg import Connection

from worker import metrics
from worker.db.lease import LeaseLostError, task_group
from worker.db.shared_session import SharedSession
from worker.failpoints import reach
from worker.faults import named
from worker.gateway.announcing.post import Post, bears
from worker.gateway.announcing.post_rows import PostRow, PostTable
from worker.gateway.pacing import BudgetSpentError, InvalidRequests
from worker.gateway.rest import PASSING_REST, UNKNOWN_MESSAGE
from worker.ingest.writer import PASSING
from worker.waiting import doubled, happened

POLL_SECONDS = 1.0  # how often rows are looked at whose pause is over
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 0.5, 600.0
CLOCKS_APART = timedelta(minutes=2)  # ids are made by Discord's clock, the time of an attempt is the database's

log = structlog.get_logger(__name__)


class RefusedByDiscordError(Exception):
    """Discord refused, or its answer did not come; the cause is what it was asked with."""


@contextlib.contextmanager
def _asking_discord() -> Iterator[None]:
    """Tells what Discord does from what the database does, which ends in errors of the same classes."""
    try:
        yield
    except (discord.HTTPException, BudgetSpentError, *PASSING_REST) as error:
        raise RefusedByDiscordError(named(error)) from error


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be read in a channel; None: it is not to be posted, and where it is posted already it is edited."""

    channel_id: int | None
    post: Post


@dataclass(frozen=True, slots=True)
class PostKind:
    """`nonce` and `mark` name a post by its row's key, among all that the bot posts; `read` gives what is wanted."""

    table: PostTable
    nonce: Callable[[int], str]
    mark: Callable[[int], str]
    read: Callable[[Connection, int], Awaitable[Wanted]]


class Poster:
    """Posts channel by channel, so that one that refuses or limits holds up no other."""

    def __init__(
        self,
        session: SharedSession,
        kinds: Sequence[PostKind],
        *,
        invalid: InvalidRequests,
        explain: Callable[[int, Exception], str],
        on_failed: Callable[[], None],
    ) -> None:
        """`explain` says why a channel refuses; `on_failed` hears of every try in vain."""
        self._session = session
        self._kinds = kinds
        self._invalid = invalid
        self._explain = explain
        self._on_failed = on_failed
        self._channels: dict[int, asyncio.Task[None]] = {}
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something may be due."""
        self._woken.set()

    async def run(self, client: discord.Client) -> None:
        """For ever, with a client that is logged in. Raises LeaseLostError."""
        async with task_group() as group:
            while True:
                self._woken.clear()
                await self._begin_due(client, group)
                await happened(self._woken, POLL_SECONDS)

    async def _begin_due(self, client: discord.Client, group: asyncio.TaskGroup) -> None:
        due = defaultdict[int, list[tuple[PostKind, PostRow]]](list)
        try:
            async with self._session.use() as connection:
                for kind in self._kinds:
                    for row in await kind.table.due(connection):
                        due[row.channel_id].append((kind, row))
        except PASSING as error:
            log.warning("announcing.not_looked", reason=named(error))
        for channel_id, rows in due.items():
            if channel_id not in self._channels:
                task = group.create_task(self._settle_all(client, rows))
                self._channels[channel_id] = task
                task.add_done_callback(partial(self._ended, channel_id))

    def _ended(self, channel_id: int, _: asyncio.Task[None]) -> None:
        del self._channels[channel_id]
        self._woken.set()  # what was asked for meanwhile is begun at once

    async def _settle_all(self, client: discord.Client, rows: Sequence[tuple[PostKind, PostRow]]) -> None:
        for kind, row in rows:
            try:
                await self._settle_or_pause(client, kind, row)
            except PASSING as error:
                log.warning("announcing.not_written", reason=named(error))
                return

    async def _settle_or_pause(self, client: discord.Client, kind: PostKind, row: PostRow) -> None:
        try:
            await _Settling(client, self._session, kind, row, self._invalid).run()
        except (LeaseLostError, *PASSING):
            raise
        except RefusedByDiscordError as error:
            log.warning("announcing.refused", **_named(kind, row), tries=row.tries + 1, reason=str(error))
            await self._pause(kind, row, self._explain(row.channel_id, error))
        except Exception as error:
            log.exception("announcing.failed", **_named(kind, row), tries=row.tries + 1)
            await self._pause(kind, row, named(error))

    async def _pause(self, kind: PostKind, row: PostRow, reason: str) -> None:
        metrics.POSTS.labels(kind.table.name, "failed").inc()
        pause = doubled(FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS, row.tries)
        async with self._session.use() as connection:
            await kind.table.failed(connection, row.key, pause, reason)
        self._on_failed()


def _named(kind: PostKind, row: PostRow) -> dict[str, Any]:
    return {"table": kind.table.name, "key": row.key, "channel_id": row.channel_id}


@dataclass(slots=True)
class _Settling:
    """One row on its way to what Discord shows."""

    client: discord.Client
    session: SharedSession
    kind: PostKind
    row: PostRow
    invalid: InvalidRequests

    async def run(self) -> None:
        message_id = self.row.message_id
        if message_id is None and self.row.state == "sending":
            message_id = await self._find()
        async with self.session.use() as connection:
            wanted = await self.kind.read(connection, self.row.key)
        if message_id is None:
            await self._post(wanted.channel_id, wanted.post)
        elif wanted.post.content_hash != self.row.content_hash:
            await self._edit(message_id, self.row.channel_id, wanted.post)
        else:
            await self._posted(message_id, wanted.post, "unchanged")

    async def _find(self) -> int | None:
        """The post of an attempt whose end is not known; None: it never came through."""
        with _asking_discord():
            message_id = await self._found()
        if message_id is not None:
            async with self.session.use() as connection:
                await self.kind.table.posted(connection, self.row.key, message_id, None, 0)
        return message_id

    async def _found(self) -> int | None:
        channel = self.client.get_partial_messageable(self.row.channel_id)
        await self._check_history(channel)
        began = self.row.sending_since or discord.utils.snowflake_time(self.row.channel_id)
        own_id, mark = self.client.user.id if self.client.user else 0, self.kind.mark(self.row.key)
        async for message in channel.history(limit=None, after=began - CLOCKS_APART, oldest_first=True):
            if message.author.id == own_id and bears(message, mark):
                return message.id
        return None

    async def _check_history(self, channel: discord.PartialMessageable) -> None:
        """An empty page proves nothing without Read Message History, and a message that is asked for by its id is
        refused then, whether it is there or not. Raises discord.Forbidden."""
        self.invalid.check()
        try:
            await channel.fetch_message(self.row.channel_id)
        except discord.NotFound as error:
            if error.code != UNKNOWN_MESSAGE:
                raise

    async def _post(self, channel_id: int | None, post: Post) -> None:
        if channel_id is None:
            async with self.session.use() as connection:
                await self.kind.table.left(connection, self.row.key, self.row.asked)
            return
        parts = await post.parts()
        async with self.session.use() as connection:
            await self.kind.table.begin_sending(connection, self.row.key, channel_id)
        reach("announcer.row_committed")
        channel = self.client.get_partial_messageable(channel_id)
        with _asking_discord():
            self.invalid.check()
            files = parts.pop("attachments")
            message = await channel.send(**parts, files=files, nonce=self.kind.nonce(self.row.key))
        reach("announcer.posted")
        if self.row.state == "sending":
            # For its nonce Discord may have given the message of the attempt before, with what was true then.
            await self._edit(message.id, channel_id, post)
        else:
            await self._posted(message.id, post, "posted")

    async def _edit(self, message_id: int, channel_id: int, post: Post) -> None:
        parts = await post.parts()
        channel = self.client.get_partial_messageable(channel_id)
        try:
            with _asking_discord():
                self.invalid.check()
                await channel.get_partial_message(message_id).edit(**parts)
        except RefusedByDiscordError as error:
            if not (isinstance(error.__cause__, discord.NotFound) and error.__cause__.code == UNKNOWN_MESSAGE):
                raise
            async with self.session.use() as connection:
                await self.kind.table.deleted(connection, self.row.key)
            return
        await self._posted(message_id, post, "edited")

    async def _posted(self, message_id: int, post: Post, outcome: str) -> None:
        async with self.session.use() as connection:
            await self.kind.table.posted(connection, self.row.key, message_id, post.content_hash, self.row.asked)
        metrics.POSTS.labels(self.kind.table.name, outcome).inc()
        log.info(f"announcing.{outcome}", **_named(self.kind, self.row), message_id=message_id)
