"""The file of --map and --write-map: JSON with what is to become of each table, to be edited by people."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

from worker.legacy.cells import whole_number
from worker.legacy.ending import UsageError
from worker.legacy.fields import ROLES, Role, field_names

IGNORE = "ignore"
_KEYS = frozenset({"as", "columns", "zones", "channel_id", "because"})


@dataclass(frozen=True, slots=True)
class MappedTable:
    """What a file says about one table; what it leaves out is decided by what the table looks like.

    A field whose column is None is to have none."""

    role: Role | None = None
    is_ignored: bool = False
    columns: Mapping[str, str | None] = field(default_factory=dict)
    zones: Mapping[str, str] = field(default_factory=dict)
    channel_id: int | None = None


def read_map(path: Path) -> dict[str, MappedTable]:
    """Raises UsageError for a file that is not there or says what cannot be."""
    try:
        content = json.loads(path.read_text())
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise UsageError(f"{path} is no JSON: {error}.") from None
    tables = content.get("tables") if isinstance(content, dict) else None
    if not isinstance(tables, dict):
        raise UsageError(f'{path} has no "tables": write one with --write-map to begin with.')
    return {name: _mapped(path, name, said) for name, said in tables.items()}


def write_map(path: Path, plan: Mapping[str, Any]) -> None:
    """Raises UsageError if the file cannot be written."""
    try:
        path.write_text(json.dumps(plan, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from None


def _mapped(path: Path, name: str, said: Any) -> MappedTable:
    if not isinstance(said, dict) or not set(said) <= _KEYS:
        raise UsageError(f"{path}: {name} may have {', '.join(sorted(_KEYS))} and nothing else.")
    role = said.get("as")
    if role not in (None, IGNORE, *ROLES):
        raise UsageError(f"{path}: {name} cannot become {role!r}; there are {', '.join(ROLES)} and {IGNORE}.")
    columns, zones = said.get("columns", {}), said.get("zones", {})
    for key, value in (("columns", columns), ("zones", zones)):
        if not isinstance(value, dict) or not all(one is None or isinstance(one, str) for one in value.values()):
            raise UsageError(f"{path}: {key} of {name} is to have one name for each.")
    if role in ROLES and (unknown := sorted(set(columns) - set(field_names(role)))):
        known = ", ".join(field_names(role))
        raise UsageError(f"{path}: {name} has no field {', '.join(unknown)}; as {role} it has {known}.")
    for column, zone in zones.items():
        _check_zone(path, name, column, zone)
    channel = said.get("channel_id")
    channel_id = whole_number(str(channel)) if channel is not None else None
    if channel is not None and channel_id is None and str(channel) != "-1":
        raise UsageError(f"{path}: channel_id of {name} is no channel's id: {channel!r}.")
    return MappedTable(cast("Role | None", role if role in ROLES else None), role == IGNORE, columns, zones, channel_id)


def _check_zone(path: Path, name: str, column: str, zone: str | None) -> None:
    try:
        ZoneInfo(zone or "")
    except (KeyError, ValueError, OSError):
        raise UsageError(f"{path}: {zone!r} of {name}.{column} is no time zone such as America/Chicago.") from None
