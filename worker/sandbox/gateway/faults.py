"""What can go wrong between the gateway and a client, on demand."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from worker.sandbox.gateway.sessions import Session, Sessions
from worker.sandbox.wire import Json, dumps


@dataclass(frozen=True, slots=True)
class CutWithin:
    """A frame of which half is sent before the connection is cut."""

    text: str


Frame = str | CutWithin


class Wire(Protocol):
    """A connection as faults handle it."""

    session: Session | None
    silent: bool
    withheld: list[str]

    def send(self, operation: int, data: object = None) -> None: ...

    def close(self, code: int) -> None: ...

    def cut(self) -> None: ...


@dataclass(slots=True)
class DispatchFault:
    """Strikes the next `times` dispatches (None: all) of `event` (None: any). `hits` counts how often it did."""

    kind: str
    event: str | None
    times: int | None
    key: str = ""
    hits: int = 0

    def strikes(self, event: str) -> bool:
        due = self.event in (None, event) and (self.times is None or self.hits < self.times)
        self.hits += due
        return due


def _without_key(text: str, key: str) -> str:
    frame = json.loads(text)
    frame["d"].pop(key, None)
    return dumps(frame)


def _withhold(wire: Wire, text: str) -> list[Frame]:
    wire.withheld.append(text)
    return []


_DISTORTIONS: dict[str, Callable[[DispatchFault, Wire, str], list[Frame]]] = {
    "duplicate": lambda fault, wire, text: [text, text],
    "reorder": lambda fault, wire, text: _withhold(wire, text),
    "lose": lambda fault, wire, text: [],
    "bad_json": lambda fault, wire, text: [text[:-1]],
    "drop_key": lambda fault, wire, text: [_without_key(text, fault.key)],
    "truncate": lambda fault, wire, text: [CutWithin(text)],
}


@dataclass(slots=True)
class GatewayFaults:
    """Faults of the gateway. Those that act at once act on every connection there is; the others wait for theirs."""

    sessions: Sessions
    wires: Iterable[Wire]
    ready_delay: float = 0.0
    guild_create_delay: float = 0.0
    frame_delay: float = 0.0
    fragment: int | None = None
    resume_url: str | None = None
    dispatch_faults: list[DispatchFault] = field(default_factory=list)
    _refused_connections: int = 0
    _refused_resumes: int = 0
    _denied_identifies: list[int] = field(default_factory=list)

    def cut(self) -> None:
        """The TCP connection goes, without a close frame."""
        self._each(lambda wire: wire.cut())

    def close(self, code: int) -> None:
        """A close frame with that code; where Discord's documentation says so, the session ends as well."""
        self._each(lambda wire: wire.close(code))

    def reconnect(self) -> None:
        """Op 7."""
        self._each(lambda wire: wire.send(7))

    def invalidate(self, *, resumable: bool) -> None:
        """Op 9; the session ends unless it is resumable."""
        self._each(lambda wire: self._invalidate(wire, resumable))

    def heartbeat(self) -> None:
        """Op 1: the server asks for a heartbeat."""
        self._each(lambda wire: wire.send(1))

    def set_delays(self, *, ready: float = 0.0, guild_create: float = 0.0, frame: float = 0.0) -> None:
        """Seconds before READY, between READY and the guilds, and before every frame."""
        self.ready_delay, self.guild_create_delay, self.frame_delay = ready, guild_create, frame

    def set_fragment(self, size: int | None) -> None:
        """Cuts each zlib-stream payload into frames of so many bytes; None: one frame a payload."""
        self.fragment = size

    def set_resume_url(self, url: str | None) -> None:
        """What READY names as resume_gateway_url; None: the sandbox's own address."""
        self.resume_url = url

    def silence(self) -> None:
        """The connections stay open and nothing is sent any more; events still go into the session's log."""
        self._each(lambda wire: setattr(wire, "silent", True))

    def deafen(self) -> None:
        """Heartbeats are answered, but the sessions get no more events, nor does a RESUME bring them."""
        for session in self.sessions.all():
            session.deaf = True

    def forget_sessions(self) -> None:
        """The next RESUME is answered by op 9 false."""
        self.sessions.forget()

    def refuse_connections(self, times: int = 1) -> None:
        """The next so many WebSocket upgrades are answered by 503."""
        self._refused_connections = times

    def refuse_resumes(self, times: int = 1) -> None:
        self._refused_resumes = times

    def deny_identify(self, code: int = 4004, times: int = 1) -> None:
        """The next so many IDENTIFYs are answered by this close code."""
        self._denied_identifies = [code] * times

    def distort(self, kind: str, event: str | None = None, times: int | None = 1, key: str = "") -> DispatchFault:
        """Strikes coming dispatches. Kinds: duplicate, reorder (behind the next), lose, bad_json, drop_key, truncate.

        Raises KeyError for another kind."""
        _DISTORTIONS[kind]
        fault = DispatchFault(kind, event, times, key)
        self.dispatch_faults.append(fault)
        return fault

    def clear(self) -> None:
        """Everything that waits is taken back; what has happened has happened."""
        self.set_delays()
        self.fragment = self.resume_url = None
        self._refused_connections = self._refused_resumes = 0
        self._denied_identifies.clear()
        self.dispatch_faults.clear()

    def frames(self, wire: Wire, event: str, text: str) -> list[Frame]:
        """What is sent for a dispatch."""
        for fault in self.dispatch_faults:
            if fault.strikes(event):
                return _DISTORTIONS[fault.kind](fault, wire, text)
        frames: list[Frame] = [text, *wire.withheld]
        wire.withheld.clear()
        return frames

    def takes_connection(self) -> bool:
        refused = self._refused_connections > 0
        self._refused_connections -= refused
        return not refused

    def takes_resume(self) -> bool:
        refused = self._refused_resumes > 0
        self._refused_resumes -= refused
        return not refused

    def identify_denial(self) -> int | None:
        return self._denied_identifies.pop() if self._denied_identifies else None

    def state(self) -> list[Json]:
        return [
            {"kind": fault.kind, "event": fault.event, "times": fault.times, "hits": fault.hits}
            for fault in self.dispatch_faults
        ]

    def _each(self, act: Callable[[Wire], None]) -> None:
        for wire in list(self.wires):
            act(wire)

    def _invalidate(self, wire: Wire, resumable: bool) -> None:
        if wire.session is not None and not resumable:
            self.sessions.end(wire.session)
        wire.send(9, resumable)
