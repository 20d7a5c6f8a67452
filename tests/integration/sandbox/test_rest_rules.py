"""The REST API's rules, met by a bare HTTP client."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from tests.integration.sandbox.clients import TOKEN
from worker.sandbox import Channel, Guild, Intent, Permission, Sandbox
from worker.sandbox.world.snowflakes import snowflake_at


class Rest:
    def __init__(self, http: aiohttp.ClientSession, base: str) -> None:
        self._http = http
        self._base = base
        self.headers: dict[str, str] = {}

    async def __call__(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """Status and JSON body; `headers` keeps the answer's."""
        async with self._http.request(method, self._base + path, **options) as response:
            self.headers = dict(response.headers)
            is_json = response.headers.get("Content-Type") == "application/json"
            return response.status, await (response.json() if is_json else response.text())


@pytest.fixture
async def rest(sandbox: Sandbox) -> AsyncIterator[Rest]:
    async with aiohttp.ClientSession(headers={"Authorization": f"Bot {TOKEN}"}) as http:
        yield Rest(http, sandbox.api_url)


@pytest.fixture
def page(rest: Rest, channel: Channel) -> Any:
    """page(query): the ids of one page of the channel."""

    async def _page(**query: Any) -> list[int]:
        status, body = await rest("GET", f"/channels/{channel.id}/messages", params=query)
        assert status == 200
        return [int(message["id"]) for message in body]

    return _page


@pytest.mark.parametrize("authorization", ["", TOKEN, f"Bearer {TOKEN}", "Bot wrong"])
async def test_without_the_right_token_everything_is_401(rest: Rest, authorization: str) -> None:
    status, body = await rest("GET", "/users/@me", headers={"Authorization": authorization})
    assert (status, body) == (401, {"message": "401: Unauthorized", "code": 0})


async def test_json_has_exactly_its_content_type_and_ids_are_strings(rest: Rest, channel: Channel) -> None:
    status, body = await rest("GET", f"/channels/{channel.id}")
    assert (status, rest.headers["Content-Type"]) == (200, "application/json")
    assert (body["id"], body["guild_id"]) == (str(channel.id), str(channel.guild.id))


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [("/channels/1", 404, 10003), ("/channels/x", 400, 50035), ("/guilds/1", 404, 10004), ("/nowhere", 404, 0)],
)
async def test_what_is_not_there_has_its_own_code(rest: Rest, path: str, status: int, code: int) -> None:
    answer, body = await rest("GET", path)
    assert (answer, body["code"]) == (status, code)


async def test_pages_are_newest_first_whatever_is_asked(sandbox: Sandbox, channel: Channel, page: Any) -> None:
    sandbox.limits.routes.clear()
    ids = sandbox.seed(channel, 10)
    newest_first = ids[::-1]
    assert await page() == newest_first
    assert await page(limit=3) == newest_first[:3]
    assert await page(limit=3, before=ids[5]) == [ids[4], ids[3], ids[2]]
    assert await page(limit=3, after=ids[5]) == [ids[8], ids[7], ids[6]]
    assert await page(limit=3, after=0) == [ids[2], ids[1], ids[0]]
    assert await page(limit=3, around=ids[5]) == [ids[6], ids[5], ids[4]]
    assert await page(limit=3, before=ids[5] - 1) == [ids[4], ids[3], ids[2]]
    assert await page(after=ids[-1]) == []


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "before=1&after=2", "before=x"])
async def test_a_wrong_page_is_an_invalid_form(rest: Rest, channel: Channel, query: str) -> None:
    status, body = await rest("GET", f"/channels/{channel.id}/messages?{query}")
    assert (status, body["code"]) == (400, 50035)


async def test_without_read_message_history_a_page_is_empty_and_no_error(
    sandbox: Sandbox, rest: Rest, channel: Channel, page: Any
) -> None:
    message = sandbox.post(channel, "there")
    channel.set_permissions(deny=Permission.READ_MESSAGE_HISTORY)
    assert await page() == []
    status, body = await rest("GET", f"/channels/{channel.id}/messages/{message.id}")
    assert (status, body["code"]) == (403, 50013)
    channel.set_permissions()
    assert await page() == [message.id]


async def test_without_view_channel_there_is_no_access(rest: Rest, channel: Channel) -> None:
    channel.set_permissions(deny=Permission.VIEW_CHANNEL)
    for path in (f"/channels/{channel.id}", f"/channels/{channel.id}/messages"):
        status, body = await rest("GET", path)
        assert (status, body["code"]) == (403, 50001)


async def test_a_removed_bot_has_no_access(rest: Rest, guild: Guild, channel: Channel) -> None:
    guild.remove_bot()
    for path in (f"/guilds/{guild.id}", f"/channels/{channel.id}"):
        status, body = await rest("GET", path)
        assert (status, body["code"]) == (403, 50001)


async def test_without_the_application_setting_rest_empties_content_too(
    sandbox: Sandbox, rest: Rest, channel: Channel
) -> None:
    sandbox.set_privileged(Intent(0))
    forward = sandbox.post(channel, forward_of={"content": "secret"})
    status, body = await rest("GET", f"/channels/{channel.id}/messages/{forward.id}")
    assert (status, body["content"]) == (200, "")
    assert body["message_snapshots"][0]["message"]["content"] == ""


async def test_every_answer_tells_its_limit_and_one_too_many_is_429(
    sandbox: Sandbox, rest: Rest, guild: Guild, channel: Channel
) -> None:
    other = guild.add_channel("other")
    sandbox.limits.routes["GET /channels/{channel_id}"] = (2, 30.0)
    remaining = []
    for _ in range(2):
        assert (await rest("GET", f"/channels/{channel.id}"))[0] == 200
        remaining.append(rest.headers["X-RateLimit-Remaining"])
    bucket = rest.headers["X-RateLimit-Bucket"]
    assert remaining == ["1", "0"]
    status, body = await rest("GET", f"/channels/{channel.id}")
    assert (status, body["global"], rest.headers["X-RateLimit-Scope"]) == (429, False, "user")
    assert rest.headers["Via"]
    assert 0 < body["retry_after"] <= 30
    # The same bucket, but another channel: a count of its own.
    assert (await rest("GET", f"/channels/{other.id}"))[0] == 200
    assert rest.headers["X-RateLimit-Bucket"] == bucket


async def test_a_window_ends(sandbox: Sandbox, rest: Rest, channel: Channel) -> None:
    sandbox.limits.routes["GET /channels/{channel_id}"] = (1, 0.2)
    assert (await rest("GET", f"/channels/{channel.id}"))[0] == 200
    status, body = await rest("GET", f"/channels/{channel.id}")
    if status == 429:
        await asyncio.sleep(body["retry_after"] + 0.01)
    assert (await rest("GET", f"/channels/{channel.id}"))[0] == 200


async def test_requests_of_a_second_in_all_are_limited_globally(sandbox: Sandbox, rest: Rest) -> None:
    sandbox.rules.requests_per_second = 1
    statuses = [await rest("GET", "/users/@me") for _ in range(20)]
    refused = [body for status, body in statuses if status == 429]
    assert refused
    assert all(body["global"] for body in refused)


async def test_too_many_invalid_requests_are_banned_without_via(sandbox: Sandbox, rest: Rest) -> None:
    sandbox.rules.invalid_requests = 3
    for _ in range(3):
        assert (await rest("GET", "/users/@me", headers={"Authorization": "Bot wrong"}))[0] == 401
    status, body = await rest("GET", "/users/@me")
    assert (status, body, rest.headers.get("Via")) == (429, "error code: 1015", None)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, 50006),
        ({"content": ""}, 50006),
        ({"content": "x" * 2001}, 50035),
        ({"embeds": [{"description": "x"}] * 11}, 50035),
        ({"embeds": [{"description": "x" * 6001}]}, 50035),
        ({"content": "x", "nonce": "x" * 26}, 50035),
        ({"embeds": [{"title": "x" * 257}]}, 50035),
        ({"embeds": [{"description": "x" * 4097}]}, 50035),
        ({"embeds": [{"footer": {"text": "x" * 2049}}]}, 50035),
        ({"embeds": [{"fields": [{"name": "x", "value": "x"}] * 26}]}, 50035),
        ({"embeds": [{"fields": [{"name": "x", "value": "x" * 1025}]}]}, 50035),
        ({"content": "x", "message_reference": {"message_id": "1"}}, 50035),
    ],
)
async def test_a_message_outside_the_limits_is_refused(
    rest: Rest, channel: Channel, body: dict[str, Any], code: int
) -> None:
    status, answer = await rest("POST", f"/channels/{channel.id}/messages", json=body)
    assert (status, answer["code"]) == (400, code)


async def test_an_enforced_nonce_gives_the_message_it_was_used_for(
    sandbox: Sandbox, rest: Rest, channel: Channel
) -> None:
    body = {"content": "once", "nonce": "plan-1", "enforce_nonce": True}
    first = await rest("POST", f"/channels/{channel.id}/messages", json=body)
    second = await rest("POST", f"/channels/{channel.id}/messages", json=body)
    assert first[1]["id"] == second[1]["id"]
    assert len(sandbox.ledger.final(channel.id)) == 1


async def test_a_nonce_is_remembered_for_a_few_minutes_and_while_its_message_is_there(
    sandbox: Sandbox, rest: Rest, channel: Channel
) -> None:
    path, body = f"/channels/{channel.id}/messages", {"content": "again", "nonce": "plan-2", "enforce_nonce": True}
    _, first = await rest("POST", path, json=body)
    sandbox.delete(int(first["id"]))
    _, second = await rest("POST", path, json=body)
    sandbox.rules.nonce_seconds = 0
    _, third = await rest("POST", path, json=body)
    assert len({first["id"], second["id"], third["id"]}) == 3


async def test_allowed_mentions_decide_who_is_pinged(sandbox: Sandbox, rest: Rest, channel: Channel) -> None:
    user = sandbox.add_user("reader")
    content = f"<@{user.id}> @everyone"
    path = f"/channels/{channel.id}/messages"
    _, loud = await rest("POST", path, json={"content": content})
    _, quiet = await rest("POST", path, json={"content": content, "allowed_mentions": {"parse": []}})
    assert ([one["id"] for one in loud["mentions"]], loud["mention_everyone"]) == ([str(user.id)], True)
    assert (quiet["mentions"], quiet["mention_everyone"]) == ([], False)


async def test_without_send_messages_nothing_is_sent(rest: Rest, channel: Channel) -> None:
    channel.set_permissions(deny=Permission.SEND_MESSAGES)
    status, body = await rest("POST", f"/channels/{channel.id}/messages", json={"content": "x"})
    assert (status, body["code"]) == (403, 50013)


async def test_only_own_messages_can_be_edited_and_others_deleted_by_permission(
    sandbox: Sandbox, rest: Rest, channel: Channel
) -> None:
    theirs = sandbox.post(channel, "theirs")
    path = f"/channels/{channel.id}/messages"
    _, own = await rest("POST", path, json={"content": "own"})
    _, edited = await rest("PATCH", f"{path}/{own['id']}", json={"content": "own, edited"})
    assert edited["content"] == "own, edited"
    assert edited["edited_timestamp"] > edited["timestamp"]
    assert (await rest("PATCH", f"{path}/{theirs.id}", json={"content": "x"}))[1]["code"] == 50005
    assert (await rest("DELETE", f"{path}/{theirs.id}"))[1]["code"] == 50013
    channel.set_permissions(allow=Permission.MANAGE_MESSAGES)
    assert (await rest("DELETE", f"{path}/{theirs.id}")) == (204, "")
    assert (await rest("GET", f"{path}/{theirs.id}"))[1]["code"] == 10008


async def test_bulk_deletion_has_its_bounds(sandbox: Sandbox, rest: Rest, channel: Channel) -> None:
    channel.set_permissions(allow=Permission.MANAGE_MESSAGES)
    ids = [str(sandbox.post(channel, "x").id) for _ in range(3)]
    old = str(snowflake_at(datetime.now(UTC) - timedelta(days=15)))
    path = f"/channels/{channel.id}/messages/bulk-delete"
    for messages, code in (([ids[0]], 50035), ([ids[0]] * 2, 50035), ([ids[0], old], 50034)):
        status, body = await rest("POST", path, json={"messages": messages})
        assert (status, body["code"]) == (400, code)
    assert await rest("POST", path, json={"messages": ids[:2]}) == (204, "")
    assert [one["deleted"] for one in sandbox.ledger.final(channel.id)] == [True, True, False]


async def test_files_are_served_again(sandbox: Sandbox, rest: Rest, channel: Channel) -> None:
    form = aiohttp.FormData()
    form.add_field("payload_json", '{"attachments": [{"id": 0, "filename": "l.png", "description": "a ladder"}]}')
    form.add_field("files[0]", b"picture", filename="l.png", content_type="image/png")
    status, body = await rest("POST", f"/channels/{channel.id}/messages", data=form)
    (attachment,) = body["attachments"]
    assert (status, attachment["description"], attachment["size"]) == (200, "a ladder", 7)
    async with aiohttp.request("GET", attachment["url"]) as response:
        assert (await response.read(), response.headers["Content-Type"]) == (b"picture", "image/png")


async def test_reactions_are_counted(sandbox: Sandbox, rest: Rest, channel: Channel) -> None:
    message = sandbox.post(channel, "x")
    sandbox.react(message, "👍")
    path = f"/channels/{channel.id}/messages/{message.id}"
    assert await rest("PUT", f"{path}/reactions/👍/@me") == (204, "")
    (reaction,) = (await rest("GET", path))[1]["reactions"]
    assert (reaction["count"], reaction["me"]) == (2, True)
    assert await rest("DELETE", f"{path}/reactions/👍/@me") == (204, "")
    (reaction,) = (await rest("GET", path))[1]["reactions"]
    assert (reaction["count"], reaction["me"]) == (1, False)


async def test_active_and_archived_threads_have_lists_of_their_own(
    sandbox: Sandbox, rest: Rest, guild: Guild, channel: Channel
) -> None:
    starter = sandbox.post(channel, "a thread hangs here")
    hanging = channel.add_thread("hanging", message=starter)
    threads = [channel.add_thread(f"thread {number}") for number in range(3)]
    for thread in threads:
        thread.set_archived(True)
    _, channels = await rest("GET", f"/guilds/{guild.id}/channels")
    assert [one["id"] for one in channels] == [str(channel.id)]
    _, active = await rest("GET", f"/guilds/{guild.id}/threads/active")
    assert [one["id"] for one in active["threads"]] == [str(hanging.id)] == [str(starter.id)]
    path = f"/channels/{channel.id}/threads/archived/public"
    _, first = await rest("GET", path, params={"limit": 2})
    assert ([one["name"] for one in first["threads"]], first["has_more"]) == (["thread 2", "thread 1"], True)
    before = first["threads"][-1]["thread_metadata"]["archive_timestamp"]
    _, second = await rest("GET", path, params={"limit": 2, "before": before})
    assert ([one["name"] for one in second["threads"]], second["has_more"]) == (["thread 0"], False)
    sandbox.post(threads[0], "wakes it up")
    _, active = await rest("GET", f"/guilds/{guild.id}/threads/active")
    assert {one["id"] for one in active["threads"]} == {str(hanging.id), str(threads[0].id)}


async def test_a_private_thread_is_out_of_sight_until_the_bot_is_in_it(
    rest: Rest, channel: Channel, sandbox: Sandbox
) -> None:
    thread = channel.add_thread("private", "hidden", private=True)
    assert (await rest("GET", f"/channels/{thread.id}"))[0] == 403
    thread.add_thread_member(sandbox.bot)
    assert (await rest("GET", f"/channels/{thread.id}"))[0] == 200


async def test_a_forum_post_is_a_thread_whose_first_message_has_its_id(rest: Rest, guild: Guild) -> None:
    forum = guild.add_channel("ideas", "forum")
    post = forum.add_thread("SPY", "the first message")
    _, messages = await rest("GET", f"/channels/{post.id}/messages")
    assert [(one["id"], one["content"]) for one in messages] == [(str(post.id), "the first message")]
    assert (await rest("GET", f"/channels/{forum.id}/messages"))[1]["code"] == 50024


async def test_the_record_has_method_path_query_and_status(sandbox: Sandbox, rest: Rest, channel: Channel) -> None:
    await rest("GET", f"/channels/{channel.id}/messages?limit=7")
    (record,) = sandbox.requests
    assert (record.method, record.path, record.query) == ("GET", f"/channels/{channel.id}/messages", {"limit": "7"})
    assert record.status == 200
