"""Users who post, edit and delete while a worker is at work, and what of it nobody can have seen."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from worker.sandbox import Channel, Message, Sandbox

IN_MEMORY_SECONDS = 10.0  # for what was received and not yet committed, on a busy machine
HOSTILE = ("\x00", "\ud800", "A\u202eB", "x" * 4000, "'; DROP TABLE events; --", "\u2028", "`" * 50, "<@1>", "empty")


class Traders:
    """They act in two channels and a thread, by a random generator of the run's own."""

    def __init__(self, sandbox: Sandbox, chance: random.Random) -> None:
        self.sandbox = sandbox
        self.chance = chance
        guild = sandbox.add_guild("Traders")
        self.listened = [guild.add_channel("plans"), guild.add_channel("chat")]
        self._threads: list[Channel] = []
        self._standing: list[Message] = []
        self._nobody_is_there = False
        self.unwatched: set[int] = set()
        self.missed: dict[int, list[Message]] = {}
        self._changes: list[tuple[float, int]] = []

    @contextmanager
    def nobody_there(self) -> Iterator[None]:
        """What changes now, or changed just before, may have been received by nobody. Without a session at the
        gateway it is so anyway; this is for one that only seems to be there, and for what goes before its end."""
        now = asyncio.get_running_loop().time()
        self.unwatched |= {message_id for at, message_id in self._changes if at > now - IN_MEMORY_SECONDS}
        self._nobody_is_there = True
        try:
            yield
        finally:
            self._nobody_is_there = False

    def open_private_thread(self) -> Channel:
        """One more to act in, which the bot is a member of."""
        thread = self.listened[0].add_thread("a private thread", private=True)
        thread.add_thread_member(self.sandbox.bot)
        self._threads.append(thread)
        return thread

    @property
    def channels(self) -> list[Channel]:
        return [*self.listened, *self._threads]

    def act(self, times: int = 1) -> None:
        """Posts for the most part; edits and deletes what stands. Not before the channels are listened to: what
        is older is not asked for."""
        if not self._threads:
            self._threads.append(self.listened[0].add_thread("a thread", "its beginning"))
        for _ in range(times):
            kind = self.chance.choices(["post", "edit", "delete"], [8, 3, 1])[0]
            if kind == "post" or not self._standing:
                text = self.chance.choice(HOSTILE) if self.chance.random() < 0.05 else f"{self.chance.random()}"
                self.post(self.chance.choice(self.channels), text)
            elif kind == "edit":
                message = self.chance.choice(self._standing)
                self.sandbox.edit(message, f"edited {self.chance.random()}")
                self._changed(message)
            else:
                self.delete(self.chance.choice(self._standing))

    def post(self, channel: Channel, text: str, **more: Any) -> Message:
        message = self.sandbox.post(channel, text, **more)
        self._standing.append(message)
        self._changed(message)
        return message

    def delete(self, message: Message) -> None:
        """Nothing happens to one that is deleted already."""
        if message not in self._standing:
            return
        self._standing.remove(message)
        self.sandbox.delete(message)
        self._changed(message)

    def archive(self) -> None:
        """Every thread; the next message there brings it back."""
        for thread in self._threads:
            thread.set_archived(True)

    def miss(self, times: int = 1) -> None:
        """Posts in every channel, so that each has a gap; `missed` are the messages of the last call by channel."""
        for channel in self.channels:
            self.missed[channel.id] = [self.post(channel, f"{self.chance.random()}") for _ in range(times)]

    def _changed(self, message: Message) -> None:
        self._changes.append((asyncio.get_running_loop().time(), message.id))
        if self._nobody_is_there or not self.sandbox.gateway.is_ready():
            self.unwatched.add(message.id)
