"""One interaction: what a user did, and what the bot made of it."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from worker.sandbox.records import CallbackRecord, Pulse
from worker.sandbox.wire import Json
from worker.sandbox.world.model import Channel, Message, User

COMMAND, COMPONENT, AUTOCOMPLETE = 2, 3, 4


@dataclass(slots=True, eq=False)
class Interaction:
    """`source` is the message of a pressed component. `original` is the answer's message: for an update of the source
    that one, else the new one, a placeholder while `thinking`. `message_ids` are all of the answer's, and `find` gives
    such a message as it is now. `callback` is the answer that was accepted."""

    id: int
    kind: int
    command: str
    channel: Channel
    user: User
    pulse: Pulse = field(repr=False)
    find: Callable[[int], Message | None] = field(repr=False)
    source: Message | None = None
    token: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    sent_at: float = field(default_factory=time.monotonic)
    callback: CallbackRecord | None = None
    thinking: bool = False
    original_id: int | None = None
    message_ids: list[int] = field(default_factory=list)

    @property
    def age(self) -> float:
        """Seconds since it was sent."""
        return time.monotonic() - self.sent_at

    @property
    def original(self) -> Message | None:
        return None if self.original_id is None else self.find(self.original_id)

    @property
    def followups(self) -> list[Message]:
        """Oldest first."""
        found = [self.find(message_id) for message_id in self.message_ids if message_id != self.original_id]
        return [message for message in found if message is not None]

    @property
    def choices(self) -> list[Json]:
        """What an autocomplete was answered with."""
        return list(self.callback.data.get("choices") or []) if self.callback is not None else []

    async def answered(self, seconds: float = 10.0) -> CallbackRecord:
        """Waits for the first answer. Raises TimeoutError."""
        await self.pulse.until(lambda: self.callback is not None, seconds, f"an answer to {self.command}")
        if self.callback is None:
            raise TimeoutError(self.command)
        return self.callback

    async def message(self, seconds: float = 10.0) -> Message:
        """Waits for the answer's message, past any "thinking". Raises TimeoutError."""
        await self.pulse.until(
            lambda: self.original is not None and not self.thinking, seconds, f"a message from {self.command}"
        )
        if self.original is None:
            raise TimeoutError(self.command)
        return self.original
