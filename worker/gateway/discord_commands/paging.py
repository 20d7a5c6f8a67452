"""Answers of several pages, which who asked may turn."""

import asyncio
import io
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import discord

from worker.gateway.discord_commands import outcomes
from worker.gateway.discord_commands.asking import Interaction
from worker.gateway.discord_commands.owned_view import OwnedView
from worker.gateway.discord_commands.replies import answer
from worker.gateway.ladder import Ladder, describe_ladder, draw_ladder
from worker.gateway.plan_pages import Page

PICTURE = "ladder.png"

_COLOURS = {"bullish": discord.Colour.green(), "bearish": discord.Colour.red()}


async def show_pages(interaction: Interaction, pages: Sequence[Page]) -> None:
    """Answers with the first page, and with buttons where there are more."""
    if len(pages) == 1:
        await answer(interaction, **await _message(pages, 0))
    else:
        await PagesView(interaction, pages).show(interaction)


class PagesView(OwnedView):
    """The next and the previous page, one press after the other."""

    def __init__(self, interaction: Interaction, pages: Sequence[Page]) -> None:
        super().__init__(interaction)
        self._pages = pages
        self._place = 0
        self._turns = asyncio.Lock()
        self._previous, self._next = _Turn("previous", "Previous", -1), _Turn("next", "Next", 1)
        self.add_item(self._previous)
        self.add_item(self._next)

    async def turn(self, interaction: Interaction, step: int) -> None:
        """Shows another page. Presses that came before the buttons were disabled stay at the end."""
        await interaction.response.defer()
        async with self._turns:
            self._place = min(max(self._place + step, 0), len(self._pages) - 1)
            await self.show(interaction)
        outcomes.ended(interaction)

    async def show(self, interaction: Interaction) -> None:
        self._previous.disabled = self._place == 0
        self._next.disabled = self._place == len(self._pages) - 1
        await answer(interaction, view=self, **await _message(self._pages, self._place))


class _Turn(discord.ui.Button[PagesView]):
    def __init__(self, name: str, label: str, step: int) -> None:
        super().__init__(label=label, custom_id=f"{name}:{uuid4().hex}")
        self._step = step

    async def callback(self, interaction: Interaction) -> None:
        if self.view is not None:
            await self.view.turn(interaction, self._step)


async def _message(pages: Sequence[Page], place: int) -> dict[str, Any]:
    page = pages[place]
    colour = _COLOURS.get(page.direction or "", discord.Colour.light_grey())
    embed = discord.Embed(title=page.title, description=page.text, colour=colour)
    if len(pages) > 1:
        embed.set_footer(text=f"Page {place + 1} of {len(pages)}")
    if page.ladder is None:
        return {"embed": embed}
    embed.set_image(url=f"attachment://{PICTURE}")
    return {"embed": embed, "files": [await _picture(page.ladder)]}


async def _picture(ladder: Ladder) -> discord.File:
    drawn = await asyncio.to_thread(draw_ladder, ladder)
    return discord.File(io.BytesIO(drawn), PICTURE, description=describe_ladder(ladder))
