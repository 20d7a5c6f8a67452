"""Application commands as they are registered, global ones and those of one guild.

Source: Discord's developer documentation, "Application Commands"."""

import re
from collections.abc import Sequence

from worker.sandbox.wire import Json
from worker.sandbox.world.snowflakes import Snowflakes

CHAT_INPUT, USER_MENU, MESSAGE_MENU = 1, 2, 3
_CHAT_NAME = re.compile(r"[-_'\w]{1,32}")
_COMMAND_LIMITS = {CHAT_INPUT: 100, USER_MENU: 15, MESSAGE_MENU: 15}
_LIST_LIMIT = 25  # options of a command, choices of an option
_TEXT_LIMIT = 100  # characters of a description, and of a choice's name


class CommandError(ValueError):
    """A definition that Discord would refuse; the message says what is wrong with it."""


class CommandRegistry:
    """The scope is a guild's id, or None for global commands."""

    def __init__(self, ids: Snowflakes, application_id: int) -> None:
        self._ids = ids
        self._application_id = application_id
        self._commands: dict[int | None, list[Json]] = {}

    def all(self, scope: int | None) -> list[Json]:
        return self._commands.get(scope, [])

    def replace(self, scope: int | None, definitions: Sequence[Json]) -> list[Json]:
        """Puts a new list in place of the old one. A name that was there keeps its id, and its version unless the
        definition differs. Raises CommandError."""
        for definition in definitions:
            _check_command(definition)
        _check_counts(definitions)
        old = {(one["type"], one["name"]): one for one in self.all(scope)}
        self._commands[scope] = [self._stored(scope, one, old) for one in definitions]
        return self._commands[scope]

    def find(self, guild_id: int, name: str, kinds: Sequence[int]) -> Json | None:
        """The command a user of that guild sees under the name; the guild's own goes before a global one."""
        for command in (*self.all(guild_id), *self.all(None)):
            if command["name"] == name and command["type"] in kinds:
                return command
        return None

    def _stored(self, scope: int | None, definition: Json, old: dict[tuple[int, str], Json]) -> Json:
        command: Json = {"description": "", "options": [], "default_member_permissions": None}
        command |= definition
        command["type"] = kind = definition.get("type") or CHAT_INPUT
        if command["default_member_permissions"] is not None:
            command["default_member_permissions"] = str(command["default_member_permissions"])
        before = old.get((kind, definition["name"]))
        kept = {key: before[key] for key in ("id", "version")} if before else {"id": str(self._ids.next())}
        command |= {"application_id": str(self._application_id)} | kept
        if scope is not None:
            command["guild_id"] = str(scope)
        return command if command == before else command | {"version": str(self._ids.next())}


def _check_counts(definitions: Sequence[Json]) -> None:
    names = [(one.get("type") or CHAT_INPUT, one["name"]) for one in definitions]
    if len(set(names)) < len(names):
        raise CommandError("two commands have the same name")
    for kind, limit in _COMMAND_LIMITS.items():
        if sum(name[0] == kind for name in names) > limit:
            raise CommandError(f"more than {limit} commands of type {kind}")


def _check_command(definition: Json) -> None:
    if (definition.get("type") or CHAT_INPUT) == CHAT_INPUT:
        _check_described(definition)
        _check_options(definition)
    elif not 1 <= len(definition.get("name") or "") <= 32:
        raise CommandError("the name of a context menu command has 1 to 32 characters")


def _check_described(definition: Json) -> None:
    name = definition.get("name") or ""
    if not _CHAT_NAME.fullmatch(name) or name != name.lower():
        raise CommandError(f"{name!r} is no name for a command or an option")
    if not 1 <= len(definition.get("description") or "") <= _TEXT_LIMIT:
        raise CommandError(f"the description of {name} must have 1 to {_TEXT_LIMIT} characters")


def _check_options(definition: Json) -> None:
    options = definition.get("options") or []
    name = definition["name"]
    if len(options) > _LIST_LIMIT or len(definition.get("choices") or []) > _LIST_LIMIT:
        raise CommandError(f"{name} has more than {_LIST_LIMIT} options or choices")
    required = [bool(option.get("required")) for option in options]
    if required != sorted(required, reverse=True):
        raise CommandError(f"the required options of {name} must come first")
    if definition.get("autocomplete") and definition.get("choices"):
        raise CommandError(f"{name} cannot have both choices and autocomplete")
    for option in options:
        _check_described(option)
        _check_options(option)
