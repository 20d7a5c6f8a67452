"""Messages: posting, editing, deleting, and the pages of a channel's history."""

import re
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from worker.sandbox.wire import Json
from worker.sandbox.world.changes import Change, MessageChange, MessagesChange, ReactionChange
from worker.sandbox.world.model import Channel, Message, MessageKind, Reaction, User
from worker.sandbox.world.places import Places
from worker.sandbox.world.snowflakes import Clock, Snowflakes, snowflake_at

_USER_MENTION = re.compile(r"<@!?(\d+)>")
# The bits of a snowflake that name the machine keep seedings of the same hours apart.
_MACHINES = 1 << 10
_MACHINE_SHIFT = 12
_SEED_TOLD = 1000  # messages in one change, so that no listener holds a whole seeding at once


class Messages:
    """All messages that exist. Every change is told; a deleted message is gone."""

    def __init__(self, places: Places, ids: Snowflakes, clock: Clock, tell: Callable[[Change], None]) -> None:
        self._places = places
        self._ids = ids
        self._clock = clock
        self._tell = tell
        self._by_id: dict[int, Message] = {}
        self._seedings = 0

    def find(self, message_id: int) -> Message | None:
        return self._by_id.get(message_id)

    def post(
        self,
        channel: Channel,
        author: User,
        content: str = "",
        *,
        message_id: int | None = None,
        allowed_mentions: Json | None = None,
        **fields: Any,
    ) -> Message:
        """Stores a new message; `fields` are those of Message. `message_id` may be an id that was reserved before."""
        message = Message(
            id=message_id or self._ids.next(),
            channel=channel,
            author=author,
            content=content,
            **fields | self.mentioned(content, allowed_mentions),
        )
        if not message.webhook:
            self._places.add_member(channel.guild, author)
        self._add(message)
        self._tell_one("MESSAGE_CREATE", message)
        return message

    def seed(
        self, channel: Channel, author: User, count: int, *, start: datetime, end: datetime, text: Callable[[int], str]
    ) -> list[int]:
        """Stores `count` messages spread evenly from `start` to `end`, untold to the gateway. Gives their ids.

        Raises ValueError unless start lies before end and end in the past."""
        if not start < end <= self._clock.now():
            raise ValueError("seeded messages lie in the past: start < end <= now")
        self._seedings += 1
        machine = (self._seedings % _MACHINES) << _MACHINE_SHIFT
        step = (end - start) / max(count, 1)
        ids: list[int] = []
        for first in range(0, count, _SEED_TOLD):
            batch: list[Message] = []
            for index in range(first, min(first + _SEED_TOLD, count)):
                ids.append(max(snowflake_at(start + step * index) | machine, ids[-1] + 1 if ids else 0))
                content = text(index)
                fields = self.mentioned(content, None)
                batch.append(Message(id=ids[-1], channel=channel, author=author, content=content, **fields))
            self._by_id.update((message.id, message) for message in batch)
            self._tell(MessagesChange(None, self._clock.now(), channel.guild, channel, tuple(batch)))
        channel.message_ids = sorted({*channel.message_ids, *ids})
        if ids:
            channel.last_message_id = max(channel.last_message_id or 0, ids[-1])
        return ids

    def edit(self, message: Message, **fields: Any) -> Message:
        """An edit by the author: the given fields and the time of the edit."""
        return self.update(message, edited_at=self._clock.now(), **fields)

    def update(self, message: Message, **fields: Any) -> Message:
        """An update that need not be an edit: a link preview, a thread on the message."""
        updated = self.changed(message, **fields)
        self._by_id[message.id] = updated
        self._tell_one("MESSAGE_UPDATE", updated, before=message)
        return updated

    def changed(self, message: Message, *, allowed_mentions: Json | None = None, **fields: Any) -> Message:
        """The message with these fields; new content decides anew whom it pings."""
        if "content" in fields:
            fields |= self.mentioned(fields["content"], allowed_mentions)
        return replace(message, **fields)

    def delete(self, message: Message) -> None:
        self._remove(message)
        self._tell_one("MESSAGE_DELETE", message)

    def bulk_delete(self, channel: Channel, messages: Sequence[Message]) -> None:
        for message in messages:
            self._remove(message)
        moment = self._clock.now()
        self._tell(MessagesChange("MESSAGE_DELETE_BULK", moment, channel.guild, channel, tuple(messages)))

    def react(self, message: Message, user: User, emoji: str, *, remove: bool = False) -> None:
        """Adds the user's reaction or takes it back; without a difference nothing is told."""
        by_emoji = {reaction.emoji: reaction.user_ids for reaction in message.reactions}
        before = by_emoji.get(emoji, ())
        after = tuple(i for i in before if i != user.id) + (() if remove else (user.id,))
        if set(after) == set(before):
            return
        by_emoji[emoji] = after
        reactions = tuple(Reaction(name, users) for name, users in by_emoji.items() if users)
        self._by_id[message.id] = reacted = replace(message, reactions=reactions)
        event = "MESSAGE_REACTION_REMOVE" if remove else "MESSAGE_REACTION_ADD"
        self._tell(ReactionChange(event, self._clock.now(), message.channel.guild, reacted, user, emoji))

    def page(
        self,
        channel: Channel,
        *,
        limit: int,
        before: int | None = None,
        after: int | None = None,
        around: int | None = None,
    ) -> list[Message]:
        """One page of history, newest first whatever was asked for. The bounds need not be existing messages."""
        ids = channel.message_ids
        if after is not None:
            start = bisect_right(ids, after)
            chosen: Iterable[int] = ids[start : start + limit]
        elif around is not None:
            start = max(bisect_left(ids, around) - limit // 2, 0)
            chosen = ids[start : start + limit]
        else:
            end = len(ids) if before is None else bisect_left(ids, before)
            chosen = ids[max(end - limit, 0) : end]
        return [self._by_id[message_id] for message_id in reversed(list(chosen))]

    def mentioned(self, content: str, allowed: Json | None) -> dict[str, Any]:
        """Whom the content pings, as fields of Message; `allowed` is a request's allowed_mentions, None for all."""
        kinds = ("users", "everyone") if allowed is None else allowed.get("parse", ())
        named = {int(i) for i in (allowed or {}).get("users", ())}
        found = dict.fromkeys(int(i) for i in _USER_MENTION.findall(content)) if "<@" in content else {}
        users = tuple(
            self._places.users[i] for i in found if i in self._places.users and ("users" in kinds or i in named)
        )
        return {"mentions": users, "mention_everyone": "everyone" in kinds and "@everyone" in content}

    def _add(self, message: Message) -> None:
        if message.id in self._by_id:
            raise ValueError(f"there is a message {message.id} already")
        channel = message.channel
        self._by_id[message.id] = message
        insort(channel.message_ids, message.id)
        channel.last_message_id = max(channel.last_message_id or 0, message.id)

    def _remove(self, message: Message) -> None:
        ids = message.channel.message_ids
        del self._by_id[message.id]
        del ids[bisect_left(ids, message.id)]

    def _tell_one(self, event: str, message: Message, before: Message | None = None) -> None:
        self._tell(MessageChange(event, self._clock.now(), message.channel.guild, message, before))


def reply_fields(original: Message) -> dict[str, Any]:
    """Fields of Message for a reply."""
    reference = _reference(original.id, original.channel.id, original.channel.guild.id)
    return {"kind": MessageKind.REPLY, "extra": {"message_reference": {"type": 0, **reference}}}


def forward_fields(snapshot: Mapping[str, Any], message_id: int, channel_id: int, guild_id: int) -> dict[str, Any]:
    """Fields of Message for a forward: empty content, the forwarded message as a snapshot."""
    reference = _reference(message_id, channel_id, guild_id)
    return {
        "extra": {"message_reference": {"type": 1, **reference}, "message_snapshots": [{"message": dict(snapshot)}]}
    }


def _reference(message_id: int, channel_id: int, guild_id: int) -> Json:
    return {"message_id": str(message_id), "channel_id": str(channel_id), "guild_id": str(guild_id)}
