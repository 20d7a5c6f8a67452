"""The world: everything that exists in the sandbox's Discord, and who is told when it changes."""

from collections.abc import Callable

from worker.sandbox.world.changes import Change, MessageChange
from worker.sandbox.world.messages import Messages
from worker.sandbox.world.model import Guild, User
from worker.sandbox.world.places import Places
from worker.sandbox.world.snowflakes import Clock, Snowflakes
from worker.sandbox.world.threads import Threads

Listener = Callable[[Change], None]


class World:
    """Pure state: knows no socket. Listeners are called in turn, before the changing call returns."""

    def __init__(self) -> None:
        self.ids = Snowflakes()
        self.clock = Clock()
        self._listeners: list[Listener] = []
        self.places = Places(self.ids, self.clock, self.tell)
        self.messages = Messages(self.places, self.ids, self.clock, self.tell)
        self.threads = Threads(self.places, self.messages, self.ids, self.clock)
        self.files: dict[str, tuple[bytes, str]] = {}
        self.origin = ""
        self.subscribe(self._count_in_thread)

    def subscribe(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def tell(self, change: Change) -> None:
        for listener in self._listeners:
            listener(change)

    def add_guild(self, name: str, owner: User | None = None) -> Guild:
        owner = owner or self.places.add_user(f"owner of {name}")
        guild = Guild(self.ids.next(), name, owner.id, self)
        self.places.add_guild(guild)
        return guild

    def _count_in_thread(self, change: Change) -> None:
        if isinstance(change, MessageChange) and change.event == "MESSAGE_CREATE":
            channel = change.message.channel
            if channel.thread is not None:
                self.threads.on_message(channel)
