"""A worker in this process on a sandbox Discord, and the people who ask it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from pydantic import SecretStr

from tests.support.waiting import until
from worker.app import Worker, running
from worker.db.connection import Database, connected
from worker.sandbox import Channel, Guild, Permission, Sandbox
from worker.sandbox.interactions.interaction import Interaction
from worker.sandbox.world.model import Message, User
from worker.settings import Settings

TOKEN = "sandbox-token"


class Desk:
    """A guild with a channel `plans` that is listened to. `admin` manages the guild, `trader` is a plain member, and
    `owner` owns the guild and the application."""

    def __init__(self, sandbox: Sandbox, database: Database) -> None:
        self.sandbox = sandbox
        self.database = database
        self.owner = sandbox.add_user("owner")
        self.guild: Guild = sandbox.add_guild("Traders", self.owner)
        self.plans: Channel = self.guild.add_channel("plans")
        self.admin = self.add_member("admin", Permission.MANAGE_GUILD)
        self.trader = self.add_member("trader")
        self.worker: Worker | None = None

    def add_member(self, name: str, permissions: Permission = Permission(0), guild: Guild | None = None) -> User:  # noqa: B008  a flag
        guild = guild or self.guild
        user = self.sandbox.add_user(name)
        roles = [guild.add_role(name, permissions)] if permissions else []
        self.sandbox.world.places.add_member(guild, user, roles)
        return user

    @asynccontextmanager
    async def at_work(self, **settings: Any) -> AsyncIterator[Worker]:
        """The worker for as long as the block lasts, its commands known to Discord and its channel caught up."""
        defaults: dict[str, Any] = {
            "discord_token": SecretStr(TOKEN),
            "discord_api_url": self.sandbox.api_url,
            "discord_gateway_url": self.sandbox.gateway_url,
            "discord_channels": (self.plans.id,),
            "database_url": SecretStr(self.database.dsn),
            "health_port": 0,
            "history_page_seconds": 0,
            "lease_seconds": 1,
        }
        async with running(Settings(**defaults | settings)) as self.worker:
            await until(self._is_ready, "the worker to be ready")
            yield self.worker

    async def _is_ready(self) -> bool:
        assert self.worker is not None
        return not self.worker.health.waiting and bool(await self.fetch("SELECT FROM synced_commands"))

    async def fetch(self, query: str, *arguments: object) -> list[Any]:
        async with connected(self.database, purpose="test") as connection:
            return list(await connection.fetch(query, *arguments))

    async def stored(self, message: Message) -> None:
        """Waits until the message is in the database as it is now."""

        async def is_stored() -> bool:
            found = await self.fetch(
                "SELECT FROM discord_messages WHERE message_id = $1 AND edited_at IS NOT DISTINCT FROM $2",
                message.id,
                message.edited_at,
            )
            return bool(found)

        await until(is_stored, f"message {message.id} to be stored")

    def invoke(
        self,
        command: str,
        user: User | None = None,
        /,
        *,
        place: Channel | None = None,
        target: Message | User | None = None,
        overridden: bool = False,
        **options: Any,
    ) -> Interaction:
        """See Sandbox.invoke; the trader asks where the plans are posted, unless a `place` is named."""
        given: Mapping[str, Any] = {name: value for name, value in options.items() if value is not None}
        return self.sandbox.invoke(
            command, place or self.plans, user or self.trader, given, target=target, overridden=overridden
        )

    async def ask(self, command: str, user: User | None = None, /, **options: Any) -> Message:
        """What the command answers with, past any "thinking"."""
        return await self.invoke(command, user, **options).message(30)

    async def press(self, message: Message, label: str, user: User | None = None) -> Interaction:
        """Somebody presses the button with that label, which has been answered when this returns."""
        custom_id = next(one["custom_id"] for one in buttons(self.sandbox.find(message)) if one.get("label") == label)
        pressed = self.sandbox.press(message, custom_id, user or self.trader)
        await pressed.answered(30)
        return pressed


def buttons(message: Message) -> list[dict[str, Any]]:
    return [button for row in message.components for button in row.get("components", ())]


def said(message: Message) -> str:
    """All that an answer says, embeds included."""
    parts = [message.content]
    for embed in message.embeds:
        parts += [embed.get("title") or "", embed.get("description") or ""]
        for field in embed.get("fields") or []:
            parts += [field["name"], field["value"]]
        parts.append((embed.get("footer") or {}).get("text", ""))
    return "\n".join(part for part in parts if part)
