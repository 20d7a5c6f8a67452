"""What clients did: requests, logins, connections and callbacks, in order; and waiting until something has happened."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from worker.sandbox.wire import Json


@dataclass(slots=True)
class RequestRecord:
    """One REST request. `path` is without /api/v10; `status` stays None where no answer was sent."""

    method: str
    path: str
    query: dict[str, str]
    at: datetime
    status: int | None = None


@dataclass(slots=True)
class IdentifyRecord:
    """One IDENTIFY or RESUME. `outcome`: ready, resumed, invalid (op 9) or the close code."""

    operation: str
    at: datetime
    session_id: str | None
    outcome: str
    intents: int | None = None
    sequence: int | None = None


@dataclass(slots=True)
class ConnectionRecord:
    """One gateway connection. `close_code` is the code of whoever closed it, None for a bare cut."""

    opened_at: datetime
    compression: str
    session_id: str | None = None
    closed_at: datetime | None = None
    close_code: int | None = None


@dataclass(slots=True)
class CallbackRecord:
    """One answer to an interaction. `seconds` since the interaction was sent; `status` of our HTTP answer."""

    interaction_id: int
    command: str
    kind: int
    data: Json
    at: datetime
    seconds: float
    status: int


@dataclass(slots=True)
class Records:
    requests: list[RequestRecord] = field(default_factory=list)
    identifies: list[IdentifyRecord] = field(default_factory=list)
    connections: list[ConnectionRecord] = field(default_factory=list)
    callbacks: list[CallbackRecord] = field(default_factory=list)


class Pulse:
    """Beats whenever something happened in the sandbox, so that a condition can be waited for without polling."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Event] = set()

    def beat(self) -> None:
        for event in self._waiting:
            event.set()

    async def until(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        """Returns once the condition holds; raises TimeoutError naming `what` after that many seconds."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    await event.wait()
                    event.clear()
        except TimeoutError:
            raise TimeoutError(f"waited {seconds} s in vain for: {what}") from None
        finally:
            self._waiting.discard(event)
