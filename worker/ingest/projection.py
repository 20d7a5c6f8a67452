"""The one projection of all text parts of a message that parsers read.

In order: content, forwarded messages, embeds, components, poll, the descriptions of attachments; a line break between.
"""

from collections.abc import Iterator
from typing import Any

_BESIDE_CONTENT = ("message_snapshots", "embeds", "components", "poll", "attachments")
_FETCHED_TYPES = ("article", "gifv", "image", "link", "video")
_FETCHED_PARTS = ("provider", "video")  # Discord takes them from nobody who sends an embed
_POST_FOOTERS = ("Twitter", "X")  # of a post there, which is previewed as rich and has no provider
_IS_CROSSPOST = 1 << 1


def text_of(payload: dict[str, Any]) -> str:
    """The text of a message object as Discord sends it. Parts of an unexpected type count as absent."""
    if not any(map(payload.get, _BESIDE_CONTENT)):  # which is nearly every message
        return _string(payload, "content")
    return "\n".join(part for part in _parts(payload) if part)


def _parts(message: dict[str, Any]) -> Iterator[str]:
    yield _string(message, "content")
    # A forward's own content is empty: what was forwarded lies in its snapshots.
    for snapshot in _dicts(message, "message_snapshots"):
        yield from _parts(_dict(snapshot, "message"))
    for embed in _dicts(message, "embeds"):
        if not _is_link_preview(embed, message):
            yield from _embed(embed)
    for component in _dicts(message, "components"):
        yield from _component(component)
    yield from _poll(_dict(message, "poll"))
    for attachment in _dicts(message, "attachments"):
        yield _string(attachment, "description")


def _is_link_preview(embed: dict[str, Any], message: dict[str, Any]) -> bool:
    """What Discord fetched for a link in the content is not what the author wrote, and comes seconds later.

    Only programs can send embeds, all of type rich. A post on another site can be previewed as rich too, so where no
    program wrote, the address tells; it tells nothing more, because a page may name another one as its own, and a
    program may name in its content where its own embed leads to."""
    if embed.get("type") in _FETCHED_TYPES or any(map(embed.get, _FETCHED_PARTS)):
        return True
    url = _string(embed, "url")
    if not url or url not in _string(message, "content"):
        return False
    is_own = embed.get("type") == "rich" and _is_by_program(message)
    return not is_own or _string(_dict(embed, "footer"), "text") in _POST_FOOTERS


def _is_by_program(message: dict[str, Any]) -> bool:
    """Whether a bot or a webhook is known to have written it; a forward does not tell.

    What is crossposted from a followed channel comes through a webhook, whoever wrote it."""
    flags = message.get("flags")
    if isinstance(flags, int) and flags & _IS_CROSSPOST:
        return False
    return bool(message.get("webhook_id")) or _dict(message, "author").get("bot") is True


def _embed(embed: dict[str, Any]) -> Iterator[str]:
    yield _string(_dict(embed, "author"), "name")
    yield _string(embed, "title")
    yield _string(embed, "description")
    for field in _dicts(embed, "fields"):
        yield _string(field, "name")
        yield _string(field, "value")
    yield _string(_dict(embed, "footer"), "text")


def _component(component: dict[str, Any]) -> Iterator[str]:
    """What can be read in a component, a picture of a gallery or an option of a menu, through any nesting of them."""
    for key in ("content", "label", "description", "placeholder"):
        yield _string(component, key)
    for key in ("components", "items", "options"):
        for child in _dicts(component, key):
            yield from _component(child)
    for key in ("accessory", "component"):
        if child := _dict(component, key):
            yield from _component(child)


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
