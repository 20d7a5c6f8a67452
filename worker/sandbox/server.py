"""The HTTP server: REST API, gateway and attachments on one loopback port."""

from collections.abc import Callable

from aiohttp import web

from worker.sandbox.gateway.gateway import Gateway
from worker.sandbox.interactions.interactions import Interactions
from worker.sandbox.rest.api import PREFIX, Api, Handler
from worker.sandbox.rest.guilds import GuildRoutes
from worker.sandbox.rest.interactions import InteractionRoutes
from worker.sandbox.rest.messages import MessageRoutes

_HOST = "127.0.0.1"
_STOP_SECONDS = 1.0


class Server:
    """`further` are routes beside Discord's own."""

    def __init__(self, gateway: Gateway, port: int, further: Callable[[], list[web.RouteDef]]) -> None:
        self.api = Api(gateway)
        self.interactions = Interactions(gateway)
        self._gateway = gateway
        self._further = further
        self._port = port
        self._runner: web.AppRunner | None = None

    @property
    def origin(self) -> str:
        return f"http://{_HOST}:{self._port}"

    @property
    def api_url(self) -> str:
        return self.origin + PREFIX

    async def start(self) -> None:
        """Listens, on loopback only. Raises OSError when the port is taken."""
        app = web.Application(middlewares=[self._front], client_max_size=32 * 1024 * 1024)
        app.router.add_get("/", self._gateway.handle)
        app.router.add_get("/attachments/{channel_id}/{attachment_id}/{name}", self._attachment)
        app.router.add_routes(GuildRoutes(self.api).routes())
        app.router.add_routes(MessageRoutes(self.api).routes())
        app.router.add_routes(InteractionRoutes(self.api, self.interactions).routes())
        app.router.add_routes(self._further())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_STOP_SECONDS)
        await self._runner.setup()
        site = web.TCPSite(self._runner, _HOST, self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self._gateway.url = f"ws://{_HOST}:{self._port}/"
        self._gateway.world.origin = self.origin

    async def stop(self) -> None:
        """Cuts every connection."""
        self.api.faults.clear()
        await self._gateway.stop()
        if self._runner is not None:
            await self._runner.cleanup()

    @web.middleware
    async def _front(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(PREFIX):
            return await self.api.front(request, handler)
        return await handler(request)

    async def _attachment(self, request: web.Request) -> web.Response:
        content, content_type = self._gateway.world.files.get(request.path, (b"", ""))
        if not content_type:
            raise web.HTTPNotFound
        return web.Response(body=content, headers={"Content-Type": content_type})
