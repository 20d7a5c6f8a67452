"""The sandbox by HTTP, for tests that run it in a process of its own: /sandbox/… on the same loopback port, in JSON.

An action takes the arguments of the method it stands for, by name. Ids go in as strings or integers and come out as
strings; docs/sandbox.md has the list."""

import inspect
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aiohttp import web

from worker.faults import named
from worker.sandbox.control_values import plain, readers, shown
from worker.sandbox.rest.answers import json_answer
from worker.sandbox.world.model import Channel, Guild

if TYPE_CHECKING:
    from worker.sandbox.sandbox import Sandbox

_PREFIX = "/sandbox"

# Actions that belong to a guild or channel, which the body names beside the arguments.
_GUILD_ACTIONS: dict[str, Callable[..., Any]] = {
    "add-channel": Guild.add_channel,
    "add-role": Guild.add_role,
    "set-role": Guild.set_role,
    "add-member": Guild.add_member,
    "remove-bot": Guild.remove_bot,
    "add-bot": Guild.add_bot,
    "set-available": Guild.set_available,
}
_CHANNEL_ACTIONS: dict[str, Callable[..., Any]] = {
    "add-thread": Channel.add_thread,
    "add-thread-member": Channel.add_thread_member,
    "remove-thread-member": Channel.remove_thread_member,
    "set-archived": Channel.set_archived,
    "rename": Channel.rename,
    "delete-channel": Channel.delete,
    "set-permissions": Channel.set_permissions,
}


class Control:
    def __init__(self, sandbox: "Sandbox") -> None:
        self._sandbox = sandbox
        self._readers = readers(sandbox)
        self._actions = _sandbox_actions(sandbox) | _GUILD_ACTIONS | _CHANNEL_ACTIONS
        self._faults = _fault_actions(sandbox)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(f"{_PREFIX}/connected", self.connected),
            web.get(f"{_PREFIX}/final/{{channel_id}}", self.final),
            web.get(f"{_PREFIX}/interactions/{{interaction_id}}", self.interaction),
            web.get(f"{_PREFIX}/{{record}}", self.record),
            web.post(f"{_PREFIX}/faults/{{fault:.+}}", self.fault),
            web.delete(f"{_PREFIX}/faults", self.clear_faults),
            web.post(f"{_PREFIX}/{{action}}", self.act),
        ]

    async def act(self, request: web.Request) -> web.Response:
        name = request.match_info["action"]
        owner = "guild" if name in _GUILD_ACTIONS else "channel" if name in _CHANNEL_ACTIONS else None
        return await self._called(request, self._actions.get(name), owner)

    async def fault(self, request: web.Request) -> web.Response:
        return await self._called(request, self._faults.get(request.match_info["fault"]), None)

    async def clear_faults(self, request: web.Request) -> web.Response:
        self._sandbox.faults.clear()
        return json_answer({})

    async def connected(self, request: web.Request) -> web.Response:
        """Waits up to ?seconds= for a client; 408 if there is none by then."""
        try:
            await self._sandbox.connected(float(request.query.get("seconds", "30")))
        except TimeoutError as error:
            return _refused(408, str(error))
        return json_answer({})

    async def final(self, request: web.Request) -> web.Response:
        return json_answer(self._sandbox.ledger.final(int(request.match_info["channel_id"])))

    async def interaction(self, request: web.Request) -> web.Response:
        """An interaction as it stands, with ?seconds= after waiting so long for its first answer."""
        interaction = self._sandbox.interaction(int(request.match_info["interaction_id"]))
        if interaction is None:
            return _refused(404, "there is no such interaction")
        if "seconds" in request.query:
            try:
                await interaction.answered(float(request.query["seconds"]))
            except TimeoutError as error:
                return _refused(408, str(error))
        return json_answer(shown(interaction))

    async def record(self, request: web.Request) -> web.Response:
        sandbox = self._sandbox
        faults = sandbox.faults
        records: dict[str, Callable[[], Any]] = {
            "ledger": sandbox.ledger.as_json,
            "requests": lambda: sandbox.requests,
            "identifies": lambda: sandbox.identifies,
            "connections": lambda: sandbox.connections,
            "callbacks": lambda: sandbox.callbacks,
            "faults": lambda: {"gateway": faults.gateway.state(), "rest": faults.rest.state()},
        }
        read = records.get(request.match_info["record"])
        return json_answer(shown(read())) if read else _refused(404, f"the records are {sorted(records)}")

    async def _called(self, request: web.Request, action: Callable[..., Any] | None, owner: str | None) -> web.Response:
        """Reads the arguments, calls the action and shows what it gives; 400 for arguments that do not fit."""
        if action is None:
            return _refused(404, f"the actions are {sorted(self._actions)}, the faults {sorted(self._faults)}")
        try:
            body = await request.json() if request.can_read_body else {}
            arguments = {name: self._readers.get(name, plain)(value) for name, value in body.items()}
            if owner is not None:
                arguments["self"] = arguments.pop(owner)
            bound = inspect.signature(action).bind(**arguments)
            return json_answer(shown(action(*bound.args, **bound.kwargs)))
        except (TypeError, KeyError, ValueError) as error:
            return _refused(400, named(error))


def _sandbox_actions(sandbox: "Sandbox") -> dict[str, Callable[..., Any]]:
    def seed(text: str = "message {}", **arguments: Any) -> list[int]:
        return sandbox.seed(**arguments, text=text.format)

    def set_rules(**values: float) -> None:
        unknown = values.keys() - asdict(sandbox.rules).keys()
        if unknown:
            raise KeyError(*unknown)
        for name, value in values.items():
            setattr(sandbox.rules, name, value)

    def set_limit(route: str, requests: int, seconds: float) -> None:
        sandbox.limits.routes[route] = (requests, seconds)

    return {
        "add-user": sandbox.add_user,
        "add-guild": sandbox.add_guild,
        "post": sandbox.post,
        "reserve-id": sandbox.reserve_id,
        "edit": sandbox.edit,
        "preview": sandbox.preview,
        "delete": sandbox.delete,
        "bulk-delete": sandbox.bulk_delete,
        "react": sandbox.react,
        "seed": seed,
        "invoke": sandbox.invoke,
        "autocomplete": sandbox.autocomplete,
        "press": sandbox.press,
        "set-privileged": sandbox.set_privileged,
        "set-rules": set_rules,
        "set-limit": set_limit,
    }


def _fault_actions(sandbox: "Sandbox") -> dict[str, Callable[..., Any]]:
    gateway, rest = sandbox.faults.gateway, sandbox.faults.rest
    return {
        "gateway/cut": gateway.cut,
        "gateway/close": gateway.close,
        "gateway/reconnect": gateway.reconnect,
        "gateway/invalidate": gateway.invalidate,
        "gateway/heartbeat": gateway.heartbeat,
        "gateway/silence": gateway.silence,
        "gateway/deafen": gateway.deafen,
        "gateway/forget-sessions": gateway.forget_sessions,
        "gateway/refuse-connections": gateway.refuse_connections,
        "gateway/refuse-resumes": gateway.refuse_resumes,
        "gateway/deny-identify": gateway.deny_identify,
        "gateway/distort": gateway.distort,
        "gateway/set-delays": gateway.set_delays,
        "gateway/set-fragment": gateway.set_fragment,
        "gateway/set-resume-url": gateway.set_resume_url,
        "rest/answer": rest.answer,
        "rest/limit": rest.limit,
        "rest/delay": rest.delay,
        "rest/hold": rest.hold,
        "rest/reset": rest.reset,
        "rest/cut": rest.cut,
        "rest/headers": rest.headers,
        "rest/release": rest.release,
        "rest/set-answer-first": rest.set_answer_first,
    }


def _refused(status: int, reason: str) -> web.Response:
    return json_answer({"error": reason}, status)
