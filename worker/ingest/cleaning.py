"""Makes any payload storable. PostgreSQL's text takes no NUL and its jsonb neither NUL, lone surrogates nor NaN.

What has to go becomes U+FFFD, one character for one, so that positions in the text stay right; what came is kept as
bytes beside it."""

import json
import math
import re
from typing import Any, NamedTuple

from pydantic_core import to_json

from worker.events.catalogue import as_json

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_DEPTH_LIMIT = 64  # Discord's own payloads nest to about 12
_LONGEST_INTEGER = 1 << 64
_LONGEST_NUMBER = 4300  # digits that Python reads as an integer
_LONG_NUMBER = re.compile(rb"\d{%d}" % (_LONGEST_NUMBER + 1))


class CleanPayload(NamedTuple):
    """`raw` is JSON in UTF-8. Only where something had to go are there an `original` and `flags`: `nul`, `surrogate`,
    `number`, `deep`.

    `original` is missing where the payload nests deeper than Python's own JSON can write."""

    payload: dict[str, Any]
    raw: bytes
    original: bytes | None
    flags: tuple[str, ...]


def clean(payload: dict[str, Any]) -> CleanPayload:
    """The payload with nothing in it that the database refuses, and its JSON."""
    try:
        raw = _written(payload)
    except (ValueError, RecursionError):
        return _cleaned(payload)
    # What jsonb refuses, as JSON writes it. Where the author typed it the slow way finds nothing to do.
    is_suspicious = (b"\\" in raw and b"\\u0000" in raw) or b"NaN" in raw or b"Infinity" in raw
    if is_suspicious or (len(raw) > _LONGEST_NUMBER and _LONG_NUMBER.search(raw)):
        return _cleaned(payload)
    return CleanPayload(payload, raw, None, ())


def _written(payload: dict[str, Any]) -> bytes:
    """Raises ValueError for lone surrogates, and RecursionError."""
    try:
        return to_json(payload)
    except ValueError:  # of a nesting too, that Python's own JSON can still write
        return as_json(payload).encode()


def _cleaned(payload: dict[str, Any]) -> CleanPayload:
    flags: set[str] = set()
    cleaned = _walk(payload, flags, 0)
    if not flags:
        return CleanPayload(payload, as_json(payload).encode(), None, ())
    return CleanPayload(cleaned, as_json(cleaned).encode(), as_bytes(payload), tuple(sorted(flags)))


def as_bytes(payload: dict[str, Any] | None) -> bytes | None:
    """A payload as it came, with what text and jsonb cannot hold written as escapes."""
    try:
        return json.dumps(payload, default=repr).encode("ascii")
    except (ValueError, RecursionError):
        return None


def _walk(value: Any, flags: set[str], depth: int) -> Any:
    if isinstance(value, str):
        return _clean_string(value, flags)
    if isinstance(value, float) and not math.isfinite(value):
        flags.add("number")
        return None
    if isinstance(value, int) and abs(value) > _LONGEST_INTEGER:
        flags.add("number")
        return None
    if not isinstance(value, dict | list):
        return value
    if depth >= _DEPTH_LIMIT:
        flags.add("deep")
        return None
    if isinstance(value, list):
        return [_walk(item, flags, depth + 1) for item in value]
    return {_clean_string(key, flags): _walk(item, flags, depth + 1) for key, item in value.items()}


def _clean_string(value: str, flags: set[str]) -> str:
    for found in set(_UNSTORABLE.findall(value)):
        flags.add("nul" if found == "\x00" else "surrogate")
    return storable(value)


def storable(text: str) -> str:
    """A text with U+FFFD for each character that the database refuses."""
    return _UNSTORABLE.sub("�", text)
