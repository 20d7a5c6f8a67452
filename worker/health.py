"""/livez, /readyz and /metrics, on loopback by default."""

import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from worker.exits import ConfigError
from worker.metrics import REGISTRY

log = structlog.get_logger(__name__)


Role = Literal["starting", "standby", "ingester"]


@dataclass(slots=True)
class Health:
    """What the worker waits for, by component; it is ready when it waits for nothing.

    A standby is ready: a rolling update that waited for more would wait for ever."""

    role: Role = "starting"
    _waiting: dict[str, str] = field(default_factory=dict)

    def wait_for(self, component: str, reason: str) -> None:
        self._waiting[component] = reason

    def has(self, component: str) -> None:
        """What the component waited for is there."""
        self._waiting.pop(component, None)

    @property
    def waiting(self) -> dict[str, str]:
        return dict(self._waiting)


@asynccontextmanager
async def serve(health: Health, host: str, port: int) -> AsyncIterator[int]:
    """Serves for as long as the block lasts; yields the port.

    Raises ConfigError when the port is taken or the address is not ours."""

    async def livez(_: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def readyz(_: web.Request) -> web.Response:
        waiting = health.waiting
        return web.json_response(
            {"status": "waiting" if waiting else "ready", "role": health.role, "waiting_for": waiting},
            status=503 if waiting else 200,
        )

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(REGISTRY), headers={"Content-Type": CONTENT_TYPE_LATEST})

    application = web.Application()
    application.add_routes([web.get("/livez", livez), web.get("/readyz", readyz), web.get("/metrics", metrics)])
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise ConfigError(_why_not(error, host, port)) from error
        bound = int(runner.addresses[0][1])
        log.info("health.listening", host=host, port=bound)
        yield bound
    finally:
        await runner.cleanup()


def _why_not(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is taken: set HEALTH_PORT to a free one, or to 0 to have one picked."
    if error.errno == errno.EACCES:
        return f"Port {port} on {host} is not allowed to this user: set HEALTH_PORT to one above 1023."
    return (
        f"The health server cannot listen on {host}: set HEALTH_HOST to an address of this machine ({error.strerror})."
    )
