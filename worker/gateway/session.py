"""Keeps a session with Discord: logs in, stays, logs in again after any error that passes."""

import asyncio
from collections.abc import Callable

import aiohttp
import discord
import structlog

from worker import metrics
from worker.exits import RefusedError
from worker.faults import named
from worker.gateway.client import GatewayClient
from worker.gateway.watchdog import INTENT_MISSING, SessionGivenUpError, Watchdog
from worker.health import Health
from worker.waiting import Backoff

FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 1.0, 120.0

# Gateway close codes that no new attempt mends (4014 comes as PrivilegedIntentsRequired).
_FINAL_CLOSES = {
    4004: "Discord refused DISCORD_TOKEN: copy it again from the developer portal (Bot, Reset Token).",
    4010: "Discord refused the shard: one worker serves one bot that is not sharded.",
    4011: "The bot is in too many guilds for one session (Discord asks for sharding): use a bot of its own.",
    4012: "Discord no longer serves this version of its gateway: update the worker.",
    4013: "Discord refused the intents: update the worker.",
}

log = structlog.get_logger(__name__)


async def keep_session(
    token: str, make_client: Callable[[], GatewayClient], health: Health, watchdog: Watchdog
) -> None:
    """Runs until it is cancelled.

    Raises RefusedError when Discord refuses the token, or an intent from the first login on: trying again would not
    help. An intent that is lost later turns health red instead, so that the worker goes on when it is granted again."""
    retry = Backoff(FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS)
    was_connected = False
    while True:
        health.wait_for("gateway", "logging in to Discord")
        client = make_client()
        began = asyncio.get_running_loop().time()
        try:
            await _watched_session(client, token, watchdog)
        except Exception as error:  # noqa: BLE001  logged and counted by _account_for
            was_connected = was_connected or client.was_connected
            if not (was_connected and isinstance(error, discord.PrivilegedIntentsRequired)):
                raise_if_final(error)
            _account_for(error, health)
        finally:
            metrics.GATEWAY_CONNECTED.set(0)
            if not client.is_closed():
                await client.close()
        if asyncio.get_running_loop().time() - began > LONGEST_RETRY_SECONDS:
            retry.reset()
        await asyncio.sleep(retry.next())


async def _watched_session(client: GatewayClient, token: str, watchdog: Watchdog) -> None:
    session = asyncio.create_task(client.start(token, reconnect=True))
    guard = asyncio.create_task(watchdog.watch(client))
    try:
        done, _ = await asyncio.wait((session, guard), return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        client.lost()
        for task in (session, guard):
            task.cancel()
        await asyncio.gather(session, guard, return_exceptions=True)


def _account_for(error: Exception, health: Health) -> None:
    metrics.GATEWAY_FAULTS.inc()
    reason = named(error)
    if isinstance(error, discord.PrivilegedIntentsRequired):
        reason = INTENT_MISSING
    if isinstance(error, SessionGivenUpError):
        metrics.SESSIONS_FORCED.labels(error.reason).inc()
    # The library raises an AttributeError where the very first connection is refused.
    passing = isinstance(error, aiohttp.ClientError | OSError | discord.DiscordException | AttributeError)
    is_known = passing or isinstance(error, SessionGivenUpError)
    log.warning("gateway.lost", reason=reason, exc_info=not is_known)
    health.wait_for("gateway", f"Discord cannot be reached: {reason}")


def raise_if_final(error: Exception) -> None:
    """Raises RefusedError, with what to change, for what no new attempt mends."""
    if isinstance(error, discord.LoginFailure):
        raise RefusedError(_FINAL_CLOSES[4004]) from None
    if isinstance(error, discord.PrivilegedIntentsRequired):
        raise RefusedError(INTENT_MISSING) from None
    if isinstance(error, discord.ConnectionClosed) and error.code in _FINAL_CLOSES:
        raise RefusedError(_FINAL_CLOSES[error.code]) from None
