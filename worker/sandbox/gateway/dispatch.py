"""From a change in the world to the event that a session is told.

Source of the payloads: Discord's developer documentation, "Gateway Events"."""

from functools import singledispatch

from worker.sandbox.gateway.intents import Intent, intent_for
from worker.sandbox.gateway.sessions import Session
from worker.sandbox.wire import Json
from worker.sandbox.world import payloads
from worker.sandbox.world.changes import (
    BotJoined,
    Change,
    ChannelChange,
    GuildChange,
    MemberChange,
    MessageChange,
    MessagesChange,
    ReactionChange,
    RoleChange,
    ThreadJoined,
    ThreadLeft,
    ThreadsShown,
)
from worker.sandbox.world.permissions import Permission, in_channel


def tell(session: Session, change: Change) -> None:
    """Dispatches the change if the session is to know of it: by shard, intents and the bot's sight of the channel."""
    if change.event is None or not _concerns(session, change):
        return
    session.dispatch(change.event, payload(change, session.intents))


def _concerns(session: Session, change: Change) -> bool:
    number, of = session.shard
    bot = change.guild.world.places.bot
    if (change.guild.id >> 22) % of != number:
        return False
    if isinstance(change, MemberChange) and change.user == bot:
        return True
    if intent_for(change.event or "") not in session.intents:
        return False
    if isinstance(change, GuildChange):
        return True
    return change.guild.available and bot.id in change.guild.members and _in_sight(change, bot.id)


def _in_sight(change: Change, bot_id: int) -> bool:
    """A bot is told of every channel, but of messages and threads only where it may look."""
    if isinstance(change, MessageChange | ReactionChange):
        channel = change.message.channel
    elif isinstance(change, MessagesChange) or (isinstance(change, ChannelChange) and change.channel.thread):
        channel = change.channel
    else:
        return True
    return Permission.VIEW_CHANNEL in in_channel(channel, bot_id)


@singledispatch
def payload(change: Change, intents: Intent) -> Json:
    """The event's `d`. Raises NotImplementedError for a change that no event tells."""
    raise NotImplementedError(type(change).__name__)


@payload.register
def _(change: MessageChange, intents: Intent) -> Json:
    message = change.message
    if change.event == "MESSAGE_DELETE":
        return {"id": str(message.id), **_where(change, message.channel.id)}
    bot = change.guild.world.places.bot
    content = payloads.reads_content(message, intent=Intent.MESSAGE_CONTENT in intents, bot=bot)
    return payloads.message(message, content=content, event=True)


@payload.register
def _(change: MessagesChange, intents: Intent) -> Json:
    return {"ids": [str(message.id) for message in change.messages], **_where(change, change.channel.id)}


@payload.register
def _(change: ReactionChange, intents: Intent) -> Json:
    shape = {
        "user_id": str(change.user.id),
        "message_id": str(change.message.id),
        "emoji": {"id": None, "name": change.emoji},
        "type": 0,
        "burst": False,
        **_where(change, change.message.channel.id),
    }
    member = change.guild.members.get(change.user.id)
    if change.event == "MESSAGE_REACTION_ADD" and member is not None:
        shape["member"] = payloads.member(member)
    return shape


@payload.register
def _(change: ChannelChange, intents: Intent) -> Json:
    if change.event == "THREAD_DELETE":
        keys = ("id", "type", "guild_id", "parent_id")
        return {key: value for key, value in payloads.channel(change.channel).items() if key in keys}
    new = change.event == "THREAD_CREATE" and not isinstance(change, ThreadJoined)
    return payloads.channel(change.channel) | ({"newly_created": True} if new else {})


@payload.register
def _(change: ThreadLeft, intents: Intent) -> Json:
    state, bot = change.channel.thread, change.guild.world.places.bot
    return {
        "id": str(change.channel.id),
        "guild_id": str(change.guild.id),
        "member_count": len(state.members) if state else 0,
        "added_members": [],
        "removed_member_ids": [str(bot.id)],
    }


@payload.register
def _(change: ThreadsShown, intents: Intent) -> Json:
    threads = payloads.active_threads(change.channel)
    return {
        "guild_id": str(change.guild.id),
        "channel_ids": [str(change.channel.id)],
        "threads": [payloads.channel(thread) for thread in threads],
        "members": [],
    }


@payload.register
def _(change: GuildChange, intents: Intent) -> Json:
    if change.event == "GUILD_CREATE":
        # "unavailable": false means that it is there again; a guild the bot has just joined does not say it.
        shape = payloads.guild_create(change.guild)
        return {key: shape[key] for key in shape if key != "unavailable" or not isinstance(change, BotJoined)}
    # Only an outage says "unavailable"; its absence tells that the bot was removed.
    return {"id": str(change.guild.id)} | ({} if change.guild.available else {"unavailable": True})


@payload.register
def _(change: RoleChange, intents: Intent) -> Json:
    return {"guild_id": str(change.guild.id), "role": payloads.role(change.role)}


@payload.register
def _(change: MemberChange, intents: Intent) -> Json:
    return payloads.member(change.guild.members[change.user.id]) | {"guild_id": str(change.guild.id)}


def _where(change: Change, channel_id: int) -> Json:
    return {"channel_id": str(channel_id), "guild_id": str(change.guild.id)}
