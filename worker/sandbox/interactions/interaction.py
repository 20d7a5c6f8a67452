"""One interaction: what a user did, and what the bot made of it."""

import secrets
import time
from dataclasses import dataclass, field

from worker.sandbox.records import CallbackRecord, Pulse
from worker.sandbox.wire import Json
from worker.sandbox.world.model import Channel, Message, User

COMMAND, COMPONENT, AUTOCOMPLETE = 2, 3, 4


@dataclass(slots=True, eq=False)
class Interaction:
    """`source` is the message of a pressed component. `original` is the answer's message: for an update of the source
    that one, else the new one, a placeholder while `thinking`. `messages` holds all of the answer, ephemeral ones
    included, by id. `callback` is the answer that was accepted."""

    id: int
    kind: int
    command: str
    channel: Channel
    user: User
    pulse: Pulse = field(repr=False)
    source: Message | None = None
    token: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    sent_at: float = field(default_factory=time.monotonic)
    callback: CallbackRecord | None = None
    thinking: bool = False
    original_id: int | None = None
    messages: dict[int, Message] = field(default_factory=dict)

    @property
    def age(self) -> float:
        """Seconds since it was sent."""
        return time.monotonic() - self.sent_at

    @property
    def original(self) -> Message | None:
        return None if self.original_id is None else self.messages.get(self.original_id)

    @property
    def followups(self) -> list[Message]:
        """Oldest first."""
        return [message for message_id, message in self.messages.items() if message_id != self.original_id]

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
