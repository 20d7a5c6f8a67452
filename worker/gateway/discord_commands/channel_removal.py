"""Asks whether a channel is to be removed, and says what happens to what is stored of it."""

import discord
from asyncpg import Connection

from worker.exits import NotListenedToError
from worker.gateway.discord_commands import outcomes
from worker.gateway.discord_commands.asking import Interaction, check_manages_guild
from worker.gateway.discord_commands.configuring import ListenableChannel, change, changed_by
from worker.gateway.discord_commands.context import CommandContext
from worker.gateway.discord_commands.owned_view import OwnedView
from worker.gateway.discord_commands.replies import answer
from worker.ingest.channel_changes import listened_with, remove_channel

_MESSAGES = "SELECT count(*) FROM discord_messages WHERE channel_id = $1"

_PLANS = "SELECT count(*) FROM ticker_plans WHERE channel_id = $1 AND state <> 'withdrawn'"


async def ask_for_removal(context: CommandContext, interaction: Interaction, channel: ListenableChannel) -> None:
    """Raises NotListenedToError."""
    known = context.book.find(channel.id)
    async with context.session.use() as connection:
        if known is None or not known.is_listen:
            raise NotListenedToError(channel.id, await listened_with(connection, channel.id))
        messages = await connection.fetchval(_MESSAGES, channel.id)
        plans = await connection.fetchval(_PLANS, channel.id)
    await answer(
        interaction,
        f"Listen to <#{channel.id}> no longer?\n"
        f"Its {messages} stored messages and {plans} plans stay and can be asked for; nothing new "
        "is stored or announced. Added again, it goes on from where it stopped, and fetches what was posted meanwhile.",
        view=RemovalView(context, interaction, channel),
    )


class RemovalView(OwnedView):
    def __init__(self, context: CommandContext, interaction: Interaction, channel: ListenableChannel) -> None:
        super().__init__(interaction)
        self._context = context
        self._channel = channel

    @discord.ui.button(label="Remove", style=discord.ButtonStyle.danger)
    async def remove(self, interaction: Interaction, _: "discord.ui.Button[RemovalView]") -> None:
        check_manages_guild(interaction)
        await interaction.response.defer()

        async def make(connection: Connection) -> bool:
            by, epoch = changed_by(interaction), self._context.epoch
            return await remove_channel(connection, self._channel.id, by=by, epoch=epoch)

        is_changed = await change(self._context, make)
        async with self._context.session.use() as connection:
            still = await listened_with(connection, self._channel.id)
        self.stop()
        told = "is no longer listened to; its messages stay." if is_changed else "was not listened to any more."
        if still is not None:
            told = f"is no longer listened to by itself; <#{still}> is, and its threads with it."
        await answer(interaction, f"<#{self._channel.id}> {told}", view=None)
        outcomes.ended(interaction)

    @discord.ui.button(label="Keep", style=discord.ButtonStyle.secondary)
    async def keep(self, interaction: Interaction, _: "discord.ui.Button[RemovalView]") -> None:
        self.stop()
        await interaction.response.edit_message(content=f"<#{self._channel.id}> stays.", view=None)
        outcomes.ended(interaction)
