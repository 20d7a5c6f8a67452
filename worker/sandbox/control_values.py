"""Values between the control interface's JSON and the sandbox's world."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, is_dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from worker.sandbox.gateway.faults import DispatchFault
from worker.sandbox.gateway.intents import Intent
from worker.sandbox.interactions.interaction import Interaction
from worker.sandbox.rest.faults import RestFault
from worker.sandbox.wire import timestamp
from worker.sandbox.world import payloads
from worker.sandbox.world.model import Channel, Guild, Message, Role, User
from worker.sandbox.world.permissions import NONE, Permission

if TYPE_CHECKING:
    from worker.sandbox.sandbox import Sandbox

_EXACT_IN_JSON = 1 << 53  # beyond it a JSON number loses digits in other languages


class _Lookup:
    """Objects by their id, a string or an integer. A KeyError names an id that nothing has."""

    def __init__(self, sandbox: "Sandbox") -> None:
        self._sandbox = sandbox
        self._places = sandbox.world.places

    def guild(self, value: Any) -> Guild:
        return self._places.guilds[int(value)]

    def channel(self, value: Any) -> Channel:
        return self._places.channels[int(value)]

    def user(self, value: Any) -> User:
        return self._places.users[int(value)]

    def role(self, value: Any) -> Role:
        roles = {role.id: role for guild in self._places.guilds.values() for role in guild.roles.values()}
        return roles[int(value)]

    def message(self, value: Any) -> Message:
        return self._sandbox.find(int(value))

    def thing(self, value: Any) -> Any:
        """{"user": id}, {"role": id}, {"channel": id} and {"message": id} stand for the object."""
        if not isinstance(value, Mapping):
            return value
        ((kind, thing_id),) = value.items()
        kinds = {"user": self.user, "role": self.role, "channel": self.channel, "message": self.message}
        return kinds[kind](thing_id)


def readers(sandbox: "Sandbox") -> dict[str, Callable[[Any], Any]]:
    """How an argument of that name is read from JSON; the others are taken as they are."""
    find = _Lookup(sandbox)
    return {
        "guild": find.guild,
        "channel": find.channel,
        "parent": find.channel,
        "user": find.user,
        "author": find.user,
        "owner": find.user,
        "role": find.role,
        "roles": lambda values: [find.role(value) for value in values],
        "message": find.message,
        "messages": lambda values: [int(value) for value in values],
        "reply_to": find.message,
        "message_id": int,
        "start": datetime.fromisoformat,
        "end": datetime.fromisoformat,
        "allow": _permissions,
        "deny": _permissions,
        "permissions": _permissions,
        "privileged": lambda names: Intent(sum(Intent[name.upper()] for name in names)),
        "target": find.thing,
        "options": lambda values: {name: find.thing(value) for name, value in values.items()},
    }


def plain(value: Any) -> Any:
    return value


def _permissions(names: list[str]) -> Permission:
    granted = NONE
    for name in names:
        granted |= Permission[name.upper()]
    return granted


def shown(value: Any) -> Any:
    """The value in JSON: objects of the world by id and name, messages whole, records by their fields."""
    for kind, show in _SHOW:
        if isinstance(value, kind):
            return show(value)
    if is_dataclass(value) and not isinstance(value, type):
        return shown(asdict(value))
    return value


def _shown_interaction(value: Interaction) -> Any:
    return {
        "id": str(value.id),
        "command": value.command,
        "thinking": value.thinking,
        "callback": shown(value.callback),
        "original": shown(value.original),
        "followups": shown(value.followups),
        "choices": value.choices,
    }


_SHOW: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (Message, lambda value: payloads.message(value, content=True)),
    (Guild | Channel | User | Role, lambda value: {"id": str(value.id), "name": value.name}),
    (Interaction, _shown_interaction),
    (RestFault | DispatchFault, lambda value: {"kind": value.kind, "hits": value.hits}),
    (datetime, timestamp),
    (bool, plain),
    (int, lambda value: str(value) if value > _EXACT_IN_JSON else int(value)),
    (list, lambda value: [shown(one) for one in value]),
    (dict, lambda value: {key: shown(one) for key, one in value.items()}),
)
