"""How values look on the wire: JSON, timestamps, the keys a JSON object has."""

import json
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]


def dumps(value: object) -> str:
    """ASCII JSON: a lone surrogate in a message travels as its escape, as Discord sends it."""
    return json.dumps(value, separators=(",", ":"))


def timestamp(moment: datetime) -> str:
    """ISO 8601 with microseconds and an offset."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
