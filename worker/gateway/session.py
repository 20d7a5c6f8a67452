"""Keeps a session with Discord: logs in, stays, logs in again after any error that passes."""

import asyncio
import random
from collections.abc import Callable

import aiohttp
import discord
import structlog

from worker import metrics
from worker.exits import RefusedError
from worker.gateway.client import GatewayClient
from worker.health import Health

FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 1.0, 60.0

# Gateway close codes that no new attempt mends (4014 comes as PrivilegedIntentsRequired).
_FINAL_CLOSES = {
    4004: "Discord refused DISCORD_TOKEN: copy it again from the developer portal (Bot, Reset Token).",
    4010: "Discord refused the shard: one worker serves one bot that is not sharded.",
    4011: "The bot is in too many guilds for one session (Discord asks for sharding): use a bot of its own.",
    4012: "Discord no longer serves this version of its gateway: update the worker.",
    4013: "Discord refused the intents: update the worker.",
}
INTENT_MISSING = (
    "The Message Content intent is not granted: turn it on in the developer portal (Bot, Privileged Gateway Intents)."
)

log = structlog.get_logger(__name__)


async def keep_session(token: str, make_client: Callable[[], GatewayClient], health: Health) -> None:
    """Runs until it is cancelled.

    Raises RefusedError when Discord refuses the token or an intent: trying again would not help."""
    delay = FIRST_RETRY_SECONDS
    while True:
        health.wait_for("gateway", "logging in to Discord")
        client = make_client()
        began = asyncio.get_running_loop().time()
        try:
            await client.start(token, reconnect=True)
        except Exception as error:
            raise_if_final(error)
            metrics.GATEWAY_FAULTS.inc()
            reason = f"{type(error).__name__}: {error}"
            # The library raises an AttributeError where the very first connection is refused.
            passing = isinstance(error, aiohttp.ClientError | OSError | discord.DiscordException | AttributeError)
            log.warning("gateway.lost", reason=reason, exc_info=not passing)
            health.wait_for("gateway", f"Discord cannot be reached: {reason}")
        finally:
            metrics.GATEWAY_CONNECTED.set(0)
            if not client.is_closed():
                await client.close()
        if asyncio.get_running_loop().time() - began > LONGEST_RETRY_SECONDS:
            delay = FIRST_RETRY_SECONDS
        await asyncio.sleep(delay * random.uniform(0.5, 1.5))  # noqa: S311
        delay = min(delay * 2, LONGEST_RETRY_SECONDS)


def raise_if_final(error: Exception) -> None:
    """Raises RefusedError, with what to change, for what no new attempt mends."""
    if isinstance(error, discord.LoginFailure):
        raise RefusedError(_FINAL_CLOSES[4004]) from None
    if isinstance(error, discord.PrivilegedIntentsRequired):
        raise RefusedError(INTENT_MISSING) from None
    if isinstance(error, discord.ConnectionClosed) and error.code in _FINAL_CLOSES:
        raise RefusedError(_FINAL_CLOSES[error.code]) from None
