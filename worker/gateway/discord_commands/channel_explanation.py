"""Why a message is stored or not, for who may see its channel."""

import discord

from worker.exits import InputError, RefusedError
from worker.gateway.discord_commands.asking import Interaction, guild_of, may_read, member_of, visible_channels
from worker.gateway.discord_commands.context import CommandContext
from worker.views.explanation import IN_DISCORD, explain, parse_link
from worker.views.stored_explanation import read_explanation


async def explained_link(context: CommandContext, interaction: Interaction, link: str) -> str:
    """Raises InputError for no link, and RefusedError for a message that who asks cannot see."""
    try:
        channel_id, message_id = parse_link(link)
    except ValueError:
        raise InputError("That is no message link: take Copy Message Link from the message's menu.") from None
    async with context.session.use() as connection:
        found = await read_explanation(connection, channel_id, message_id)
    _check_visible(context, interaction, found.channel_id)
    return "\n".join(explain(found, lambda moment: discord.utils.format_dt(moment, "f"), IN_DISCORD))


def _check_visible(context: CommandContext, interaction: Interaction, channel_id: int | None) -> None:
    """The same sentence whether there is such a message or not."""
    known = guild_of(interaction).get_channel_or_thread(channel_id or 0)
    if known is not None and may_read(known, member_of(interaction)):
        return
    if channel_id not in visible_channels(interaction, context.book):
        raise RefusedError("That is no message of a channel of this server that you can see: give its whole link.")
