"""What a user types into a command's options, as Discord's client hands it on.

Source: Discord's developer documentation, "Receiving and Responding", "Interaction Data"."""

from collections.abc import Mapping
from typing import Any

from worker.sandbox.interactions.registry import CommandError
from worker.sandbox.wire import Json
from worker.sandbox.world import payloads
from worker.sandbox.world.model import Channel, Guild, Message, Role, User
from worker.sandbox.world.permissions import in_channel, in_guild

_SUB_COMMAND, _SUB_COMMAND_GROUP = 1, 2
_OBJECT_TYPES: dict[int, type] = {6: User, 7: Channel, 8: Role}
_PLAIN_TYPES: dict[int, tuple[type, ...]] = {3: (str,), 4: (int,), 5: (bool,), 10: (int, float)}


class Resolved:
    """The `resolved` objects of an interaction, collected while its options are read."""

    def __init__(self, guild: Guild, user: User) -> None:
        self._guild = guild
        self._user = user
        self.payload: dict[str, Json] = {}

    def add(self, value: Channel | User | Role | Message) -> str:
        """The id under which the object can be found now."""
        key = str(value.id)
        if isinstance(value, Channel):
            permissions = str(int(in_channel(value, self._user.id)))
            self._put("channels", key, payloads.channel(value) | {"permissions": permissions})
        elif isinstance(value, Role):
            self._put("roles", key, payloads.role(value))
        elif isinstance(value, Message):
            self._put("messages", key, payloads.message(value, content=True))
        else:
            self._put("users", key, payloads.user(value))
            member = self._guild.members.get(value.id)
            if member is not None:
                permissions = str(int(in_guild(self._guild, value.id)))
                shape = payloads.member(member, with_user=False) | {"permissions": permissions}
                self._put("members", key, shape)
        return key

    def _put(self, kind: str, key: str, shape: Json) -> None:
        self.payload.setdefault(kind, {})[key] = shape


def command_options(
    definition: Json, path: list[str], given: Mapping[str, Any], resolved: Resolved, focused: str | None = None
) -> list[Json]:
    """The `options` of an interaction: the sub-commands on the path, and in the last one the given values.

    With `focused`, an autocomplete: that option is being typed and required ones may still be missing.
    Raises CommandError for what Discord's client would not let a user send."""
    if path:
        inner = _sub_command(definition, path[0])
        nested = command_options(inner, path[1:], given, resolved, focused)
        return [{"name": inner["name"], "type": inner["type"], "options": nested}]
    known = {option["name"]: option for option in definition.get("options") or []}
    unknown = given.keys() - known.keys()
    if unknown or any(option["type"] in (_SUB_COMMAND, _SUB_COMMAND_GROUP) for option in known.values()):
        raise CommandError(f"{definition['name']} has no options {sorted(unknown)}, or needs a sub-command")
    missing = [name for name, option in known.items() if option.get("required") and name not in given]
    if missing and focused is None:
        raise CommandError(f"{definition['name']} needs {missing}")
    return [_option(known[name], value, resolved, focused == name) for name, value in given.items()]


def _sub_command(definition: Json, name: str) -> Json:
    for option in definition.get("options") or []:
        if option["name"] == name and option["type"] in (_SUB_COMMAND, _SUB_COMMAND_GROUP):
            found: Json = option
            return found
    raise CommandError(f"{definition['name']} has no sub-command {name}")


def _option(definition: Json, value: Any, resolved: Resolved, focused: bool) -> Json:
    kind = definition["type"]
    shape = {"name": definition["name"], "type": kind}
    if focused:
        return shape | {"value": value, "focused": True}
    if kind in _PLAIN_TYPES:
        _check_plain(definition, value)
        return shape | {"value": value}
    if not isinstance(value, User | Channel | Role) or not isinstance(value, _OBJECT_TYPES.get(kind, ())):
        raise CommandError(f"{definition['name']} takes no {type(value).__name__}")
    if isinstance(value, Channel) and int(value.kind) not in (definition.get("channel_types") or [int(value.kind)]):
        raise CommandError(f"{definition['name']} does not offer channels like {value.name}")
    return shape | {"value": resolved.add(value)}


def _check_plain(definition: Json, value: Any) -> None:
    name, kind = definition["name"], definition["type"]
    if not isinstance(value, _PLAIN_TYPES[kind]) or (isinstance(value, bool) and kind != 5):
        raise CommandError(f"{name} takes no {type(value).__name__}")
    choices = [choice["value"] for choice in definition.get("choices") or []]
    if choices and value not in choices:
        raise CommandError(f"{name} offers {choices}")
    size = len(value) if isinstance(value, str) else value
    low, high = ("min_length", "max_length") if isinstance(value, str) else ("min_value", "max_value")
    lowest, highest = definition.get(low), definition.get(high)
    if (lowest is not None and size < lowest) or (highest is not None and size > highest):
        raise CommandError(f"{name} is out of bounds")
