"""The JSON objects of Discord's API, version 10. A key that may be missing is left out, never null.

Source: Discord's developer documentation, "Channel", "Guild", "Message", "Threads"."""

from worker.sandbox.wire import Json, timestamp
from worker.sandbox.world.model import Channel, ChannelKind, Guild, Member, Message, MessageKind, Role, User
from worker.sandbox.world.permissions import Permission, in_channel
from worker.sandbox.world.snowflakes import moment_of

_SNAPSHOT_KEYS = ("embeds", "attachments", "components", "mentions", "mention_roles")


def user(value: User) -> Json:
    shape: Json = {
        "id": str(value.id),
        "username": value.name,
        "global_name": None,
        "discriminator": "0001" if value.bot else "0",
        "avatar": None,
        "public_flags": 0,
    }
    return shape | ({"bot": True} if value.bot else {})


def member(value: Member, *, with_user: bool = True) -> Json:
    shape = {
        "roles": [str(role_id) for role_id in value.role_ids],
        "joined_at": timestamp(value.joined_at),
        "flags": 0,
        "nick": None,
        "avatar": None,
        "premium_since": None,
        "deaf": False,
        "mute": False,
        "pending": False,
    }
    return shape | ({"user": user(value.user)} if with_user else {})


def role(value: Role) -> Json:
    return {
        "id": str(value.id),
        "name": value.name,
        "permissions": str(int(value.permissions)),
        "position": value.position,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "managed": False,
        "mentionable": False,
        "flags": 0,
    }


def channel(value: Channel) -> Json:
    """A channel, or a thread with its metadata."""
    shape: Json = {
        "id": str(value.id),
        "type": int(value.kind),
        "guild_id": str(value.guild.id),
        "name": value.name,
        "parent_id": None if value.parent is None else str(value.parent.id),
        "last_message_id": None if value.last_message_id is None else str(value.last_message_id),
        "rate_limit_per_user": 0,
        "flags": 0,
    }
    if value.thread is not None:
        return shape | _thread_keys(value)
    shape |= {"position": value.position, "nsfw": False, "topic": None}
    if value.kind is ChannelKind.VOICE:
        shape |= {"bitrate": 64000, "user_limit": 0}
    if value.kind is ChannelKind.FORUM:
        shape |= {"available_tags": [], "default_reaction_emoji": None, "default_forum_layout": 0}
    shape["permission_overwrites"] = [
        {
            "id": str(overwrite.target_id),
            "type": 0 if overwrite.is_role else 1,
            "allow": str(int(overwrite.allow)),
            "deny": str(int(overwrite.deny)),
        }
        for overwrite in value.overwrites.values()
    ]
    return shape


def _thread_keys(value: Channel) -> Json:
    state = value.thread
    if state is None:
        return {}
    return {
        "owner_id": str(state.owner_id),
        "message_count": max(state.posted - 1, 0),
        "total_message_sent": state.posted,
        "member_count": len(state.members),
        "thread_metadata": {
            "archived": state.archived,
            "auto_archive_duration": 1440,
            "archive_timestamp": timestamp(state.archived_at),
            "locked": state.locked,
            "create_timestamp": timestamp(state.created_at),
        },
    }


def thread_member(value: Channel, user_id: int) -> Json:
    joined = value.thread.created_at if value.thread is not None else moment_of(value.id)
    return {"id": str(value.id), "user_id": str(user_id), "join_timestamp": timestamp(joined), "flags": 0}


def guild(value: Guild) -> Json:
    """What GET /guilds/{id} and GUILD_UPDATE have."""
    return {
        "id": str(value.id),
        "name": value.name,
        "owner_id": str(value.owner_id),
        "icon": None,
        "description": None,
        "features": [],
        "emojis": [],
        "stickers": [],
        "roles": [role(one) for one in value.roles.values()],
        "preferred_locale": "en-US",
        "verification_level": 0,
        "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "nsfw_level": 0,
        "mfa_level": 0,
        "premium_tier": 0,
        "system_channel_id": None,
        "system_channel_flags": 0,
        "afk_channel_id": None,
        "afk_timeout": 300,
        "rules_channel_id": None,
        "public_updates_channel_id": None,
        "vanity_url_code": None,
    }


def guild_create(value: Guild) -> Json:
    """The guild as GUILD_CREATE tells it: of the members only the bot, of the threads the active ones it can see."""
    places = value.world.places
    bot_id = places.bot.id
    threads = active_threads(value)
    return guild(value) | {
        "unavailable": False,
        "member_count": len(value.members),
        "large": False,
        "joined_at": timestamp(value.members[bot_id].joined_at),
        "channels": [channel(one) for one in places.channels_of(value)],
        "threads": [channel(thread) for thread in threads],
        "members": [member(value.members[bot_id])],
        "voice_states": [],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def active_threads(place: Guild | Channel) -> list[Channel]:
    """The threads there that are not archived and that the bot can see, newest first."""
    world = place.world if isinstance(place, Guild) else place.guild.world
    bot_id = world.places.bot.id
    threads = [
        thread
        for thread in world.places.threads_of(place)
        if thread.thread is not None
        and not thread.thread.archived
        and Permission.VIEW_CHANNEL in in_channel(thread, bot_id)
    ]
    return sorted(threads, key=lambda thread: -thread.id)


def message(value: Message, *, content: bool, event: bool = False) -> Json:
    """A message as REST gives it, or with `event` as the gateway does. Without `content` it is emptied as for an
    application that lacks the message content intent."""
    shape: Json = {
        "id": str(value.id),
        "channel_id": str(value.channel.id),
        "type": int(value.kind),
        "author": user(value.author),
        "content": value.content,
        "timestamp": timestamp(moment_of(value.id)),
        "edited_timestamp": None if value.edited_at is None else timestamp(value.edited_at),
        "tts": False,
        "mention_everyone": value.mention_everyone,
        "mentions": [user(one) for one in value.mentions],
        "mention_roles": [],
        "attachments": [_attachment(value, one) for one in value.attachments],
        "embeds": list(value.embeds),
        "components": list(value.components),
        "pinned": False,
        "flags": int(value.flags),
        **value.extra,
    }
    if value.webhook:
        shape["webhook_id"] = str(value.author.id)
        shape["author"] |= {"bot": True}
    shape |= _event_keys(value) if event else _rest_keys(value)
    if value.kind in (MessageKind.REPLY, MessageKind.THREAD_STARTER):
        shape["referenced_message"] = _referenced(value, content=content)
    return shape if content else _emptied(shape)


def reads_content(value: Message, *, intent: bool, bot: User) -> bool:
    """Whether the bot is shown the content: by the intent, or as its author, or because it is mentioned."""
    return intent or value.author == bot or bot in value.mentions


def _event_keys(value: Message) -> Json:
    keys: Json = {"guild_id": str(value.channel.guild.id)}
    known = value.channel.guild.members.get(value.author.id)
    if known is not None and not value.webhook:
        keys["member"] = member(known, with_user=False)
    return keys


def _rest_keys(value: Message) -> Json:
    places = value.channel.guild.world.places
    keys: Json = {}
    if value.reactions:
        keys["reactions"] = [
            {
                "emoji": {"id": None, "name": reaction.emoji},
                "count": len(reaction.user_ids),
                "count_details": {"burst": 0, "normal": len(reaction.user_ids)},
                "burst_colors": [],
                "me": places.bot.id in reaction.user_ids,
                "me_burst": False,
            }
            for reaction in value.reactions
        ]
    thread = places.channels.get(value.id)
    if thread is not None and thread.parent is value.channel:
        keys["thread"] = channel(thread)
    return keys


def _referenced(value: Message, *, content: bool) -> Json | None:
    original = value.channel.guild.world.messages.find(int(value.extra["message_reference"]["message_id"]))
    return None if original is None else message(original, content=content)


def _attachment(value: Message, attachment: Json) -> Json:
    name = attachment["filename"]
    url = f"{value.channel.guild.world.origin}/attachments/{value.channel.id}/{attachment['id']}/{name}"
    return {"size": 0, "url": url, "proxy_url": url} | attachment


def _emptied(shape: Json) -> Json:
    shape = shape | {"content": "", "embeds": [], "attachments": [], "components": []}
    shape.pop("poll", None)
    if "message_snapshots" in shape:
        shape["message_snapshots"] = [
            {"message": snapshot["message"] | {"content": ""} | {key: [] for key in _SNAPSHOT_KEYS}}
            for snapshot in shape["message_snapshots"]
        ]
    return shape
