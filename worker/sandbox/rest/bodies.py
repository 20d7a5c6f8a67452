"""The body of a request that makes or changes a message: JSON, or JSON with files; and its limits."""

import json
from dataclasses import dataclass
from typing import Any

from aiohttp import BodyPartReader, web

from worker.sandbox.rest.answers import EMPTY_MESSAGE, invalid_form
from worker.sandbox.wire import Json
from worker.sandbox.world.model import Channel
from worker.sandbox.world.world import World

_CONTENT_LIMIT = 2000  # characters, as a string's code points
_EMBED_LIMIT = 10
_EMBED_TEXT_LIMIT = 6000  # characters of all embeds of a message together
_EMBED_LIMITS = {"title": 256, "description": 4096, "footer text": 2048, "author name": 256}
_FIELD_LIMIT, _FIELD_LIMITS = 25, {"name": 256, "value": 1024}
_ATTACHMENT_DESCRIPTION_LIMIT = 1024
_NON_EMPTY_KEYS = ("content", "embeds", "components", "attachments", "poll", "sticker_ids")


@dataclass(frozen=True, slots=True)
class File:
    name: str
    content: bytes
    content_type: str


async def read_body(request: web.Request) -> tuple[Json, list[File]]:
    """The JSON object and the files that came with it. Raises ApiError."""
    files: list[File] = []
    text = ""
    if request.content_type.startswith("multipart/"):
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader):
                raise invalid_form("a nested multipart body")
            content = bytes(await part.read())
            if part.name == "payload_json":
                text = content.decode()
            else:
                content_type = part.headers.get("Content-Type", "application/octet-stream")
                files.append(File(part.filename or "file", content, content_type))
    else:
        text = await request.text()
    body = _parsed(text)
    if not isinstance(body, dict):
        raise invalid_form("the body is not an object")
    return body, files


async def read_list(request: web.Request) -> list[Json]:
    """A JSON list of objects. Raises ApiError."""
    body = _parsed(await request.text())
    if not isinstance(body, list) or not all(isinstance(one, dict) for one in body):
        raise invalid_form("the body is not a list of objects")
    return body


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise invalid_form("the body is not JSON") from None


def message_fields(world: World, channel: Channel, body: Json, files: list[File]) -> dict[str, Any]:
    """The fields of Message that the body sets, within Discord's limits. Raises ApiError."""
    content = body.get("content") or ""
    embeds = body.get("embeds") or []
    if not isinstance(content, str) or len(content) > _CONTENT_LIMIT:
        raise invalid_form(f"content must be {_CONTENT_LIMIT} or fewer in length")
    if len(embeds) > _EMBED_LIMIT or sum(map(_embed_text, embeds)) > _EMBED_TEXT_LIMIT:
        raise invalid_form("embeds are too many or too long")
    for embed in embeds:
        _check_embed(embed)
    fields: dict[str, Any] = {}
    if "content" in body:
        fields["content"] = content
        fields["allowed_mentions"] = body.get("allowed_mentions")
    if "embeds" in body:
        fields["embeds"] = tuple(embeds)
    if "components" in body:
        fields["components"] = tuple(body["components"] or ())
    if "flags" in body:
        fields["flags"] = int(body["flags"] or 0)
    if "attachments" in body or files:
        fields["attachments"] = _attachments(world, channel, body.get("attachments") or [], files)
    return fields


def require_something(body: Json, files: list[File]) -> None:
    """Raises ApiError for a new message without anything in it."""
    if not files and not any(body.get(key) for key in _NON_EMPTY_KEYS):
        raise EMPTY_MESSAGE


def _check_embed(embed: Json) -> None:
    texts = _embed_texts(embed)
    fields = embed.get("fields") or []
    too_long = [name for name, limit in _EMBED_LIMITS.items() if len(texts[name]) > limit]
    too_long += [
        key for one in fields for key, limit in _FIELD_LIMITS.items() if not 0 < len(one.get(key, "")) <= limit
    ]
    if too_long or len(fields) > _FIELD_LIMIT:
        raise invalid_form(f"an embed's {', '.join(too_long) or 'fields'} are too long, too many or missing")


def _embed_texts(embed: Json) -> dict[str, str]:
    """The texts of an embed by their names in _EMBED_LIMITS, empty where there is none."""
    return {
        "title": embed.get("title") or "",
        "description": embed.get("description") or "",
        "footer text": (embed.get("footer") or {}).get("text") or "",
        "author name": (embed.get("author") or {}).get("name") or "",
    }


def _embed_text(embed: Json) -> int:
    fields = [field.get(key) or "" for field in embed.get("fields") or [] for key in _FIELD_LIMITS]
    return sum(map(len, [*_embed_texts(embed).values(), *fields]))


def _attachments(world: World, channel: Channel, described: list[Json], files: list[File]) -> tuple[Json, ...]:
    """Those that stay, told by their id, then the new files, whose description goes by their place."""
    kept = [one for one in described if "filename" not in one or int(one["id"]) >= len(files)]
    by_place = {int(one["id"]): one for one in described}
    new: list[Json] = []
    for place, file in enumerate(files):
        attachment = {
            "id": str(world.ids.next()),
            "filename": file.name,
            "size": len(file.content),
            "content_type": file.content_type,
        }
        description = by_place.get(place, {}).get("description")
        if description:
            if len(description) > _ATTACHMENT_DESCRIPTION_LIMIT:
                raise invalid_form(f"an attachment's description of {len(description)} characters")
            attachment["description"] = description
        world.files[f"/attachments/{channel.id}/{attachment['id']}/{file.name}"] = (file.content, file.content_type)
        new.append(attachment)
    return (*kept, *new)
