"""Users who invoke commands, type into options and press buttons.

Source: Discord's developer documentation, "Receiving and Responding"."""

from collections.abc import Iterator, Mapping
from typing import Any

from worker.sandbox.gateway.gateway import Gateway
from worker.sandbox.interactions.answers import Answers
from worker.sandbox.interactions.interaction import AUTOCOMPLETE, COMMAND, COMPONENT, Interaction
from worker.sandbox.interactions.options import Resolved, command_options
from worker.sandbox.interactions.registry import (
    CHAT_INPUT,
    MESSAGE_MENU,
    USER_MENU,
    CommandError,
    CommandRegistry,
)
from worker.sandbox.wire import Json
from worker.sandbox.world import payloads
from worker.sandbox.world.model import Channel, Message, User
from worker.sandbox.world.permissions import Permission, in_channel

_ATTACHMENT_LIMIT = 10 * 1024 * 1024  # bytes
_BUTTON = 2


class Interactions:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._world = gateway.world
        self.registry = CommandRegistry(gateway.world.ids, gateway.world.places.bot.id)
        self.answers = Answers(gateway.world)
        self._by_token: dict[str, Interaction] = {}

    def find(self, token: str) -> Interaction | None:
        return self._by_token.get(token)

    def by_id(self, interaction_id: int) -> Interaction | None:
        return next((one for one in self._by_token.values() if one.id == interaction_id), None)

    def invoke(
        self,
        name: str,
        channel: Channel,
        user: User,
        options: Mapping[str, Any],
        *,
        target: Message | User | None = None,
        overridden: bool = False,
    ) -> Interaction:
        """See Sandbox.invoke."""
        definition, path = self._definition(name, channel, target)
        self._check_may_use(definition, channel, user, overridden)
        resolved = Resolved(channel.guild, user)
        data = _command_data(definition, command_options(definition, path, options, resolved))
        if target is not None:
            data["target_id"] = resolved.add(target)
        if resolved.payload:
            data["resolved"] = resolved.payload
        return self._send(self._new(COMMAND, name, channel, user), data)

    def autocomplete(
        self, name: str, channel: Channel, user: User, options: Mapping[str, Any], focused: str
    ) -> Interaction:
        """See Sandbox.autocomplete."""
        definition, path = self._definition(name, channel, None)
        self._check_may_use(definition, channel, user, overridden=False)
        given = command_options(definition, path, options, Resolved(channel.guild, user), focused)
        return self._send(self._new(AUTOCOMPLETE, name, channel, user), _command_data(definition, given))

    def press(self, message: Message, custom_id: str, user: User, values: list[str]) -> Interaction:
        """See Sandbox.press."""
        component = next((one for one in _components(message.components) if one.get("custom_id") == custom_id), None)
        if component is None or component.get("disabled"):
            raise CommandError(f"there is nothing to press called {custom_id}")
        data: Json = {"custom_id": custom_id, "component_type": component["type"]}
        if component["type"] != _BUTTON:
            data |= {"values": values, "resolved": {}}
        interaction = self._new(COMPONENT, custom_id, message.channel, user)
        interaction.source = message
        return self._send(interaction, data)

    def _new(self, kind: int, name: str, channel: Channel, user: User) -> Interaction:
        return Interaction(
            self._world.ids.next(), kind, name, channel, user, pulse=self._gateway.pulse, find=self.answers.find
        )

    def _definition(self, name: str, channel: Channel, target: Message | User | None) -> tuple[Json, list[str]]:
        """The registered command and the sub-commands after its name."""
        if target is None:
            first, *path = name.split()
            kinds = (CHAT_INPUT,)
        else:
            first, path = name, []
            kinds = (USER_MENU,) if isinstance(target, User) else (MESSAGE_MENU,)
        definition = self.registry.find(channel.guild.id, first, kinds)
        if definition is None:
            raise CommandError(f"no command called {name} is registered")
        return definition, path

    def _check_may_use(self, definition: Json, channel: Channel, user: User, overridden: bool) -> None:
        granted = in_channel(channel, user.id)
        if Permission.USE_APPLICATION_COMMANDS not in granted:
            raise CommandError(f"{user.name} may not use commands in {channel.name}")
        asked = definition.get("default_member_permissions")
        if asked is None or overridden:
            return
        needed = Permission(int(asked)) or Permission.ADMINISTRATOR
        if needed not in granted:
            raise CommandError(f"{user.name} is not shown {definition['name']}")

    def _send(self, interaction: Interaction, data: Json) -> Interaction:
        self._by_token[interaction.token] = interaction
        payload = self._payload(interaction, data)
        for session in self._gateway.sessions.all():
            number, of = session.shard
            if session.started and (interaction.channel.guild.id >> 22) % of == number:
                session.dispatch("INTERACTION_CREATE", payload)
        return interaction

    def _payload(self, interaction: Interaction, data: Json) -> Json:
        channel, guild, user = interaction.channel, interaction.channel.guild, interaction.user
        permissions = str(int(in_channel(channel, user.id)))
        payload: Json = {
            "id": str(interaction.id),
            "application_id": str(self._world.places.bot.id),
            "type": interaction.kind,
            "token": interaction.token,
            "version": 1,
            "attachment_size_limit": _ATTACHMENT_LIMIT,
            "channel_id": str(channel.id),
            "channel": payloads.channel(channel) | {"permissions": permissions},
            "guild_id": str(guild.id),
            "guild": {"id": str(guild.id), "locale": "en-US", "features": []},
            "member": payloads.member(guild.members[user.id]) | {"permissions": permissions},
            "data": data,
            "locale": "en-US",
            "guild_locale": "en-US",
            "app_permissions": str(int(in_channel(channel, self._world.places.bot.id))),
            "entitlements": [],
            "authorizing_integration_owners": {"0": str(guild.id)},
            "context": 0,
        }
        if interaction.source is not None:
            payload["message"] = payloads.message(interaction.source, content=True)
        return payload


def _command_data(definition: Json, options: list[Json]) -> Json:
    data: Json = {"id": definition["id"], "name": definition["name"], "type": definition["type"]}
    if definition["type"] == CHAT_INPUT:
        data["options"] = options
    if "guild_id" in definition:
        data["guild_id"] = definition["guild_id"]
    return data


def _components(components: Any) -> Iterator[Json]:
    """All components, those within others too."""
    for component in components:
        yield component
        yield from _components(component.get("components") or ())
        if component.get("accessory"):
            yield component["accessory"]
