"""The ledger: everything that was posted, edited and deleted, in order. It is the truth that tests compare with."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from worker.sandbox.wire import Json, timestamp
from worker.sandbox.world.changes import Change, MessageChange, MessagesChange
from worker.sandbox.world.model import Message

_ACTIONS = {"MESSAGE_CREATE": "posted", "MESSAGE_DELETE": "deleted", "MESSAGE_DELETE_BULK": "deleted", None: "seeded"}


class FinalMessage(TypedDict):
    """The last state of a message that ever was. `edits` counts changes of its edit time; ids are strings."""

    id: str
    author_id: str
    content: str
    embeds: list[Json]
    edited_timestamp: str | None
    edits: int
    deleted: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened to one message. `action`: posted, seeded, edited, updated (no edit) or deleted;
    `message` is its state afterwards, of a deletion the last one before."""

    number: int
    at: datetime
    action: str
    message: Message

    def as_json(self) -> Json:
        message = self.message
        return {
            "number": self.number,
            "at": timestamp(self.at),
            "action": self.action,
            "channel_id": str(message.channel.id),
            "message_id": str(message.id),
            "content": message.content,
            "edited_timestamp": None if message.edited_at is None else timestamp(message.edited_at),
        }


class Ledger:
    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def record(self, change: Change) -> None:
        """A listener of the world; what concerns no message is not entered."""
        if isinstance(change, MessageChange):
            edited = change.before is not None and change.before.edited_at != change.message.edited_at
            self._enter(change, _ACTIONS.get(change.event, "edited" if edited else "updated"), change.message)
        elif isinstance(change, MessagesChange):
            for message in change.messages:
                self._enter(change, _ACTIONS[change.event], message)

    def final(self, channel_id: int) -> list[FinalMessage]:
        """The last state of every message that was ever in the channel, deleted ones too, oldest id first."""
        found: dict[int, FinalMessage] = {}
        for entry in self.entries:
            message = entry.message
            if message.channel.id != channel_id:
                continue
            edits = found[message.id]["edits"] if message.id in found else 0
            found[message.id] = FinalMessage(
                id=str(message.id),
                author_id=str(message.author.id),
                content=message.content,
                embeds=list(message.embeds),
                edited_timestamp=None if message.edited_at is None else timestamp(message.edited_at),
                edits=edits + (entry.action == "edited"),
                deleted=entry.action == "deleted",
            )
        return [found[message_id] for message_id in sorted(found)]

    def as_json(self) -> list[Json]:
        return [entry.as_json() for entry in self.entries]

    def _enter(self, change: Change, action: str, message: Message) -> None:
        self.entries.append(Entry(len(self.entries) + 1, change.at, action, message))
