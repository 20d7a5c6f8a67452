"""`/alarms`: where admins hear of what needs them."""

import discord
from asyncpg import Connection
from discord import app_commands

from worker.gateway.discord_commands.asking import Interaction, guild_of
from worker.gateway.discord_commands.configuring import (
    AdminGroup,
    AnnounceChannel,
    change,
    changed_by,
    check_sees,
)
from worker.gateway.discord_commands.context import CommandContext
from worker.gateway.discord_commands.permissions import TO_ALARM, checklist
from worker.gateway.discord_commands.replies import answer, think
from worker.ingest.channel_changes import set_alarm_channel


def add_alarms_commands(tree: app_commands.CommandTree[discord.Client], context: CommandContext) -> None:
    tree.add_command(AlarmsGroup(context, name="alarms", description="Where you hear of what needs you."))


class AlarmsGroup(AdminGroup):
    @app_commands.command(name="to", description="Post alarms in a channel: plans not read, gaps, a lost intent.")
    @app_commands.describe(channel="Where alarms are posted; best one that only admins see")
    async def to(self, interaction: Interaction, channel: AnnounceChannel) -> None:
        await self._set(interaction, channel)

    @app_commands.command(name="off", description="Post no alarms; the log and the metrics have them all the same.")
    async def off(self, interaction: Interaction) -> None:
        await self._set(interaction, None)

    async def _set(self, interaction: Interaction, channel: AnnounceChannel | None) -> None:
        await think(interaction, ephemeral=True)
        check_sees(interaction, channel)
        guild_id, channel_id = guild_of(interaction).id, channel.id if channel else None

        async def make(connection: Connection) -> bool:
            by = changed_by(interaction)
            return await set_alarm_channel(connection, guild_id, channel_id, by=by, epoch=self.context.epoch)

        is_changed = await change(self.context, make, channel)
        told = f"Alarms go to <#{channel.id}>." if channel else "Alarms go nowhere."
        lines = [told if is_changed else f"{told} It was so already."]
        await answer(interaction, "\n".join(lines + (checklist(channel, TO_ALARM, "To alarm in") if channel else [])))
