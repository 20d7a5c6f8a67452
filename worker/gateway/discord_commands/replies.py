"""Answers within Discord's limits, with strangers' text made harmless.

Source of the limits: Discord's developer documentation, "Message", "Embed Limits", "Application Command Option Choice".
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import discord
from discord import app_commands

from worker.gateway.discord_commands.asking import Interaction

CONTENT_LIMIT = 2000
DESCRIPTION_LIMIT = 4096
FIELD_VALUE_LIMIT = 1024
CHOICE_LIMIT = 25
CHOICE_LENGTH = 100

NO_MENTIONS = discord.AllowedMentions.none()


async def think(interaction: Interaction, *, ephemeral: bool) -> None:
    """Acknowledges at once, for an answer that takes the database or Discord: Discord waits for 3 s."""
    await interaction.response.defer(ephemeral=ephemeral, thinking=True)


async def answer(interaction: Interaction, content: str | None = None, **message: Any) -> None:
    """The answer, in place of "thinking" where that stands; `message` as in discord.py. An answer that has not been
    deferred is ephemeral."""
    message = {"allowed_mentions": NO_MENTIONS, **message}
    content = None if content is None else shortened(content, CONTENT_LIMIT)
    if interaction.response.is_done():
        if files := message.pop("files", None):
            message["attachments"] = files
        await interaction.edit_original_response(content=content, **message)
    else:
        await interaction.response.send_message(content, ephemeral=True, **message)


def shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def relative(moment: datetime) -> str:
    """A time that Discord tells in the reader's own words and zone, such as "5 minutes ago"."""
    return discord.utils.format_dt(moment, "R")


def jump_link(guild_id: int | None, channel_id: int, message_id: int) -> str:
    return f"https://discord.com/channels/{guild_id or '@me'}/{channel_id}/{message_id}"


def pages(lines: Iterable[str], limit: int = DESCRIPTION_LIMIT) -> list[str]:
    """Lines put together to pages of at most so many characters; a line that is too long by itself is cut."""
    found: list[str] = []
    for line in lines:
        cut = shortened(line, limit)
        if found and len(found[-1]) + 1 + len(cut) <= limit:
            found[-1] += "\n" + cut
        else:
            found.append(cut)
    return found


def choices(values: Sequence[str], typed: str = "") -> list[app_commands.Choice[str]]:
    """What an autocomplete offers of the values, in their order: those that hold what is typed."""
    wanted = typed.strip().casefold()
    offered = [one for one in values if wanted in one.casefold() and 0 < len(one) <= CHOICE_LENGTH]
    return [app_commands.Choice(name=one, value=one) for one in offered[:CHOICE_LIMIT]]
