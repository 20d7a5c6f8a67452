"""The gateway: takes connections, keeps sessions, and tells them what changes in the world."""

import asyncio
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from aiohttp import web

from worker.exits import ConfigError
from worker.sandbox.gateway.compression import compressor
from worker.sandbox.gateway.connection import Connection
from worker.sandbox.gateway.dispatch import tell
from worker.sandbox.gateway.faults import GatewayFaults
from worker.sandbox.gateway.intents import PRIVILEGED, Intent, application_flags
from worker.sandbox.gateway.sessions import Sessions
from worker.sandbox.records import Pulse, Records
from worker.sandbox.rules import Rules
from worker.sandbox.wire import Json
from worker.sandbox.world.changes import Change
from worker.sandbox.world.model import Guild
from worker.sandbox.world.world import World

_HELD: ContextVar[list[Change] | None] = ContextVar("held", default=None)


class SessionStarts:
    """Counts IDENTIFYs against the two limits there are for them."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._count = 0
        self._last = float("-inf")

    def one_left(self) -> bool:
        return self._count < self._rules.identifies_per_day

    def take(self) -> bool:
        """Counts one; False if it comes too soon after the one before."""
        moment = time.monotonic()
        in_time = moment - self._last >= self._rules.identify_seconds
        self._count += 1
        if in_time:
            self._last = moment
        return in_time

    def payload(self) -> Json:
        """The session_start_limit of GET /gateway/bot."""
        total = self._rules.identifies_per_day
        return {
            "total": total,
            "remaining": max(total - self._count, 0),
            "reset_after": 86_400_000,
            "max_concurrency": 1,
        }


class Gateway:
    """`privileged` are the privileged intents that are switched on for the application."""

    def __init__(
        self, world: World, rules: Rules, records: Records, pulse: Pulse, *, token: str, privileged: Intent
    ) -> None:
        self.world = world
        self.rules = rules
        self.records = records
        self.pulse = pulse
        self.token = token
        self.privileged = privileged
        self.url = ""
        self.sessions = Sessions(rules)
        self.starts = SessionStarts(rules)
        self.connections: set[Connection] = set()
        self.faults = GatewayFaults(self.sessions, self.connections)
        self._tasks: set[asyncio.Task[None]] = set()
        world.subscribe(self._on_change)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The WebSocket at `/?v=10&encoding=json[&compress=...]`."""
        if not self.faults.takes_connection():
            return web.Response(status=503, text="The sandbox refuses connections.")
        try:
            compress = compressor(request.query.get("compress", ""))
        except ConfigError as error:
            return web.Response(status=400, text=str(error))
        # autoping stays on; the close handshake is not waited for longer than a test would.
        socket = web.WebSocketResponse(compress=False, timeout=2.0)
        await socket.prepare(request)
        connection = Connection(self, socket, request, compress)
        self.connections.add(connection)
        self.records.connections.append(connection.record)
        if request.query.get("v") != "10":
            connection.close(4012)
        elif request.query.get("encoding") != "json":
            connection.close(4000)
        await connection.run()
        return socket

    def left(self, connection: Connection) -> None:
        """A connection has ended."""
        self.connections.discard(connection)
        self.pulse.beat()

    def is_ready(self) -> bool:
        """Whether a client has finished IDENTIFY or RESUME and is still there."""
        return any(connection.ready for connection in self.connections)

    def bot_guilds(self) -> list[Guild]:
        bot_id = self.world.places.bot.id
        return [guild for guild in self.world.places.guilds.values() if bot_id in guild.members]

    def close_unprivileged(self) -> None:
        """Closes the connections whose session asked for a privileged intent that is off."""
        for connection in list(self.connections):
            session = connection.session
            if session is not None and session.intents & PRIVILEGED & ~self.privileged:
                connection.close(4014)

    def application_flags(self) -> int:
        return application_flags(self.privileged)

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        for connection in list(self.connections):
            connection.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _on_change(self, change: Change) -> None:
        held = _HELD.get()
        if held is not None:
            held.append(change)
            return
        for session in self.sessions.all():
            if session.started:
                tell(session, change)
        self.pulse.beat()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """What this task causes is told when the block ends: for events that come after the answer to a request."""
        held: list[Change] = []
        token = _HELD.set(held)
        try:
            yield
        finally:
            _HELD.reset(token)
            for change in held:
                self._on_change(change)
