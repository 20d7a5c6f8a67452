"""Finds what the library does not: a session that only seems to live. A fresh login is what mends it."""

import asyncio
from collections.abc import Callable
from typing import NoReturn

import discord
import structlog

from worker.faults import named
from worker.gateway.client import GatewayClient
from worker.gateway.pacing import BudgetSpentError
from worker.gateway.rest import PASSING_REST, Rest, SessionEndedError
from worker.health import Health

LOOKS = 4  # at the pulse, between two checks over REST

INTENT_MISSING = (
    "The Message Content intent is not granted: turn it on in the developer portal (Bot, Privileged Gateway Intents)."
)

# Application flags. Source: Discord's developer documentation, "Application", GATEWAY_MESSAGE_CONTENT and its limited
# form for bots in few guilds.
MESSAGE_CONTENT_FLAGS = 1 << 18 | 1 << 19

log = structlog.get_logger(__name__)


class SessionGivenUpError(Exception):
    """`reason` is `unanswered` (heartbeats), `lost` (no session for too long) or `deaf` (events do not come)."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the session is given up: {reason}")
        self.reason = reason


class Watchdog:
    def __init__(
        self,
        rest: Rest,
        health: Health,
        *,
        check_seconds: float,
        patience_seconds: float,
        on_content_back: Callable[[], None],
    ) -> None:
        """`on_content_back` is called when messages have their content again, after they came without it."""
        self._rest = rest
        self._health = health
        self._check_seconds = check_seconds
        self._patience_seconds = patience_seconds
        self._on_content_back = on_content_back
        self._lacks_content = False

    async def watch(self, client: GatewayClient) -> NoReturn:
        """Raises SessionGivenUpError."""
        told: dict[int, int] = {}
        while True:
            for _ in range(LOOKS):
                await asyncio.sleep(self._check_seconds / LOOKS)
                self._look(client)
            if client.pulse.is_connected:
                try:
                    await self._check_content(client)
                    told = await self._check_hearing(client, told)
                except (discord.HTTPException, BudgetSpentError, SessionEndedError, *PASSING_REST) as error:
                    log.warning("watchdog.not_checked", reason=named(error))

    def _look(self, client: GatewayClient) -> None:
        if client.pulse.is_unanswered:
            raise SessionGivenUpError("unanswered")
        if client.pulse.disconnected_seconds > self._patience_seconds:
            raise SessionGivenUpError("lost")

    async def _check_hearing(self, client: GatewayClient, told: dict[int, int]) -> dict[int, int]:
        """What REST told a check ago has to have come over the gateway by now. Returns what REST tells."""
        heard = client.visible_newest_messages()
        for channel_id in heard.keys() & told.keys():
            if told[channel_id] > heard[channel_id]:
                log.error("watchdog.deaf", channel_id=channel_id, message_id=told[channel_id])
                raise SessionGivenUpError("deaf")
        telling: dict[int, int] = {}
        for guild_id in client.listened_guilds():
            for channel in await self._rest.guild_channels(client, guild_id):
                telling[int(channel["id"])] = int(channel.get("last_message_id") or 0)
        return telling

    async def _check_content(self, client: GatewayClient) -> None:
        """Without the intent messages come empty, and nothing else says so."""
        application = await self._rest.application(client)
        if not int(application.get("flags") or 0) & MESSAGE_CONTENT_FLAGS:
            self._lacks_content = True
            self._health.wait_for("content", INTENT_MISSING)
        elif self._lacks_content:
            self._lacks_content = False
            self._health.has("content")
            self._on_content_back()
