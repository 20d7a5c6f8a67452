"""Routes of the bot itself, guilds, channels and threads.

Source: Discord's developer documentation, "User", "Application", "Guild", "Channel", "Threads"."""

from collections.abc import Callable
from datetime import datetime

from aiohttp import web

from worker.sandbox.rest.answers import (
    MISSING_ACCESS,
    UNKNOWN_GUILD,
    UNKNOWN_MEMBER,
    invalid_form,
    json_answer,
)
from worker.sandbox.rest.api import PREFIX, Api, path_id, snowflake
from worker.sandbox.wire import Json
from worker.sandbox.world import payloads
from worker.sandbox.world.model import Channel, ChannelKind, Guild, Member, ThreadState
from worker.sandbox.world.permissions import Permission

_PAGE_DEFAULT, _PAGE_LIMIT = 50, 100


class GuildRoutes:
    def __init__(self, api: Api) -> None:
        self._api = api
        self._places = api.world.places

    def routes(self) -> list[web.RouteDef]:
        guild = f"{PREFIX}/guilds/{{guild_id}}"
        channel = f"{PREFIX}/channels/{{channel_id}}"
        return [
            web.get(f"{PREFIX}/users/@me", self.me),
            web.get(f"{PREFIX}/oauth2/applications/@me", self.application),
            web.get(f"{PREFIX}/gateway/bot", self.gateway),
            web.get(guild, self.guild),
            web.get(f"{guild}/channels", self.channels),
            web.get(f"{guild}/members/{{user_id}}", self.member),
            web.get(f"{guild}/threads/active", self.active_threads),
            web.get(channel, self.channel),
            web.get(f"{channel}/threads/archived/public", self.archived_public),
            web.get(f"{channel}/threads/archived/private", self.archived_private),
            web.get(f"{channel}/users/@me/threads/archived/private", self.archived_joined),
        ]

    async def me(self, request: web.Request) -> web.Response:
        return json_answer(payloads.user(self._places.bot))

    async def application(self, request: web.Request) -> web.Response:
        owner = next(iter(self._places.guilds.values())).owner_id if self._places.guilds else self._places.bot.id
        return json_answer(
            {
                "id": str(self._places.bot.id),
                "name": self._places.bot.name,
                "icon": None,
                "description": "",
                "bot_public": True,
                "bot_require_code_grant": False,
                "verify_key": "0" * 64,
                "owner": payloads.user(self._places.users[owner]),
                "flags": self._api.gateway.application_flags(),
            }
        )

    async def gateway(self, request: web.Request) -> web.Response:
        gateway = self._api.gateway
        return json_answer({"url": gateway.url, "shards": 1, "session_start_limit": gateway.starts.payload()})

    async def guild(self, request: web.Request) -> web.Response:
        return json_answer(payloads.guild(self._guild(request)))

    async def channels(self, request: web.Request) -> web.Response:
        """No threads: they have their own lists."""
        return json_answer([payloads.channel(one) for one in self._places.channels_of(self._guild(request))])

    async def member(self, request: web.Request) -> web.Response:
        member: Member | None = self._guild(request).members.get(path_id(request, "user_id"))
        if member is None:
            raise UNKNOWN_MEMBER
        return json_answer(payloads.member(member))

    async def channel(self, request: web.Request) -> web.Response:
        return json_answer(payloads.channel(self._api.channel(request)))

    async def active_threads(self, request: web.Request) -> web.Response:
        return json_answer(self._thread_list(payloads.active_threads(self._guild(request))))

    async def archived_public(self, request: web.Request) -> web.Response:
        channel = self._api.channel(request, Permission.READ_MESSAGE_HISTORY)
        return self._archived(request, channel, lambda state: not state.private)

    async def archived_private(self, request: web.Request) -> web.Response:
        channel = self._api.channel(request, Permission.READ_MESSAGE_HISTORY | Permission.MANAGE_THREADS)
        return self._archived(request, channel, lambda state: state.private)

    async def archived_joined(self, request: web.Request) -> web.Response:
        """The private ones the bot is in, newest id first; `before` is an id here."""
        channel = self._api.channel(request, Permission.READ_MESSAGE_HISTORY)
        bot_id = self._places.bot.id
        found = self._archived_threads(channel, lambda state: state.private and bot_id in state.members)
        before = snowflake(request.query.get("before", (1 << 64) - 1), "before")
        found = sorted((one for one in found if one.id < before), key=lambda one: -one.id)
        return self._page(request, found)

    def _archived(self, request: web.Request, channel: Channel, wanted: Callable[[ThreadState], bool]) -> web.Response:
        """Newest `archive_timestamp` first; `before` is such a timestamp."""
        found = self._archived_threads(channel, wanted)
        if "before" in request.query:
            before = _moment(request.query["before"])
            found = [one for one in found if _archived_at(one) < before]
        return self._page(request, sorted(found, key=_archived_at, reverse=True))

    def _archived_threads(self, channel: Channel, wanted: Callable[[ThreadState], bool]) -> list[Channel]:
        if channel.kind is ChannelKind.CATEGORY:
            raise invalid_form("a category has no threads")
        return [
            one
            for one in self._places.threads_of(channel)
            if one.thread is not None and one.thread.archived and wanted(one.thread)
        ]

    def _page(self, request: web.Request, found: list[Channel]) -> web.Response:
        limit = snowflake(request.query.get("limit", _PAGE_DEFAULT), "limit")
        if not 1 <= limit <= _PAGE_LIMIT:
            raise invalid_form(f"limit must be 1 to {_PAGE_LIMIT}")
        return json_answer(self._thread_list(found[:limit]) | {"has_more": len(found) > limit})

    def _thread_list(self, threads: list[Channel]) -> Json:
        bot_id = self._places.bot.id
        joined = [one for one in threads if one.thread is not None and bot_id in one.thread.members]
        return {
            "threads": [payloads.channel(one) for one in threads],
            "members": [payloads.thread_member(one, bot_id) for one in joined],
        }

    def _guild(self, request: web.Request) -> Guild:
        guild = self._places.guilds.get(path_id(request, "guild_id"))
        if guild is None:
            raise UNKNOWN_GUILD
        if self._places.bot.id not in guild.members:
            raise MISSING_ACCESS
        return guild


def _archived_at(thread: Channel) -> datetime:
    if thread.thread is None:
        raise ValueError(f"{thread.name} is no thread")
    return thread.thread.archived_at


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid_form("before is no ISO 8601 timestamp") from None
    if moment.tzinfo is None:
        raise invalid_form("before has no offset")
    return moment
