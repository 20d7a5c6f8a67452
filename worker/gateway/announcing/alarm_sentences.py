"""What alarms say: one sentence with what to do, and where to look. Pure."""

from worker.gateway.discord_commands.replies import jump_link
from worker.gateway.watchdog import INTENT_MISSING

CONTENT = f"{INTENT_MISSING} https://discord.com/developers/applications"


def empty(guild_id: int, channel_id: int, message_id: int) -> str:
    return (
        f"A plan in <#{channel_id}> was recognised, but nothing could be read from it: read it yourself; in its "
        f"menu, *Apps*, *Read this plan* says why. {jump_link(guild_id, channel_id, message_id)}"
    )


def failed(guild_id: int, channel_id: int, message_id: int) -> str:
    return (
        f"The parser broke on a post in <#{channel_id}>: read it yourself, and report it to who keeps "
        f"the worker. {jump_link(guild_id, channel_id, message_id)}"
    )


def gap(guild_id: int, channel_id: int, first_id: int, *, minutes: int, is_forbidden: bool) -> str:
    """`first_id` is of a moment, not of a message; Discord jumps to what was posted then."""
    what_to_do = (
        "give the bot *View Channel* and *Read Message History* there"
        if is_forbidden
        else "look at `/status` and at the log's `history.interrupted`"
    )
    where = jump_link(guild_id, channel_id, first_id)
    return f"Messages of <#{channel_id}> have been missing for over {minutes} minutes: {what_to_do}. {where}"


def announcing(channel_id: int, reason: str, guild_id: int, source_id: int, message_id: int) -> str:
    """`reason` is why the channel takes no announcement, `message_id` the post whose plan is not announced there."""
    return (
        f"A plan cannot be announced in <#{channel_id}>, because {reason}: mend that, or choose another channel with "
        f"`/channels set`. {jump_link(guild_id, source_id, message_id)}"
    )


def dead_letters(consumer: str) -> str:
    return (
        f"Some events could not be dealt with, so announcements may be missing: `python -m worker consumers letters "
        f"{consumer}` says why, and `consumers requeue {consumer}` tries them again."
    )
