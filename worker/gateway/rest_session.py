"""A client that only asks over REST, for commands: it never connects to the gateway."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from types import SimpleNamespace

import aiohttp
import discord

from worker.exits import ConfigError, RefusedError, UnavailableError
from worker.faults import named
from worker.gateway.client import intents
from worker.gateway.endpoints import point_library
from worker.gateway.pacing import InvalidRequests, Pace
from worker.gateway.rest import Rest
from worker.gateway.session import raise_if_final
from worker.settings import Settings

# The library raises a LoginFailure for a token, and hands on what aiohttp raises and, on Linux, a reset connection.
_FAILED = (
    *(discord.LoginFailure, discord.HTTPException, discord.RateLimited),
    *(aiohttp.ClientError, ConnectionError, TimeoutError),
)


@dataclass(slots=True)
class RestSession:
    """`clock_ahead` is by how many seconds this machine's clock is ahead of Discord's, which tells whole seconds."""

    client: discord.Client
    rest: Rest
    clock_ahead: float | None = None

    async def answered(
        self, _: aiohttp.ClientSession, __: SimpleNamespace, answered: aiohttp.TraceRequestEndParams
    ) -> None:
        if date := answered.response.headers.get("Date"):
            self.clock_ahead = (datetime.now(UTC) - parsedate_to_datetime(date)).total_seconds()


@asynccontextmanager
async def rest_session(settings: Settings) -> AsyncIterator[RestSession]:
    """A client that is logged in.

    Raises ConfigError, RefusedError and UnavailableError, the last two also for what the block asks in vain."""
    if settings.discord_token is None:
        raise ConfigError("DISCORD_TOKEN is not set: put the bot's token there (developer portal, Bot, Reset Token).")
    point_library(settings)
    trace = aiohttp.TraceConfig()
    client = discord.Client(intents=intents(), max_messages=None, http_trace=trace)
    session = RestSession(client, Rest(Pace(settings.history_page_seconds), InvalidRequests(), tries=1))
    trace.on_request_end.append(session.answered)
    try:
        await client.login(settings.discord_token.get_secret_value())
        yield session
    except _FAILED as error:
        raise_if_final(error)
        if isinstance(error, discord.HTTPException) and _is_refused(error.status):
            raise RefusedError(f"Discord refused a request: {named(error)}") from error
        raise UnavailableError(f"Discord cannot be reached: {named(error)}") from error
    finally:
        await client.close()


def _is_refused(status: int) -> bool:
    """Whether Discord was reached and wants nothing of it, now or later."""
    return status < HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.TOO_MANY_REQUESTS
