"""Threads: opening, archiving, and what a message in one does to it."""

from worker.sandbox.world.changes import ChannelChange, ThreadJoined, ThreadLeft
from worker.sandbox.world.messages import Messages, reply_fields
from worker.sandbox.world.model import (
    Channel,
    ChannelKind,
    Message,
    MessageFlag,
    MessageKind,
    ThreadState,
    User,
)
from worker.sandbox.world.places import Places
from worker.sandbox.world.snowflakes import Clock, Snowflakes


class Threads:
    """Opens and archives threads. Source of the shapes: Discord's developer documentation, "Threads"."""

    def __init__(self, places: Places, messages: Messages, ids: Snowflakes, clock: Clock) -> None:
        self._places = places
        self._messages = messages
        self._ids = ids
        self._clock = clock

    def open(
        self,
        parent: Channel,
        name: str,
        text: str | None = None,
        *,
        author: User | None = None,
        message: Message | None = None,
        private: bool = False,
    ) -> Channel:
        """See Channel.add_thread."""
        owner = author or self._places.users[parent.guild.owner_id]
        thread = self._create(parent, name, owner, message.id if message else self._ids.next(), private)
        if message is not None:
            self._messages.update(message, flags=message.flags | MessageFlag.HAS_THREAD)
            starter = reply_fields(message) | {"kind": MessageKind.THREAD_STARTER}
            self._messages.post(thread, owner, **starter)
        elif parent.kind is ChannelKind.FORUM:
            self._messages.post(thread, owner, text or "", message_id=thread.id)
        elif not private:
            self._messages.post(parent, owner, name, message_id=thread.id, kind=MessageKind.THREAD_CREATED)
        if text is not None and parent.kind is not ChannelKind.FORUM:
            self._messages.post(thread, owner, text)
        return thread

    def set_archived(self, thread: Channel, archived: bool) -> None:
        """Raises ValueError for a channel that is no thread."""
        state = _state(thread)
        state.archived = archived
        state.archived_at = self._clock.now()
        self._tell("THREAD_UPDATE", thread)

    def add_member(self, thread: Channel, user: User) -> None:
        """Raises ValueError for a channel that is no thread. Of others who join a bot is told nothing here."""
        _state(thread).members.add(user.id)
        if user == self._places.bot:
            thread.guild.world.tell(ThreadJoined("THREAD_CREATE", self._clock.now(), thread.guild, thread))

    def remove_member(self, thread: Channel, user: User) -> None:
        """Raises ValueError for a channel that is no thread. Of others who leave a bot is told nothing here."""
        _state(thread).members.discard(user.id)
        if user == self._places.bot:
            thread.guild.world.tell(ThreadLeft("THREAD_MEMBERS_UPDATE", self._clock.now(), thread.guild, thread))

    def on_message(self, thread: Channel) -> None:
        """A message counts, and un-archives."""
        state = _state(thread)
        state.posted += 1
        if state.archived:
            self.set_archived(thread, False)

    def _create(self, parent: Channel, name: str, owner: User, thread_id: int, private: bool) -> Channel:
        moment = self._clock.now()
        kind = ChannelKind.PRIVATE_THREAD if private else ChannelKind.PUBLIC_THREAD
        if parent.kind is ChannelKind.NEWS:
            kind = ChannelKind.NEWS_THREAD
        state = ThreadState(owner.id, moment, moment, private=private, members={owner.id})
        thread = Channel(thread_id, parent.guild, name, kind, parent, thread=state)
        self._places.channels[thread.id] = thread
        self._tell("THREAD_CREATE", thread)
        return thread

    def _tell(self, event: str, thread: Channel) -> None:
        thread.guild.world.tell(ChannelChange(event, self._clock.now(), thread.guild, thread))


def _state(thread: Channel) -> ThreadState:
    if thread.thread is None:
        raise ValueError(f"{thread.name} is no thread")
    return thread.thread
