"""Gateway sessions: what was dispatched in each, numbered, so that a RESUME can have it again."""

import secrets
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

from worker.sandbox.gateway.intents import Intent
from worker.sandbox.rules import Rules
from worker.sandbox.wire import Json, dumps


class Outlet(Protocol):
    """The connection a session speaks through."""

    def send_dispatch(self, event: str, text: str) -> None: ...

    def close(self, code: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Dispatch:
    sequence: int
    event: str
    text: str


@dataclass(slots=True, eq=False)
class Session:
    """`shard` is (number, of how many). `started`: READY was sent, events follow. `deaf`: nothing reaches it any more,
    not even its log. Not `resumable`: it lives only as long as its connection."""

    id: str
    intents: Intent
    shard: tuple[int, int]
    log: deque[Dispatch]
    outlet: Outlet | None = None
    sequence: int = 0
    started: bool = False
    deaf: bool = False
    resumable: bool = True
    left_at: float = field(default_factory=time.monotonic)

    def dispatch(self, event: str, data: Json) -> None:
        """Numbers and logs the event, and sends it if a client is connected."""
        if self.deaf:
            return
        self.sequence += 1
        text = dumps({"op": 0, "t": event, "s": self.sequence, "d": data})
        self.log.append(Dispatch(self.sequence, event, text))
        if self.outlet is not None:
            self.outlet.send_dispatch(event, text)

    def detach(self) -> None:
        self.outlet = None
        self.left_at = time.monotonic()

    def since(self, sequence: int) -> list[Dispatch] | None:
        """The dispatches after that number; None if the number is not one that can be resumed from."""
        oldest = self.log[0].sequence if self.log else self.sequence + 1
        if not oldest - 1 <= sequence <= self.sequence:
            return None
        return [dispatch for dispatch in self.log if dispatch.sequence > sequence]


class Sessions:
    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._by_id: dict[str, Session] = {}

    def open(self, intents: Intent, shard: tuple[int, int], outlet: Outlet) -> Session:
        session = Session(secrets.token_hex(16), intents, shard, deque(maxlen=self._rules.session_log), outlet)
        self._by_id[session.id] = session
        return session

    def all(self) -> list[Session]:
        """Those that live, connected or not."""
        oldest = time.monotonic() - self._rules.session_seconds
        for session in list(self._by_id.values()):
            if session.outlet is None and (session.left_at < oldest or not session.resumable):
                self.end(session)
        return list(self._by_id.values())

    def find(self, session_id: object) -> Session | None:
        """The session, if it can be resumed."""
        return next((one for one in self.all() if one.id == session_id and one.resumable), None)

    def end(self, session: Session) -> None:
        self._by_id.pop(session.id, None)

    def forget(self) -> None:
        """No RESUME finds any of them; those with a connection go on until it ends."""
        for session in self.all():
            session.resumable = False
