"""REQUEST_GUILD_MEMBERS and its answer in chunks. Source: Discord's documentation, "Request Guild Members"."""

from worker.sandbox.wire import Json
from worker.sandbox.world import payloads
from worker.sandbox.world.world import World

_CHUNK = 1000  # members


def member_chunks(world: World, request: Json) -> list[Json]:
    """The GUILD_MEMBERS_CHUNK payloads for a request; none for a guild the bot is not in."""
    guild = world.places.guilds.get(int(request["guild_id"]))
    if guild is None or world.places.bot.id not in guild.members:
        return []
    wanted = _wanted_ids(request)
    if wanted is None:
        found = [one for one in guild.members.values() if one.user.name.startswith(request.get("query", ""))]
        found = found[: request.get("limit") or None]
    else:
        found = [guild.members[user_id] for user_id in wanted if user_id in guild.members]
    missing = [str(user_id) for user_id in wanted or () if user_id not in guild.members]
    count = max(-(-len(found) // _CHUNK), 1)
    shared = {"guild_id": str(guild.id), "chunk_count": count, "not_found": missing}
    if request.get("nonce"):
        shared["nonce"] = request["nonce"]
    return [
        shared
        | {
            "chunk_index": index,
            "members": [payloads.member(one) for one in found[index * _CHUNK : (index + 1) * _CHUNK]],
        }
        for index in range(count)
    ]


def _wanted_ids(request: Json) -> list[int] | None:
    ids = request.get("user_ids")
    if ids is None:
        return None
    return [int(user_id) for user_id in (ids if isinstance(ids, list) else [ids])]
