"""Routes of application commands and of answers to interactions.

Source: Discord's developer documentation, "Application Commands" and "Receiving and Responding"."""

from typing import Any

from aiohttp import web

from worker.sandbox.interactions.answers import ALLOWED, CHOICES, MESSAGE, UPDATE, valid_choices
from worker.sandbox.interactions.interaction import Interaction
from worker.sandbox.interactions.interactions import Interactions
from worker.sandbox.interactions.registry import CommandError
from worker.sandbox.records import CallbackRecord
from worker.sandbox.rest.answers import (
    ALREADY_ANSWERED,
    INVALID_WEBHOOK_TOKEN,
    MISSING_ACCESS,
    UNKNOWN_INTERACTION,
    UNKNOWN_MESSAGE,
    UNKNOWN_WEBHOOK,
    WRONG_APPLICATION,
    ApiError,
    invalid_form,
    json_answer,
    no_content,
)
from worker.sandbox.rest.api import PREFIX, Api, path_id
from worker.sandbox.rest.bodies import File, message_fields, read_body, read_list, require_something
from worker.sandbox.wire import Json
from worker.sandbox.world.model import Message, MessageFlag


class InteractionRoutes:
    def __init__(self, api: Api, interactions: Interactions) -> None:
        self._api = api
        self._interactions = interactions
        self._answers = interactions.answers

    def routes(self) -> list[web.RouteDef]:
        application = f"{PREFIX}/applications/{{application_id}}"
        webhook = f"{PREFIX}/webhooks/{{application_id}}/{{token}}"
        message = f"{webhook}/messages/{{message_id}}"
        return [
            web.get(f"{application}/commands", self.commands),
            web.put(f"{application}/commands", self.replace_commands),
            web.get(f"{application}/guilds/{{guild_id}}/commands", self.commands),
            web.put(f"{application}/guilds/{{guild_id}}/commands", self.replace_commands),
            web.post(f"{PREFIX}/interactions/{{interaction_id}}/{{token}}/callback", self.callback),
            web.post(webhook, self.follow_up),
            web.get(message, self.get_message),
            web.patch(message, self.edit_message),
            web.delete(message, self.delete_message),
        ]

    async def commands(self, request: web.Request) -> web.Response:
        return json_answer(self._interactions.registry.all(self._scope(request)))

    async def replace_commands(self, request: web.Request) -> web.Response:
        """The full new list; a name that was there keeps its id."""
        definitions = await read_list(request)
        try:
            return json_answer(self._interactions.registry.replace(self._scope(request), definitions))
        except CommandError as error:
            raise invalid_form(str(error)) from None

    async def callback(self, request: web.Request) -> web.Response:
        """The first answer. Asked for by `with_response`, the answer tells what became of it."""
        body, files = await read_body(request)
        interaction = self._interactions.find(request.match_info["token"])
        if interaction is None or interaction.id != path_id(request, "interaction_id"):
            raise UNKNOWN_INTERACTION
        kind, data = body.get("type"), body.get("data") or {}
        record = CallbackRecord(
            interaction.id, interaction.command, int(kind or 0), data, self._api.world.clock.now(), interaction.age, 200
        )
        self._api.gateway.records.callbacks.append(record)
        try:
            fields = self._checked_answer(interaction, int(kind or 0), data, files)
        except ApiError as error:
            record.status = error.status
            raise
        interaction.callback = record
        self._answers.first(interaction, record.kind, fields)
        self._api.gateway.pulse.beat()
        if request.query.get("with_response", "").lower() in ("1", "true"):
            return json_answer(self._outcome(interaction, record.kind))
        record.status = 204
        return no_content()

    async def follow_up(self, request: web.Request) -> web.Response:
        interaction = self._answered(request)
        body, files = await read_body(request)
        require_something(body, files)
        message = self._answers.follow_up(interaction, self._fields(interaction, body, files))
        return self._shown(message)

    async def get_message(self, request: web.Request) -> web.Response:
        return self._shown(self._message(self._answered(request), request))

    async def edit_message(self, request: web.Request) -> web.Response:
        interaction = self._answered(request)
        message = self._message(interaction, request)
        body, files = await read_body(request)
        return self._shown(self._answers.change(interaction, message, self._fields(interaction, body, files)))

    async def delete_message(self, request: web.Request) -> web.Response:
        interaction = self._answered(request)
        self._answers.remove(self._message(interaction, request))
        self._api.gateway.pulse.beat()
        return no_content()

    def _scope(self, request: web.Request) -> int | None:
        places = self._api.world.places
        if path_id(request, "application_id") != places.bot.id:
            raise WRONG_APPLICATION
        if "guild_id" not in request.match_info:
            return None
        guild = places.guilds.get(path_id(request, "guild_id"))
        if guild is None or places.bot.id not in guild.members:
            raise MISSING_ACCESS
        return guild.id

    def _checked_answer(self, interaction: Interaction, kind: int, data: Json, files: list[File]) -> dict[str, Any]:
        if interaction.callback is not None:
            raise ALREADY_ANSWERED
        if interaction.age > self._api.gateway.rules.answer_seconds:
            raise UNKNOWN_INTERACTION
        if kind not in ALLOWED[interaction.kind] or (kind == CHOICES and not valid_choices(data.get("choices"))):
            raise invalid_form(f"a callback of type {kind} with this data")
        if kind == MESSAGE:
            require_something(data, files)
        return self._fields(interaction, data, files)

    def _fields(self, interaction: Interaction, body: Json, files: list[File]) -> dict[str, Any]:
        return message_fields(self._api.world, interaction.channel, body, files)

    def _outcome(self, interaction: Interaction, kind: int) -> Json:
        outcome: Json = {"interaction": {"id": str(interaction.id), "type": interaction.kind}}
        message = interaction.original
        if message is not None:
            outcome["interaction"] |= {
                "response_message_id": str(message.id),
                "response_message_loading": bool(message.flags & MessageFlag.LOADING),
                "response_message_ephemeral": bool(message.flags & MessageFlag.EPHEMERAL),
            }
            outcome["resource"] = {"type": kind}
            if kind in (MESSAGE, UPDATE):
                outcome["resource"]["message"] = self._api.payload(message)
        return outcome

    def _answered(self, request: web.Request) -> Interaction:
        """The interaction of the token in the path, which serves once there was a first answer. Raises ApiError."""
        interaction = self._interactions.find(request.match_info["token"])
        if interaction is None or interaction.callback is None:
            raise UNKNOWN_WEBHOOK
        if interaction.age > self._api.gateway.rules.token_seconds:
            raise INVALID_WEBHOOK_TOKEN
        return interaction

    def _message(self, interaction: Interaction, request: web.Request) -> Message:
        named = request.match_info["message_id"]
        message_id = interaction.original_id if named == "@original" else path_id(request, "message_id")
        message = self._answers.find(message_id) if message_id in interaction.message_ids else None
        if message is None:
            raise UNKNOWN_MESSAGE
        return message

    def _shown(self, message: Message) -> web.Response:
        self._api.gateway.pulse.beat()
        return json_answer(self._api.payload(message))
