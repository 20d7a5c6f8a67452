"""Reads the newest part of a channel again, to find what was edited and deleted while nobody was told."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import discord
import structlog

from worker.failpoints import reach
from worker.gateway.gap_fetch import Means, NotPermittedError
from worker.gateway.rest import PAGE
from worker.ingest.observation import Observation, snowflake_at
from worker.ingest.queue import account
from worker.ingest.verifications import add_verification, newest_stretch, standing_messages

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Window:
    """How far back is read again: both bounds hold.

    Messages become visible out of order, so that one younger than `settled_seconds` is not taken to be deleted."""

    messages: int
    days: float
    settled_seconds: float

    @property
    def first_id(self) -> int:
        return snowflake_at(datetime.now(UTC) - timedelta(days=self.days))


class LookBack:
    def __init__(self, means: Means, channel_id: int, window: Window) -> None:
        self._means = means
        self._channel_id = channel_id
        self._window = window
        self._is_settled = True

    async def run(self) -> bool:
        """False: something that is missing is too young to be taken to be deleted.

        Raises NotPermittedError, OutOfSightError, what Rest and the writer raise, and LeaseLostError."""
        async with self._means.session.use() as connection:
            stretch = await newest_stretch(
                connection, self._channel_id, not_before=self._window.first_id, messages=self._window.messages
            )
        if stretch is None:
            return True
        first_id, last_id = stretch
        edited = deleted = 0
        while first_id <= last_id:
            page_edited, page_deleted, first_id = await self._page(first_id, last_id)
            edited, deleted = edited + page_edited, deleted + page_deleted
        log.info("history.looked_back", channel_id=self._channel_id, edited=edited, deleted=deleted)
        return self._is_settled

    async def _page(self, first_id: int, last_id: int) -> tuple[int, int, int]:
        """Edited and deleted messages of a page, and where the next one begins."""
        means = self._means
        client = means.connected_client()
        guild_id = means.readable_channel(self._channel_id).guild.id
        began = datetime.now(UTC)
        page = await means.rest.messages(client, self._channel_id, after=first_id - 1)
        seen = [client.observe(message, origin="history", guild_id=guild_id) for message in page]
        reached = last_id if len(page) < PAGE else min(seen[-1].message_id, last_id)
        async with means.session.use() as connection:
            standing = await standing_messages(connection, self._channel_id, first_id, reached)
        missing = sorted(set(standing) - {one.message_id for one in seen})
        asked_one_by_one = [await self._ask(message_id, guild_id) for message_id in missing]
        seen += [one for one in asked_one_by_one if one is not None]
        started = time.perf_counter()
        written = await means.writers.write(seen)
        reach("look_back.page_written")
        account(seen, written, time.perf_counter() - started)
        if None in asked_one_by_one:
            self._is_settled = False
        else:
            async with means.session.use() as connection:
                await add_verification(connection, self._channel_id, first_id, reached, at=began, epoch=means.epoch)
        means.on_commit()
        return written.edited, written.deleted, reached + 1

    async def _ask(self, message_id: int, guild_id: int) -> Observation | None:
        """What is missing from a page may not be visible yet, or was hidden with the permission: one by one, Discord
        tells a message that does not exist from one that may not be read. None: too young to tell."""
        if message_id > snowflake_at(datetime.now(UTC) - timedelta(seconds=self._window.settled_seconds)):
            return None
        client = self._means.connected_client()
        try:
            payload = await self._means.rest.message(client, self._channel_id, message_id)
        except discord.Forbidden:
            raise NotPermittedError from None
        if payload is not None:
            return client.observe(payload, origin="history", guild_id=guild_id)
        now = datetime.now(UTC)
        return Observation("deleted", "history", message_id, self._channel_id, guild_id, now, deletion_inferred=True)
