"""Routes of messages, their history and their reactions. Source: Discord's developer documentation, "Message"."""

from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from worker.sandbox.rest.answers import (
    MISSING_PERMISSIONS,
    NOT_THE_AUTHOR,
    TOO_OLD,
    WRONG_CHANNEL_TYPE,
    invalid_form,
    json_answer,
    no_content,
)
from worker.sandbox.rest.api import PREFIX, Api, snowflake
from worker.sandbox.rest.bodies import message_fields, read_body, require_something
from worker.sandbox.wire import Json
from worker.sandbox.world.messages import reply_fields
from worker.sandbox.world.model import Channel, ChannelKind, Message
from worker.sandbox.world.permissions import Permission
from worker.sandbox.world.snowflakes import moment_of

_PAGE_DEFAULT, _PAGE_LIMIT = 50, 100
_BOUNDS = ("before", "after", "around")
_BULK_AGE = timedelta(days=14)
_NONCE_LENGTH = 25
_WITHOUT_MESSAGES = frozenset({ChannelKind.CATEGORY, ChannelKind.FORUM})


class MessageRoutes:
    def __init__(self, api: Api) -> None:
        self._api = api
        self._messages = api.world.messages
        self._nonces: dict[str, int] = {}

    def routes(self) -> list[web.RouteDef]:
        many = f"{PREFIX}/channels/{{channel_id}}/messages"
        one = f"{many}/{{message_id}}"
        reaction = f"{one}/reactions/{{emoji}}/@me"
        return [
            web.get(many, self.page),
            web.post(many, self.create),
            web.post(f"{many}/bulk-delete", self.bulk_delete),
            web.get(one, self.get),
            web.patch(one, self.edit),
            web.delete(one, self.delete),
            web.put(reaction, self.react),
            web.delete(reaction, self.unreact),
            web.post(f"{PREFIX}/channels/{{channel_id}}/typing", self.type),
        ]

    async def page(self, request: web.Request) -> web.Response:
        """Newest first, whatever was asked for; without READ_MESSAGE_HISTORY empty and no error."""
        channel = self._api.channel(request)
        if channel.kind in _WITHOUT_MESSAGES:
            raise WRONG_CHANNEL_TYPE
        query = request.query
        bounds = {name: snowflake(query[name], name) for name in _BOUNDS if name in query}
        limit = snowflake(query.get("limit", _PAGE_DEFAULT), "limit")
        if not 1 <= limit <= _PAGE_LIMIT:
            raise invalid_form(f"limit must be 1 to {_PAGE_LIMIT}")
        if len(bounds) > 1:
            raise invalid_form("only one of before, after and around may be given")
        if Permission.READ_MESSAGE_HISTORY not in self._api.granted(channel):
            return json_answer([])
        page = self._messages.page(channel, limit=limit, **bounds)
        return json_answer([self._api.payload(message) for message in page])

    async def get(self, request: web.Request) -> web.Response:
        channel = self._api.channel(request, Permission.READ_MESSAGE_HISTORY)
        return json_answer(self._api.payload(self._api.message(request, channel)))

    async def create(self, request: web.Request) -> web.Response:
        """With `enforce_nonce` a nonce that was used lately gives the message it was used for."""
        channel = self._sendable(request)
        body, files = await read_body(request)
        require_something(body, files)
        self._check_extras(channel, body, bool(files))
        fields = message_fields(self._api.world, channel, body, files) | self._reply(channel, body)
        nonce = str(body.get("nonce") or "")
        if len(nonce) > _NONCE_LENGTH:
            raise invalid_form(f"nonce must be {_NONCE_LENGTH} or fewer in length")
        known = self._lately_made(nonce) if body.get("enforce_nonce") else None
        if nonce:
            fields["extra"] = {**fields.get("extra", {}), "nonce": nonce}
        message = known or self._messages.post(channel, self._api.world.places.bot, **fields)
        if nonce:
            self._nonces[nonce] = message.id
        return json_answer(self._api.payload(message))

    async def edit(self, request: web.Request) -> web.Response:
        message = self._found(request)
        if message.author != self._api.world.places.bot:
            raise NOT_THE_AUTHOR
        body, files = await read_body(request)
        fields = message_fields(self._api.world, message.channel, body, files)
        return json_answer(self._api.payload(self._messages.edit(message, **fields)))

    async def delete(self, request: web.Request) -> web.Response:
        message = self._found(request)
        own = message.author == self._api.world.places.bot
        if not own and Permission.MANAGE_MESSAGES not in self._api.granted(message.channel):
            raise MISSING_PERMISSIONS
        self._messages.delete(message)
        return no_content()

    async def bulk_delete(self, request: web.Request) -> web.Response:
        channel = self._api.channel(request, Permission.MANAGE_MESSAGES)
        body, _ = await read_body(request)
        ids = [snowflake(value, "messages") for value in body.get("messages", [])]
        if not 2 <= len(ids) <= _PAGE_LIMIT or len(set(ids)) < len(ids):
            raise invalid_form("messages must be 2 to 100 different ids")
        if any(moment_of(message_id) < datetime.now(UTC) - _BULK_AGE for message_id in ids):
            raise TOO_OLD
        found = [message for message in map(self._messages.find, ids) if message and message.channel is channel]
        self._messages.bulk_delete(channel, found)
        return no_content()

    async def react(self, request: web.Request) -> web.Response:
        return self._reacted(request, remove=False)

    async def unreact(self, request: web.Request) -> web.Response:
        return self._reacted(request, remove=True)

    async def type(self, request: web.Request) -> web.Response:
        self._sendable(request)
        return no_content()

    def _reacted(self, request: web.Request, *, remove: bool) -> web.Response:
        needed = Permission.READ_MESSAGE_HISTORY | Permission.ADD_REACTIONS
        message = self._api.message(request, self._api.channel(request, needed))
        emoji = request.match_info["emoji"]
        self._messages.react(message, self._api.world.places.bot, emoji, remove=remove)
        return no_content()

    def _lately_made(self, nonce: str) -> Message | None:
        """The bot's message with that nonce, whatever channel it is in, while Discord remembers it."""
        message = self._messages.find(self._nonces.get(nonce, 0))
        if message is None:
            return None
        age = (self._api.world.clock.now() - moment_of(message.id)).total_seconds()
        return message if age < self._api.gateway.rules.nonce_seconds else None

    def _found(self, request: web.Request) -> Message:
        return self._api.message(request, self._api.channel(request))

    def _sendable(self, request: web.Request) -> Channel:
        channel = self._api.channel(request)
        threaded = channel.thread is not None
        needed = Permission.SEND_MESSAGES_IN_THREADS if threaded else Permission.SEND_MESSAGES
        if needed not in self._api.granted(channel):
            raise MISSING_PERMISSIONS
        if channel.kind in _WITHOUT_MESSAGES:
            raise WRONG_CHANNEL_TYPE
        return channel

    def _check_extras(self, channel: Channel, body: Json, has_files: bool) -> None:
        granted = self._api.granted(channel)
        if (body.get("embeds") and Permission.EMBED_LINKS not in granted) or (
            has_files and Permission.ATTACH_FILES not in granted
        ):
            raise MISSING_PERMISSIONS

    def _reply(self, channel: Channel, body: Json) -> dict[str, Any]:
        reference = body.get("message_reference")
        if not reference:
            return {}
        original = self._messages.find(snowflake(reference.get("message_id"), "message_id"))
        if original is None or original.channel is not channel:
            if reference.get("fail_if_not_exists", True):
                raise invalid_form("message_reference names an unknown message")
            return {}
        return reply_fields(original)
