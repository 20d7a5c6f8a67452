"""Buttons under an answer that only who asked may press, and that go when nobody presses them for a while."""

from typing import Any
from uuid import uuid4

import aiohttp
import discord
import structlog

from worker.faults import named
from worker.gateway.client import GatewayClient
from worker.gateway.discord_commands import outcomes
from worker.gateway.discord_commands.asking import Interaction
from worker.gateway.discord_commands.replies import answer

IDLE_SECONDS = 600.0  # Discord lets an answer be edited for 15 minutes after the last press

log = structlog.get_logger(__name__)


class OwnedView(discord.ui.View):
    """Sent by `answer(interaction, ..., view=view)` for the interaction that it is made of. A button's `custom_id` is
    its name in the log and in the metrics, followed by a colon and what makes it unique; a button that its class
    declares is named by its label."""

    def __init__(self, interaction: Interaction, *, seconds: float = IDLE_SECONDS) -> None:
        super().__init__(timeout=seconds)
        self._owner_id = interaction.user.id
        self._latest = interaction
        for button in self.children:
            if isinstance(button, discord.ui.Button):
                button.custom_id = f"{(button.label or '').lower()}:{uuid4().hex}"
        if isinstance(interaction.client, GatewayClient):
            interaction.client.at_close(self.close)

    async def interaction_check(self, interaction: Interaction, /) -> bool:
        outcomes.begin(interaction)
        if interaction.user.id != self._owner_id:
            await answer(interaction, "These buttons belong to who asked: use the command yourself.")
            outcomes.ended(interaction, "refused")
            return False
        self._latest = interaction
        return True

    def stop(self) -> None:
        super().stop()
        if isinstance(self._latest.client, GatewayClient):
            self._latest.client.not_at_close(self.close)

    async def close(self) -> None:
        """Takes the buttons away and listens no longer."""
        self.stop()
        try:
            await self._latest.edit_original_response(view=None)
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            # The answer was deleted, or dismissed, or is too old to be edited.
            log.info("command.buttons_left", reason=named(error))

    async def on_timeout(self) -> None:
        await self.close()

    async def on_error(self, interaction: Interaction, error: Exception, item: discord.ui.Item[Any], /) -> None:
        await outcomes.failed(interaction, error)
