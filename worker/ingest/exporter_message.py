"""DiscordChatExporter's message object in the shape of Discord's own. Pure.

The fields are those that its JsonMessageWriter writes (version 2; `forwardedMessage` since 2.47)."""

from typing import Any

# MessageKind; the exporter writes the number of a kind that it has no name for.
_KINDS = {
    "Default": 0,
    "RecipientAdd": 1,
    "RecipientRemove": 2,
    "Call": 3,
    "ChannelNameChange": 4,
    "ChannelIconChange": 5,
    "ChannelPinnedMessage": 6,
    "GuildMemberJoin": 7,
    "ThreadCreated": 18,
    "Reply": 19,
}
_REFERENCE_TYPES = {"Default": 0, "Forward": 1}
_FIELD_NAMES = {"isInline": "inline", "iconUrl": "icon_url", "fileName": "filename", "fileSizeBytes": "size"}


def message_object(exported: dict[str, Any], *, channel_id: int, guild_id: int | None) -> dict[str, Any]:
    """What Discord would send, as far as the export tells; the exported object itself stays under `export`."""
    reference, author = _object(exported, "reference"), _object(exported, "author")
    payload: dict[str, Any] = {
        "id": exported.get("id"),
        "channel_id": str(channel_id),
        "type": _kind(exported.get("type")),
        "timestamp": exported.get("timestamp"),
        "pinned": exported.get("isPinned") is True,
        # The exporter tells one name to show, of the server or of the account.
        "author": {
            "id": author.get("id"),
            "username": _string(author, "name"),
            "global_name": _string(author, "nickname"),
            "bot": author.get("isBot") is True,
        },
        **_parts(exported),
        "export": exported,
    }
    if guild_id is not None:
        payload["guild_id"] = str(guild_id)
    if reference:
        payload["message_reference"] = {
            "type": _REFERENCE_TYPES.get(str(reference.get("type")), 0),
            "message_id": reference.get("messageId"),
            "channel_id": reference.get("channelId"),
            "guild_id": reference.get("guildId"),
        }
    if forwarded := _object(exported, "forwardedMessage"):
        payload["message_snapshots"] = [{"message": {"timestamp": forwarded.get("timestamp"), **_parts(forwarded)}}]
    return payload


def _parts(exported: dict[str, Any]) -> dict[str, Any]:
    """What messages and forwarded messages share."""
    return {
        "edited_timestamp": exported.get("timestampEdited"),
        "content": _string(exported, "content") or "",
        "embeds": [_embed(embed) for embed in _objects(exported, "embeds")],
        "attachments": [_renamed(attachment) for attachment in _objects(exported, "attachments")],
    }


def _kind(name: object) -> int | str:
    text = str(name)
    return _KINDS.get(text, int(text) if text.isascii() and text.isdigit() else text)


def _embed(embed: dict[str, Any]) -> dict[str, Any]:
    renamed = _renamed(embed)
    for part in ("author", "footer", "image", "thumbnail", "video"):
        if part in embed:
            renamed[part] = _renamed(_object(embed, part))
    renamed["fields"] = [_renamed(field) for field in _objects(embed, "fields")]
    return renamed


def _renamed(exported: dict[str, Any]) -> dict[str, Any]:
    return {_FIELD_NAMES.get(name, name): value for name, value in exported.items()}


def _string(holder: dict[str, Any], key: str) -> str | None:
    value = holder.get(key)
    return value if isinstance(value, str) else None


def _object(holder: dict[str, Any], key: str) -> dict[str, Any]:
    value = holder.get(key)
    return value if isinstance(value, dict) else {}


def _objects(holder: dict[str, Any], key: str) -> list[dict[str, Any]]:
    value = holder.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
