"""What can go wrong with a REST request, on demand."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from aiohttp import web

from worker.sandbox.rest.answers import json_answer
from worker.sandbox.rest.ratelimits import too_many
from worker.sandbox.wire import Json


@dataclass(slots=True, eq=False)
class RestFault:
    """Strikes the next `times` requests (None: all) whose "METHOD /path" matches `route`, a shell pattern in which *
    matches slashes too. `hits` counts how often it did. `late`: it strikes when the request has been carried out.

    `arrived` is set when a request is held, `released` lets it go on."""

    kind: str
    route: str
    times: int | None
    late: bool = False
    status: int = 500
    seconds: float = 0.0
    scope: str = "user"
    via: bool = True
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    hits: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def strikes(self, route: str) -> bool:
        due = fnmatchcase(route, self.route) and (self.times is None or self.hits < self.times)
        self.hits += due
        return due

    def release(self) -> None:
        """Lets every held request go on, and those that come."""
        self.released.set()


class Unsent(web.Response):
    """Stands for an answer whose connection is gone."""


Effect = Callable[[RestFault, web.Request, web.StreamResponse | None], Awaitable[web.StreamResponse | None]]


async def _answer(fault: RestFault, request: web.Request, response: web.StreamResponse | None) -> web.StreamResponse:
    body = fault.body if fault.body is not None else {"message": f"{fault.status}: sandbox fault", "code": 0}
    return json_answer(body, fault.status)


async def _limit(fault: RestFault, request: web.Request, response: web.StreamResponse | None) -> web.StreamResponse:
    return too_many(fault.seconds, fault.scope, via=fault.via)


async def _delay(
    fault: RestFault, request: web.Request, response: web.StreamResponse | None
) -> web.StreamResponse | None:
    await asyncio.sleep(fault.seconds)
    return response


async def _hold(
    fault: RestFault, request: web.Request, response: web.StreamResponse | None
) -> web.StreamResponse | None:
    fault.arrived.set()
    await fault.released.wait()
    return response


async def _reset(fault: RestFault, request: web.Request, response: web.StreamResponse | None) -> web.StreamResponse:
    _reset_connection(request.transport)
    return Unsent()


async def _cut(fault: RestFault, request: web.Request, response: web.StreamResponse | None) -> web.StreamResponse:
    """Half of the body under the headers of all of it, then the end of the connection."""
    body = response.body if isinstance(response, web.Response) and isinstance(response.body, bytes) else b"{}"
    partial = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(body))})
    await partial.prepare(request)
    await partial.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return partial


async def _headers(
    fault: RestFault, request: web.Request, response: web.StreamResponse | None
) -> web.StreamResponse | None:
    if response is not None:
        response.headers.update(fault.headers)
    return response


_EFFECTS: dict[str, Effect] = {
    "answer": _answer,
    "limit": _limit,
    "delay": _delay,
    "hold": _hold,
    "reset": _reset,
    "cut": _cut,
    "headers": _headers,
}


class RestFaults:
    """Faults of the REST API; several may strike one request, in the order they were asked for."""

    def __init__(self) -> None:
        self.answer_first = False
        self._faults: list[RestFault] = []

    def answer(self, route: str, status: int, times: int | None = 1, body: object = None) -> RestFault:
        """This status in place of the real answer, with an error in Discord's form or the JSON `body`."""
        return self._add(RestFault("answer", route, times, status=status, body=body))

    def limit(
        self, route: str, seconds: float = 0.05, times: int | None = 1, scope: str = "user", via: bool = True
    ) -> RestFault:
        """A 429 that asks for so many seconds. Scopes: user, global, shared. Without `via`: as from a ban."""
        return self._add(RestFault("limit", route, times, seconds=seconds, scope=scope, via=via))

    def delay(self, route: str, seconds: float, times: int | None = 1, late: bool = False) -> RestFault:
        return self._add(RestFault("delay", route, times, late, seconds=seconds))

    def hold(self, route: str, times: int | None = 1, late: bool = False) -> RestFault:
        """The request waits for release(). Late: its answer was made before, and comes stale."""
        return self._add(RestFault("hold", route, times, late))

    def reset(self, route: str, times: int | None = 1, late: bool = False) -> RestFault:
        """The connection is reset. Late: the request has been carried out and only the answer is lost.

        On a connection it has used before, aiohttp repeats a GET once by itself: two resets reach the caller."""
        return self._add(RestFault("reset", route, times, late))

    def cut(self, route: str, times: int | None = 1) -> RestFault:
        """The request is carried out and its answer ends in the middle of the body."""
        return self._add(RestFault("cut", route, times, late=True))

    def headers(self, route: str, headers: Mapping[str, str], times: int | None = 1) -> RestFault:
        """The answer has these headers in place of the true ones."""
        return self._add(RestFault("headers", route, times, late=True, headers=headers))

    def set_answer_first(self, on: bool) -> None:
        """The mode in which the gateway tells what a request causes only after its answer, not before it."""
        self.answer_first = on

    def release(self) -> None:
        """Every held request goes on."""
        for fault in self._faults:
            fault.release()

    def clear(self) -> None:
        """Nothing strikes any more; what is held goes on."""
        self.release()
        self._faults.clear()
        self.answer_first = False

    async def before(self, route: str, request: web.Request) -> web.StreamResponse | None:
        """What the faults answer before the request is looked at; None lets it through."""
        for fault in list(self._faults):
            if not fault.late and fault.strikes(route):
                response = await _EFFECTS[fault.kind](fault, request, None)
                if response is not None:
                    return response
        return None

    async def after(self, route: str, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        """The answer as the faults leave it."""
        for fault in list(self._faults):
            if fault.late and fault.strikes(route):
                response = await _EFFECTS[fault.kind](fault, request, response) or response
        return response

    def state(self) -> list[Json]:
        return [
            {
                "kind": one.kind,
                "route": one.route,
                "times": one.times,
                "late": one.late,
                "hits": one.hits,
                "arrived": one.arrived.is_set(),
            }
            for one in self._faults
        ]

    def _add(self, fault: RestFault) -> RestFault:
        self._faults.append(fault)
        return fault


def _reset_connection(transport: asyncio.Transport | None) -> None:
    """Ends the connection by RST: with a linger time of 0 the kernel sends no FIN."""
    if transport is None:
        return
    raw = transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
