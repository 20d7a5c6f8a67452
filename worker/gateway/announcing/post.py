"""What a message of the worker's own says."""

import asyncio
import hashlib
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import discord

from worker.events.catalogue import as_json
from worker.gateway.ladder import Ladder, describe_ladder, draw_ladder

PICTURE = "ladder.png"


@dataclass(frozen=True, slots=True)
class Post:
    """Content or an embed, with a picture if there is a ladder.

    `mark` ends the content, or is the embed's footer, and stands in no other message: the post is known by it again."""

    mark: str
    content: str | None = None
    embed: discord.Embed | None = None
    ladder: Ladder | None = None

    @property
    def content_hash(self) -> bytes:
        """Equal for posts that look alike."""
        said = [self.content, self.embed.to_dict() if self.embed else None, repr(self.ladder)]
        return hashlib.sha256(as_json(said).encode()).digest()

    async def parts(self) -> dict[str, Any]:
        """The arguments of discord.py's `edit` (and with `files` for `attachments`, `send`)."""
        parts: dict[str, Any] = {"content": self.content, "embed": self.embed, "attachments": []}
        if self.ladder is not None:
            picture = await asyncio.to_thread(draw_ladder, self.ladder)
            parts["attachments"] = [
                discord.File(BytesIO(picture), filename=PICTURE, description=describe_ladder(self.ladder))
            ]
        return parts


def bears(message: discord.Message, mark: str) -> bool:
    """Whether a message is the post of that mark."""
    return message.content.endswith(mark) or any(embed.footer.text == mark for embed in message.embeds)
