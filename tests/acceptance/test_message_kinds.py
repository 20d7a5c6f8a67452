"""Whatever kind of message Discord knows is stored with all its text, as it happens and from history."""

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.acceptance.test_catch_up import settings
from tests.support.ledger import settled
from tests.support.worker_process import worker_process
from worker.db.connection import Database, connected
from worker.sandbox import Channel, Message, MessageFlag, Sandbox

ELSEWHERE = {"type": 0, "guild_id": "900000000000000009", "channel_id": "900000000000000008", "message_id": "1"}
LEVELS = "SPY 580.25 > 585"


@dataclass(frozen=True, slots=True)
class Kind:
    """A post, the kind that its row names, and what its text is."""

    post: Callable[[Sandbox, Channel], Message]
    kind: str
    text: str
    is_webhook: bool = False


def posted(text: str = "", **more: Any) -> Callable[[Sandbox, Channel], Message]:
    return lambda sandbox, channel: sandbox.post(channel, text, **more)


def reply(sandbox: Sandbox, channel: Channel) -> Message:
    return sandbox.post(channel, LEVELS, reply_to=sandbox.post(channel, "what about SPY?"))


def forward(sandbox: Sandbox, channel: Channel) -> Message:
    return sandbox.post(channel, forward_of=sandbox.post(channel, LEVELS))


ROW = {"type": 1, "components": [{"type": 2, "style": 1, "label": "Chart", "custom_id": "chart"}]}
CONTAINER = {"type": 17, "components": [{"type": 10, "content": LEVELS}]}
POLL = {
    "question": {"text": "Where does SPY close?"},
    "answers": [{"answer_id": 1, "poll_media": {"text": "above 585"}}],
    "allow_multiselect": False,
    "layout_type": 1,
    "expiry": "2099-01-01T00:00:00+00:00",
}

KINDS = {
    "a crosspost of a followed channel": Kind(
        posted(LEVELS, webhook=True, flags=MessageFlag.IS_CROSSPOST, extra={"message_reference": ELSEWHERE}),
        "default",
        LEVELS,
        is_webhook=True,
    ),
    "a post that was published": Kind(posted(LEVELS, flags=MessageFlag.CROSSPOSTED), "default", LEVELS),
    "a webhook": Kind(posted(LEVELS, webhook=True), "default", LEVELS, is_webhook=True),
    "a webhook's embed": Kind(
        posted(webhook=True, embeds=[{"type": "rich", "title": "Levels", "fields": [{"name": "SPY", "value": "585"}]}]),
        "default",
        "Levels\nSPY\n585",
        is_webhook=True,
    ),
    "a reply": Kind(reply, "reply", LEVELS),
    "a forward": Kind(forward, "forward", LEVELS),
    "somebody joined": Kind(posted(extra={"type": 7}), "system:7", ""),
    "a pinned message": Kind(posted(extra={"type": 6, "message_reference": ELSEWHERE}), "system:6", ""),
    "buttons": Kind(posted("look", components=[ROW]), "default", "look\nChart"),
    "a container": Kind(posted(components=[CONTAINER], flags=MessageFlag.IS_COMPONENTS_V2), "default", LEVELS),
    "a poll": Kind(posted(extra={"poll": POLL}), "default", "Where does SPY close?\nabove 585"),
    "a picture that is described": Kind(
        posted(attachments=[{"filename": "levels.png", "description": LEVELS}]), "default", LEVELS
    ),
}


def hide_history(sandbox: Sandbox) -> None:
    """Or a look for gaps can store what was posted before the gateway's message is."""
    sandbox.faults.rest.answer("GET /channels/*/messages", 503, times=None)


@pytest.mark.parametrize("when", ["live", "history"])
async def test_every_kind_is_stored_with_all_its_text(
    sandbox: Sandbox, channel: Channel, empty_database: Database, when: str
) -> None:
    env = settings(sandbox, empty_database, channel)
    posts: dict[str, Message] = {}
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        sandbox.post(channel, "the first")
        await settled(empty_database, sandbox, channel)
        if when == "history":
            await worker.stop(signal.SIGKILL)
        else:
            hide_history(sandbox)
        for name, kind in KINDS.items():
            posts[name] = kind.post(sandbox, channel)
            await asyncio.sleep(0)
        if when == "live":
            await settled(empty_database, sandbox, channel)
            sandbox.faults.clear()
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        await settled(empty_database, sandbox, channel)
        async with connected(empty_database, purpose="test") as connection:
            rows = {row["message_id"]: row for row in await connection.fetch("SELECT * FROM discord_messages")}
    for name, kind in KINDS.items():
        row = rows[posts[name].id]
        found = (row["kind"], row["text"], row["is_webhook"], row["origin"])
        assert found == (kind.kind, kind.text, kind.is_webhook, when), name


async def test_a_message_that_the_library_cannot_read_ends_no_session(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    """discord.py expects that every poll ends. What Discord adds next nobody knows."""
    endless = {"poll": POLL | {"expiry": None}}
    async with worker_process("run", env=settings(sandbox, empty_database, channel)) as worker:
        await worker.ready()
        sandbox.post(channel, "the first")
        await settled(empty_database, sandbox, channel)
        hide_history(sandbox)
        message = sandbox.post(channel, "vote", extra=endless)
        await settled(empty_database, sandbox, channel)
        sandbox.edit(message, "vote again")
        sandbox.post(channel, "and go on")
        await settled(empty_database, sandbox, channel)
        assert len(worker.logged("gateway.message_unread")) == 2
        assert worker.logged("gateway.lost") == []
        assert len(sandbox.identifies) == 1
    async with connected(empty_database, purpose="test") as connection:
        rows = await connection.fetch("SELECT text, origin, revision FROM discord_messages ORDER BY message_id")
    poll = "Where does SPY close?\nabove 585"
    assert [tuple(row) for row in rows[1:]] == [(f"vote again\n{poll}", "live", 2), ("and go on", "live", 1)]
