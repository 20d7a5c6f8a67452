"""The sandbox as a program uses it: a Discord of its own on a loopback port, and the hands of its users."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from worker.sandbox.control import Control
from worker.sandbox.gateway.faults import GatewayFaults
from worker.sandbox.gateway.gateway import Gateway
from worker.sandbox.gateway.intents import Intent
from worker.sandbox.interactions.interaction import Interaction
from worker.sandbox.ledger import Ledger
from worker.sandbox.records import (
    CallbackRecord,
    ConnectionRecord,
    IdentifyRecord,
    Pulse,
    Records,
    RequestRecord,
)
from worker.sandbox.rest.faults import RestFaults
from worker.sandbox.rest.ratelimits import RateLimits
from worker.sandbox.rules import Rules
from worker.sandbox.server import Server
from worker.sandbox.wire import Json, timestamp
from worker.sandbox.world.messages import forward_fields, reply_fields
from worker.sandbox.world.model import Channel, Guild, Message, MessageFlag, User
from worker.sandbox.world.snowflakes import moment_of
from worker.sandbox.world.world import World


@dataclass(frozen=True, slots=True)
class Faults:
    gateway: GatewayFaults
    rest: RestFaults

    def clear(self) -> None:
        self.gateway.clear()
        self.rest.clear()


class Sandbox:
    """`async with Sandbox(token=...) as sandbox` serves on 127.0.0.1; port 0 picks a free one.

    `privileged` are the privileged intents switched on for the application. What users do (post, edit, ...) changes
    the world and is told over the gateway before the call returns; nothing is awaited."""

    def __init__(
        self,
        token: str = "sandbox-token",  # noqa: S107  it opens nothing but this sandbox
        port: int = 0,
        *,
        privileged: Intent = Intent.MESSAGE_CONTENT,
        rules: Rules | None = None,
    ) -> None:
        self.rules = rules or Rules()
        self.world = World()
        self.ledger = Ledger()
        self.world.subscribe(self.ledger.record)
        self._records = Records()
        self._pulse = Pulse()
        self.gateway = Gateway(self.world, self.rules, self._records, self._pulse, token=token, privileged=privileged)
        self._server = Server(self.gateway, port, lambda: Control(self).routes())
        self.faults = Faults(self.gateway.faults, self._server.api.faults)
        self._member = self.world.places.add_user("member")

    async def __aenter__(self) -> Self:
        await self._server.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.stop()

    @property
    def api_url(self) -> str:
        return self._server.api_url

    @property
    def gateway_url(self) -> str:
        return self.gateway.url

    @property
    def control_url(self) -> str:
        """Where everything here can be had by HTTP, from another process."""
        return f"{self._server.origin}/sandbox"

    @property
    def limits(self) -> RateLimits:
        return self._server.api.limits

    @property
    def bot(self) -> User:
        return self.world.places.bot

    @property
    def requests(self) -> list[RequestRecord]:
        return self._records.requests

    @property
    def identifies(self) -> list[IdentifyRecord]:
        return self._records.identifies

    @property
    def connections(self) -> list[ConnectionRecord]:
        return self._records.connections

    @property
    def callbacks(self) -> list[CallbackRecord]:
        return self._records.callbacks

    async def connected(self, seconds: float = 30.0) -> None:
        """Waits for a client that has finished IDENTIFY or RESUME. Raises TimeoutError."""
        await self._pulse.until(self.gateway.is_ready, seconds, "a client on the gateway")

    async def disconnected(self, seconds: float = 30.0) -> None:
        """Waits until no client is connected. Raises TimeoutError."""
        await self._pulse.until(lambda: not self.gateway.connections, seconds, "no client on the gateway")

    async def until(self, condition: Callable[[], bool], seconds: float = 30.0, what: str = "a condition") -> None:
        """Waits for a condition on what is recorded here. Raises TimeoutError naming `what`."""
        await self._pulse.until(condition, seconds, what)

    def set_privileged(self, privileged: Intent) -> None:
        """Switches the application's privileged intents, as in the developer portal; sessions that ask for one that
        is off are closed with 4014."""
        self.gateway.privileged = privileged
        self.gateway.close_unprivileged()

    def add_user(self, name: str, *, bot: bool = False) -> User:
        return self.world.places.add_user(name, bot=bot)

    def add_guild(self, name: str, owner: User | None = None) -> Guild:
        """A guild the bot is in."""
        return self.world.add_guild(name, owner)

    def post(
        self,
        channel: Channel | int,
        text: str = "",
        *,
        author: User | int | None = None,
        embeds: Sequence[Json] = (),
        attachments: Sequence[Json] = (),
        components: Sequence[Json] = (),
        webhook: bool = False,
        forward_of: Message | Mapping[str, Any] | None = None,
        reply_to: Message | int | None = None,
        flags: int = 0,
        extra: Mapping[str, Any] | None = None,
        message_id: int | None = None,
    ) -> Message:
        """A user posts. `forward_of` is a message or the JSON of one's snapshot; with it the text stays empty.
        `extra` are further keys of the message, such as poll; `message_id` an id from `reserve_id`."""
        fields: dict[str, Any] = {}
        if forward_of is not None:
            fields = self._forward(forward_of)
            flags |= MessageFlag.HAS_SNAPSHOT
        elif reply_to is not None:
            fields = reply_fields(self.find(reply_to))
        fields["extra"] = {**fields.get("extra", {}), **(extra or {})}
        return self.world.messages.post(
            self.channel(channel),
            self._user(author),
            text,
            message_id=message_id,
            embeds=tuple(embeds),
            attachments=tuple(self._attachment(one) for one in attachments),
            components=tuple(components),
            webhook=webhook,
            flags=int(flags),
            **fields,
        )

    def reserve_id(self) -> int:
        """An id of this moment for a message that becomes visible later, behind newer ones."""
        return self.world.ids.next()

    def edit(self, message: Message | int, text: str, **fields: Any) -> Message:
        """The author edits; `fields` are further ones of Message, such as embeds."""
        return self.world.messages.edit(self.find(message), content=text, **fields)

    def preview(self, message: Message | int, embeds: Sequence[Json]) -> Message:
        """Discord adds link previews: an update that is no edit."""
        return self.world.messages.update(self.find(message), embeds=tuple(embeds))

    def delete(self, message: Message | int) -> None:
        self.world.messages.delete(self.find(message))

    def bulk_delete(self, channel: Channel | int, messages: Sequence[Message | int]) -> None:
        self.world.messages.bulk_delete(self.channel(channel), [self.find(message) for message in messages])

    def react(
        self, message: Message | int, emoji: str, user: User | int | None = None, *, remove: bool = False
    ) -> None:
        self.world.messages.react(self.find(message), self._user(user), emoji, remove=remove)

    def seed(
        self,
        channel: Channel | int,
        n: int,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        text: Callable[[int], str] = "message {}".format,
        author: User | int | None = None,
    ) -> list[int]:
        """`n` messages spread over the past, by default the last 30 days; the gateway does not tell them.
        `text` gets the place in the row, from 0. Gives the ids, oldest first."""
        end = end or datetime.now(UTC)
        start = start or end - timedelta(days=30)
        return self.world.messages.seed(self.channel(channel), self._user(author), n, start=start, end=end, text=text)

    def invoke(
        self,
        command: str,
        channel: Channel | int,
        user: User | int | None = None,
        options: Mapping[str, Any] | None = None,
        *,
        target: Message | User | None = None,
        overridden: bool = False,
    ) -> Interaction:
        """A user invokes a registered command, "channels add" with its sub-commands, or with a `target` the context
        menu's. Options of Discord's kinds are given as Channel, User or Role. `overridden`: the guild's admins have
        lifted default_member_permissions.

        Raises CommandError for what Discord's client would not let this user do."""
        place = self.channel(channel)
        return self._server.interactions.invoke(
            command, place, self._visitor(place, user), options or {}, target=target, overridden=overridden
        )

    def autocomplete(
        self,
        command: str,
        channel: Channel | int,
        user: User | int | None = None,
        options: Mapping[str, Any] | None = None,
        *,
        focused: str,
    ) -> Interaction:
        """A user types into the option `focused`, whose text so far is among the options. Raises CommandError."""
        place = self.channel(channel)
        return self._server.interactions.autocomplete(
            command, place, self._visitor(place, user), options or {}, focused
        )

    def press(
        self, message: Message | int, custom_id: str, user: User | int | None = None, values: Sequence[str] = ()
    ) -> Interaction:
        """A user presses a button, or picks values from a menu, under a message. Raises CommandError if it is not
        there or disabled."""
        current = self.find(message)
        return self._server.interactions.press(current, custom_id, self._visitor(current.channel, user), list(values))

    def interaction(self, interaction_id: int) -> Interaction | None:
        return self._server.interactions.by_id(interaction_id)

    def channel(self, channel: Channel | int) -> Channel:
        """Raises KeyError if there is none with that id."""
        return channel if isinstance(channel, Channel) else self.world.places.channels[channel]

    def find(self, message: Message | int) -> Message:
        """The message as it is now, an ephemeral one too. Raises KeyError if there is none with that id."""
        message_id = message if isinstance(message, int) else message.id
        found = self._server.interactions.answers.find(message_id)
        if found is None:
            raise KeyError(message_id)
        return found

    def _user(self, user: User | int | None) -> User:
        if user is None:
            return self._member
        return user if isinstance(user, User) else self.world.places.users[user]

    def _visitor(self, channel: Channel, user: User | int | None) -> User:
        """The user as a member of the channel's guild."""
        return self.world.places.add_member(channel.guild, self._user(user)).user

    def _attachment(self, attachment: Json) -> Json:
        return {
            "id": str(self.world.ids.next()),
            "filename": "file",
            "size": 0,
            "content_type": "text/plain",
        } | attachment

    def _forward(self, source: Message | Mapping[str, Any]) -> dict[str, Any]:
        if isinstance(source, Message):
            ids = (source.id, source.channel.id, source.channel.guild.id)
            source = {
                "content": source.content,
                "embeds": list(source.embeds),
                "attachments": list(source.attachments),
                "timestamp": timestamp(moment_of(source.id)),
            }
        else:
            ids = (self.world.ids.next(), self.world.ids.next(), self.world.ids.next())
        snapshot = {
            "type": 0,
            "content": "",
            "embeds": [],
            "attachments": [],
            "timestamp": timestamp(moment_of(ids[0])),
            "edited_timestamp": None,
            "flags": 0,
            "mentions": [],
            "mention_roles": [],
            "components": [],
        }
        return forward_fields(snapshot | dict(source), *ids)
