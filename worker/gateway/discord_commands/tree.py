"""The commands of one client, and where all of them end."""

import asyncio
from typing import Any

import discord
from discord import app_commands

from worker.gateway.client import GatewayClient
from worker.gateway.discord_commands import outcomes
from worker.gateway.discord_commands.alarms import add_alarms_commands
from worker.gateway.discord_commands.asking import Interaction
from worker.gateway.discord_commands.channels import add_channels_commands
from worker.gateway.discord_commands.context import CommandContext
from worker.gateway.discord_commands.privacy import add_privacy_commands
from worker.gateway.discord_commands.read_post import add_read_post_command
from worker.gateway.discord_commands.reading import add_reading_commands
from worker.gateway.discord_commands.status import add_status_command

# Each adds a group of commands to a tree. What a group needs of the worker is in the context.
_GROUPS = (
    add_channels_commands,
    add_alarms_commands,
    add_status_command,
    add_reading_commands,
    add_read_post_command,
    add_privacy_commands,
)


class Commands(app_commands.CommandTree[discord.Client]):
    def __init__(self, client: discord.Client, context: CommandContext) -> None:
        super().__init__(client)
        client.event(self.on_app_command_completion)
        self._running: set[asyncio.Task[object]] = set()
        if isinstance(client, GatewayClient):
            client.at_close(self._cancel_running)
        for add_to in _GROUPS:
            add_to(self, context)

    def definitions(self) -> list[dict[str, Any]]:
        """The commands as Discord is told them, in a fixed order."""
        commands = sorted(self.get_commands(), key=lambda one: (type(one).__name__, one.name))
        return [command.to_dict(self) for command in commands]

    async def interaction_check(self, interaction: Interaction, /) -> bool:
        outcomes.begin(interaction)
        if task := asyncio.current_task():
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return True

    async def _cancel_running(self) -> None:
        """A handler that went on would meet a client that is closed."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def on_app_command_completion(self, interaction: Interaction, _: object) -> None:
        outcomes.ended(interaction)

    async def on_error(self, interaction: Interaction, error: app_commands.AppCommandError, /) -> None:
        await outcomes.failed(interaction, error)
