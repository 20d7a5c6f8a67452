"""The one projection of all text parts of a message that parsers read.

In order: content, forwarded messages, embeds, components, poll, the descriptions of attachments; a line break between.
"""

from collections.abc import Iterator
from typing import Any

_BESIDE_CONTENT = ("message_snapshots", "embeds", "components", "poll", "attachments")
_FETCHED_TYPES = ("article", "gifv", "image", "link", "video")


def text_of(payload: dict[str, Any]) -> str:
    """The text of a message object as Discord sends it. Parts of an unexpected type count as absent."""
    if not any(map(payload.get, _BESIDE_CONTENT)):  # which is nearly every message
        return _string(payload, "content")
    return "\n".join(part for part in _parts(payload) if part)


def _parts(message: dict[str, Any]) -> Iterator[str]:
    content = _string(message, "content")
    yield content
    # A forward's own content is empty: what was forwarded lies in its snapshots.
    for snapshot in _dicts(message, "message_snapshots"):
        yield from _parts(_dict(snapshot, "message"))
    for embed in _dicts(message, "embeds"):
        if not _is_link_preview(embed, content):
            yield from _embed(embed)
    for component in _dicts(message, "components"):
        yield from _component(component)
    yield from _poll(_dict(message, "poll"))
    for attachment in _dicts(message, "attachments"):
        yield _string(attachment, "description")


def _is_link_preview(embed: dict[str, Any], content: str) -> bool:
    """What Discord fetched for a link in the content is not what the author wrote, and comes seconds later.

    Bots and webhooks write embeds of type rich only. A post on another site can be previewed as rich too; otherwise the
    address tells nothing, because a page may name another one as its own."""
    url = _string(embed, "url")
    return embed.get("type") in _FETCHED_TYPES or (bool(url) and url in content)


def _embed(embed: dict[str, Any]) -> Iterator[str]:
    yield _string(_dict(embed, "author"), "name")
    yield _string(embed, "title")
    yield _string(embed, "description")
    for field in _dicts(embed, "fields"):
        yield _string(field, "name")
        yield _string(field, "value")
    yield _string(_dict(embed, "footer"), "text")


def _component(component: dict[str, Any]) -> Iterator[str]:
    """Text displays and labels, through any nesting of rows, sections and containers."""
    yield _string(component, "content")
    yield _string(component, "label")
    for child in _dicts(component, "components"):
        yield from _component(child)
    if accessory := _dict(component, "accessory"):
        yield from _component(accessory)


def _poll(poll: dict[str, Any]) -> Iterator[str]:
    yield _string(_dict(poll, "question"), "text")
    for answer in _dicts(poll, "answers"):
        yield _string(_dict(answer, "poll_media"), "text")


def _string(holder: dict[str, Any], key: str) -> str:
    value = holder.get(key)
    return value if isinstance(value, str) else ""


def _dict(holder: dict[str, Any], key: str) -> dict[str, Any]:
    value = holder.get(key)
    return value if isinstance(value, dict) else {}


def _dicts(holder: dict[str, Any], key: str) -> list[dict[str, Any]]:
    value = holder.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
