"""The way of a REST request: recorded, struck by faults, authorised, limited, answered.

Source: Discord's developer documentation, "API Reference"."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web

from worker.sandbox.gateway.gateway import Gateway
from worker.sandbox.gateway.intents import Intent
from worker.sandbox.records import RequestRecord
from worker.sandbox.rest.answers import (
    MISSING_ACCESS,
    MISSING_PERMISSIONS,
    UNAUTHORIZED,
    UNKNOWN_CHANNEL,
    UNKNOWN_MESSAGE,
    ApiError,
    invalid_form,
    refusal,
)
from worker.sandbox.rest.faults import RestFaults, Unsent
from worker.sandbox.rest.ratelimits import RateLimits, ban, too_many
from worker.sandbox.wire import Json
from worker.sandbox.world import payloads
from worker.sandbox.world.model import Channel, Message
from worker.sandbox.world.permissions import Permission, in_channel

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PREFIX = "/api/v10"
# A request under these carries its own token in the path, and does not count against the bot's global limit.
_TOKEN_IN_PATH = ("/interactions/", "/webhooks/")
_MAJOR_IDS = ("channel_id", "guild_id", "application_id", "token")


class Api:
    """What the routes share: the world, and the checks on a request."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.world = gateway.world
        self.faults = RestFaults()
        self.limits = RateLimits(gateway.rules)

    @web.middleware
    async def front(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """The middleware that every request of the API passes."""
        path = request.path.removeprefix(PREFIX)
        record = RequestRecord(request.method, path, dict(request.query), self.world.clock.now())
        self.gateway.records.requests.append(record)
        self.gateway.pulse.beat()
        route = f"{request.method} {path}"
        response = await self.faults.before(route, request)
        if response is None:
            response = await self._held_back(request, handler, route)
        record.status = None if isinstance(response, Unsent) else response.status
        self.limits.count_invalid(response.status)
        self.gateway.pulse.beat()
        return response

    async def _held_back(self, request: web.Request, handler: Handler, route: str) -> web.StreamResponse:
        """Answers; in the mode `answer_first` the events it causes wait until the answer is out."""
        if not self.faults.answer_first:
            return await self.faults.after(route, request, await self._checked(request, handler))
        with self.gateway.hold():
            response = await self.faults.after(route, request, await self._checked(request, handler))
            if not isinstance(response, Unsent):
                await response.prepare(request)
                await response.write_eof()
        return response

    async def _checked(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self.limits.banned():
            return ban()
        own_token = request.path.removeprefix(PREFIX).startswith(_TOKEN_IN_PATH)
        if not own_token and request.headers.get("Authorization") != f"Bot {self.gateway.token}":
            return refusal(UNAUTHORIZED)
        resource = request.match_info.route.resource
        missing = request.match_info.http_exception
        if resource is None or missing is not None:
            status = 404 if missing is None else missing.status
            return refusal(ApiError(status, 0, f"{status}: {HTTPStatus(status).phrase}"))
        template = f"{request.method} {resource.canonical.removeprefix(PREFIX)}"
        major = "/".join(request.match_info[key] for key in _MAJOR_IDS if key in request.match_info)
        verdict = self.limits.take(template, major, counts_globally=not own_token)
        if verdict.retry_after is None:
            response = await _answered(request, handler)
        else:
            response = too_many(verdict.retry_after, verdict.scope)
        response.headers.update(verdict.headers())
        return response

    def channel(self, request: web.Request, needed: Permission = Permission.VIEW_CHANNEL) -> Channel:
        """The channel in the path, if the bot may look at it and has what is needed. Raises ApiError."""
        channel = self.world.places.channels.get(path_id(request, "channel_id"))
        if channel is None:
            raise UNKNOWN_CHANNEL
        granted = self.granted(channel)
        if Permission.VIEW_CHANNEL not in granted:
            raise MISSING_ACCESS
        if needed not in granted:
            raise MISSING_PERMISSIONS
        return channel

    def message(self, request: web.Request, channel: Channel) -> Message:
        """The message in the path. Raises ApiError."""
        message = self.world.messages.find(path_id(request, "message_id"))
        if message is None or message.channel is not channel:
            raise UNKNOWN_MESSAGE
        return message

    def granted(self, channel: Channel) -> Permission:
        """What the bot may do there."""
        return in_channel(channel, self.world.places.bot.id)

    def payload(self, message: Message) -> Json:
        """The message as the bot is shown it: over REST the application's setting decides, not the session's."""
        intent = Intent.MESSAGE_CONTENT in self.gateway.privileged
        content = payloads.reads_content(message, intent=intent, bot=self.world.places.bot)
        return payloads.message(message, content=content)


async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ApiError as error:
        return refusal(error)


def path_id(request: web.Request, name: str) -> int:
    """Raises ApiError when the path has something else than a snowflake there."""
    return snowflake(request.match_info[name], name)


def snowflake(value: object, name: str) -> int:
    """Requests may have an id as a string or as an integer. Raises ApiError."""
    try:
        number = int(str(value))
    except ValueError:
        number = -1
    if not 0 <= number < 1 << 64:
        raise invalid_form(f"{name} is not a snowflake")
    return number
