"""What history asks of Discord, as it answers: paced, counted, and tried again where it passes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import aiohttp
import discord
import structlog

from worker.faults import named
from worker.gateway.pacing import InvalidRequests, Pace
from worker.waiting import Backoff

PAGE = 100  # messages or threads; Discord gives no more
TRIES = 5
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 0.5, 4.0

# What passes: the library gives up on a 503, and on Linux it hands a reset connection on.
PASSING_REST = (OSError, TimeoutError, aiohttp.ClientError, discord.DiscordServerError, discord.RateLimited)
UNKNOWN_CHANNEL = 10003
UNKNOWN_MESSAGE = 10008


class SessionEndedError(Exception):
    """The client that was asked is closed; another one may be connected by and by."""


Answer = TypeVar("Answer")
Payload = dict[str, Any]

log = structlog.get_logger(__name__)


class Rest:
    """Every method raises discord.Forbidden or NotFound for what is refused, one of PASSING_REST when tries run out,
    SessionEndedError and BudgetSpentError."""

    def __init__(self, pace: Pace, invalid: InvalidRequests, *, tries: int = TRIES) -> None:
        """`tries` are beside the library's own, which take 25 s where Discord answers with a 5xx."""
        self._pace = pace
        self._invalid = invalid
        self._tries = tries

    async def messages(self, client: discord.Client, channel_id: int, *, after: int) -> list[Payload]:
        """The oldest messages behind an id, at most PAGE, oldest first."""
        page = await self._ask(
            client, lambda: client.http.logs_from(channel_id, PAGE, after=after), lambda: self._pace.page(channel_id)
        )
        return [dict(message) for message in reversed(page)]

    async def message(self, client: discord.Client, channel_id: int, message_id: int) -> Payload | None:
        """One message; None where Discord says that there is no such message in a channel that it knows."""
        try:
            return dict(await self._ask(client, lambda: client.http.get_message(channel_id, message_id)))
        except discord.NotFound as error:
            if error.code == UNKNOWN_MESSAGE:
                return None
            raise

    async def channel(self, client: discord.Client, channel_id: int) -> Payload:
        return dict(await self._ask(client, lambda: client.http.get_channel(channel_id)))

    async def guild_channels(self, client: discord.Client, guild_id: int) -> list[Payload]:
        """A guild's channels, without threads."""
        return [dict(one) for one in await self._ask(client, lambda: client.http.get_all_guild_channels(guild_id))]

    async def application(self, client: discord.Client) -> Payload:
        return dict(await self._ask(client, client.http.application_info))

    async def archived_threads(
        self, client: discord.Client, channel_id: int, *, private: bool, before: str | None
    ) -> tuple[list[Payload], bool]:
        """Archived threads, the last archived first, and whether there are more. `before` is an archive time, or for
        private ones a thread's id."""
        ask = client.http.get_joined_private_archived_threads if private else client.http.get_public_archived_threads
        answer: Any = await self._ask(client, lambda: ask(channel_id, before, PAGE))
        return [dict(thread) for thread in answer["threads"]], bool(answer["has_more"])

    async def _ask(
        self,
        client: discord.Client,
        request: Callable[[], Awaitable[Answer]],
        turn: Callable[[], Awaitable[None]] | None = None,
    ) -> Answer:
        retry = Backoff(FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS)
        for attempt in range(1, self._tries + 1):
            self._invalid.check()
            await (turn or self._pace.turn)()
            try:
                return await request()
            except Exception as error:
                if client.is_closed():
                    # The library's connector raises a RuntimeError then.
                    raise SessionEndedError("the session with Discord has ended") from error
                if attempt == self._tries or not _passes(error):
                    raise
                log.warning("history.retried", attempt=attempt, reason=named(error))
            await asyncio.sleep(retry.next())
        raise AssertionError("unreachable")


def _passes(error: Exception) -> bool:
    """The library obeys most 429s itself; one that it hands on came without the header that it looks for."""
    return isinstance(error, PASSING_REST) or (isinstance(error, discord.HTTPException) and error.status == 429)
