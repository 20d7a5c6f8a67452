"""One gateway connection: HELLO, heartbeats, the client's operations, and the frames that go out.

Source: Discord's developer documentation, "Gateway" and "Opcodes and Status Codes"."""

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from worker.sandbox.gateway.compression import Compress
from worker.sandbox.gateway.faults import CutWithin, Frame
from worker.sandbox.gateway.handshake import HandshakeError, identify, resume
from worker.sandbox.gateway.members import member_chunks
from worker.sandbox.gateway.sessions import Session
from worker.sandbox.records import ConnectionRecord
from worker.sandbox.wire import Json, dumps

if TYPE_CHECKING:
    from worker.sandbox.gateway.gateway import Gateway

_HEARTBEAT, _IDENTIFY, _RESUME, _REQUEST_MEMBERS = 1, 2, 6, 8
_IGNORED = frozenset({3, 4})  # presence and voice state
_LARGEST_PAYLOAD = 4096  # bytes
_FLUSH_MARKER_LENGTH = 4  # bytes: 00 00 ff ff
_RATE_WINDOW = 60.0  # seconds
_ENDS_SESSION_BY_CLIENT = frozenset({1000, 1001})
_ENDS_SESSION_BY_SERVER = frozenset({4004, 4007, 4009, 4010, 4011, 4012, 4013, 4014})
_CUT = 1006  # what the library says of a connection that ended without a close frame


@dataclass(frozen=True, slots=True)
class _Close:
    code: int


class Connection:
    """Reads in `run`, writes in a task of its own, so that frames keep their order and nobody waits for the client."""

    def __init__(
        self, gateway: "Gateway", socket: web.WebSocketResponse, request: web.Request, compress: Compress | None
    ):
        self.gateway = gateway
        self.session: Session | None = None
        self.ready = False
        self.silent = False
        self.withheld: list[str] = []
        self.record = ConnectionRecord(gateway.world.clock.now(), request.query.get("compress", ""))
        self._socket = socket
        self._request = request
        self._compress = compress
        self._frames: asyncio.Queue[Frame | _Close] = asyncio.Queue()
        self._heard = time.monotonic()
        self._sends: deque[float] = deque()
        self._closing = False
        self._operations: dict[int, Callable[[Any], None]] = {
            _HEARTBEAT: self._on_heartbeat,
            _IDENTIFY: self._on_identify,
            _RESUME: self._on_resume,
            _REQUEST_MEMBERS: self._on_request_members,
        }

    async def run(self) -> None:
        """Serves the client until either side ends the connection."""
        self.send(10, {"heartbeat_interval": round(self.gateway.rules.heartbeat_seconds * 1000)})
        helpers = [asyncio.create_task(self._write()), asyncio.create_task(self._watch_heartbeat())]
        try:
            async for message in self._socket:
                if message.type is WSMsgType.TEXT:
                    self._receive(message.data)
                else:
                    self.close(4002)
        finally:
            for helper in helpers:
                helper.cancel()
            self._leave(self._socket.close_code, _ENDS_SESSION_BY_CLIENT)

    def send(self, operation: int, data: object = None) -> None:
        self._put(dumps({"op": operation, "d": data, "s": None, "t": None}))

    def send_dispatch(self, event: str, text: str) -> None:
        for frame in self.gateway.faults.frames(self, event, text):
            self._put(frame)

    def replay(self, text: str) -> None:
        """Sends a dispatch again, as it was."""
        self._put(text)

    def close(self, code: int) -> None:
        """Sends what waits and then the close frame; the session has left this connection at once."""
        self._put(_Close(code))
        self._leave(code, _ENDS_SESSION_BY_SERVER)

    def cut(self) -> None:
        """Ends the TCP connection without a close frame."""
        self._leave(None)
        if self._request.transport is not None:
            self._request.transport.abort()

    def _put(self, frame: Frame | _Close) -> None:
        silenced = self.silent and not isinstance(frame, _Close)
        if not (silenced or self._closing):
            self._frames.put_nowait(frame)

    def _leave(self, code: int | None, ends_session: frozenset[int] = frozenset()) -> None:
        """Once: the connection counts no more, and its session waits for a RESUME unless that code ends it."""
        if self._closing:
            return
        self._closing = True
        self.ready = False
        self.record.closed_at = self.gateway.world.clock.now()
        self.record.close_code = None if code == _CUT else code
        if self.session is not None and self.session.outlet is self:
            self.session.detach()
            if code in ends_session:
                self.gateway.sessions.end(self.session)
        self.gateway.left(self)

    async def _write(self) -> None:
        while True:
            frame = await self._frames.get()
            if isinstance(frame, _Close):
                await self._socket.close(code=frame.code)
                return
            if self.gateway.faults.frame_delay:
                await asyncio.sleep(self.gateway.faults.frame_delay)
            try:
                await self._write_frame(frame)
            except ConnectionError:
                return  # the reading side notices too, and tidies up

    async def _write_frame(self, frame: Frame) -> None:
        if isinstance(frame, CutWithin):
            self._cut_within(frame.text.encode())
        elif self._compress is None:
            await self._socket.send_str(frame)
        else:
            for piece in _pieces(self._compress(frame), self.gateway.faults.fragment):
                await self._socket.send_bytes(piece)

    def _cut_within(self, payload: bytes) -> None:
        """Half of an unmasked binary frame (RFC 6455, section 5.2) whose header promises all of it, then the end."""
        transport = self._request.transport
        if transport is not None:
            transport.write(b"\x82\x7f" + len(payload).to_bytes(8, "big") + payload[: len(payload) // 2])
            transport.close()
        self._leave(None)

    async def _watch_heartbeat(self) -> None:
        while True:
            patience = self.gateway.rules.heartbeat_seconds * 1.5
            left = self._heard + patience - time.monotonic()
            if left <= 0:
                self.close(4009)
                return
            await asyncio.sleep(left)

    def _receive(self, text: str) -> None:
        operation, data = _parsed(text)
        if self._too_many_sends():
            self.close(4008)
        elif operation is None or len(text) > _LARGEST_PAYLOAD:
            self.close(4002)
        elif operation in self._operations:
            self._operations[operation](data)
        elif operation not in _IGNORED:
            self.close(4001)

    def _too_many_sends(self) -> bool:
        moment = time.monotonic()
        self._sends.append(moment)
        while self._sends[0] <= moment - _RATE_WINDOW:
            self._sends.popleft()
        return len(self._sends) > self.gateway.rules.sends_per_minute

    def _on_heartbeat(self, data: Any) -> None:
        self._heard = time.monotonic()
        self.send(11)

    def _on_identify(self, data: Any) -> None:
        self._handshake(identify, data)

    def _on_resume(self, data: Any) -> None:
        self._handshake(resume, data)

    def _handshake(self, shake: "Callable[[Gateway, Connection, Json], None]", data: Any) -> None:
        if self.session is not None:
            self.close(4005)
            return
        try:
            shake(self.gateway, self, data if isinstance(data, dict) else {})
        except HandshakeError as refusal:
            if refusal.close_code is None:
                self.send(9, False)
            else:
                self.close(refusal.close_code)

    def _on_request_members(self, data: Any) -> None:
        if self.session is None or not isinstance(data, dict) or "guild_id" not in data:
            self.close(4003 if self.session is None else 4002)
            return
        for chunk in member_chunks(self.gateway.world, data):
            self.session.dispatch("GUILD_MEMBERS_CHUNK", chunk)


def _pieces(payload: bytes, size: int | None) -> list[bytes]:
    """The payload in frames of that many bytes. The flush marker at its end stays whole, as clients look for it at
    the end of a frame."""
    if size is None:
        return [payload]
    body = max(len(payload) - _FLUSH_MARKER_LENGTH, 0)
    starts = [*range(0, body, size), len(payload)]
    return [payload[start:end] for start, end in pairwise(starts)]


def _parsed(text: str) -> tuple[int | None, Any]:
    try:
        payload = json.loads(text)
        return int(payload["op"]), payload.get("d")
    except (ValueError, KeyError, TypeError, AttributeError):
        return None, None
