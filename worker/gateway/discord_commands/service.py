"""Keeps Discord's commands those of this code: gives them anew when they are other than those it was given last."""

import asyncio
import hashlib
import json

import aiohttp
import discord
import structlog
from discord import app_commands

from worker.db.lease import transaction
from worker.faults import named
from worker.gateway.discord_commands.context import CommandContext
from worker.gateway.discord_commands.tree import Commands
from worker.ingest.writer import PASSING
from worker.waiting import Backoff

FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 1.0, 300.0

_HASH = "SELECT commands_hash FROM synced_commands WHERE application_id = $1"

_SYNCED = """
INSERT INTO synced_commands (application_id, commands_hash) VALUES ($1, $2)
ON CONFLICT (application_id) DO UPDATE SET commands_hash = excluded.commands_hash, synced_at = now()
"""

_PASSES = (discord.DiscordServerError, discord.RateLimited, aiohttp.ClientError, *PASSING)

log = structlog.get_logger(__name__)


class CommandService:
    """The commands of whichever client is logged in. Discord allows few requests that change them."""

    def __init__(self, context: CommandContext) -> None:
        self._context = context
        self._commands: Commands | None = None
        self._logged_in = asyncio.Event()

    def serve(self, client: discord.Client) -> None:
        """The next client has the commands too."""
        self._commands = Commands(client, self._context)

    def logged_in(self) -> None:
        """The client is ready, and it knows its application."""
        self._logged_in.set()

    async def run(self) -> None:
        """For ever. Raises LeaseLostError."""
        while True:
            await self._logged_in.wait()
            self._logged_in.clear()
            if self._commands is not None:
                await self._keep_trying(self._commands)

    async def _keep_trying(self, commands: Commands) -> None:
        retry = Backoff(FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS)
        while not (self._logged_in.is_set() or commands.client.is_closed()):
            try:
                await self._sync(commands)
                return
            except _PASSES as error:
                log.warning("commands.sync_retried", reason=named(error))
            except (discord.HTTPException, app_commands.AppCommandError):
                # Discord refuses a definition: it would refuse it again.
                log.exception("commands.sync_refused")
                return
            except RuntimeError:
                # The library's connector raises it when the client was closed meanwhile.
                if not commands.client.is_closed():
                    raise
            await asyncio.sleep(retry.next())

    async def _sync(self, commands: Commands) -> None:
        application_id, now = commands.client.application_id, commands_hash(commands)
        async with self._context.session.use() as connection:
            if await connection.fetchval(_HASH, application_id) == now:
                return
        # Killed before the hash is stored, the next start gives them again, which does no harm.
        synced = await commands.sync()
        async with self._context.session.use() as connection, transaction(connection, self._context.epoch):
            await connection.execute(_SYNCED, application_id, now)
        log.info("commands.synced", commands=len(synced), application_id=application_id)


def commands_hash(commands: Commands) -> bytes:
    """Equal for commands that Discord would show alike, in any process."""
    definitions = json.dumps(commands.definitions(), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(definitions.encode()).digest()
