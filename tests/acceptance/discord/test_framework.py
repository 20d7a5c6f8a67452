"""What all commands share: that they are given to Discord once, what they log, how they fail, and how they end."""

from collections.abc import Iterator

import aiohttp
import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from tests.support.discord_desk import TOKEN, Desk, buttons, said
from tests.support.waiting import until
from worker import correlation
from worker.db.connection import connected
from worker.gateway.discord_commands import owned_view
from worker.sandbox.world.model import Message, MessageFlag

EVERYBODYS = {"status", "setups", "plan", "levels", "Read this plan"}


@pytest.fixture
def logged() -> Iterator[list[EventDict]]:
    """The lines that are logged, unrendered."""
    with capture_logs() as lines:
        yield lines


def requests(desk: Desk, method: str) -> int:
    path = f"/applications/{desk.sandbox.bot.id}/commands"
    return sum(one.method == method and one.path == path for one in desk.sandbox.requests)


async def test_discord_is_given_the_commands_only_when_they_changed(desk: Desk) -> None:
    async with desk.at_work():
        assert requests(desk, "PUT") == 1
    async with desk.at_work():
        message = await desk.ask("status")
        assert message.flags & MessageFlag.EPHEMERAL
        assert requests(desk, "PUT") == 1
    await desk.fetch("UPDATE synced_commands SET commands_hash = '\\x00'")
    async with desk.at_work():

        async def given_again() -> bool:
            return requests(desk, "PUT") == 2

        await until(given_again, "the commands to be given to Discord again")


async def test_commands_that_discord_did_not_take_are_given_again(desk: Desk) -> None:
    desk.sandbox.faults.rest.answer(f"PUT /applications/{desk.sandbox.bot.id}/commands", 503, times=2)
    async with desk.at_work():
        assert requests(desk, "PUT") == 3
        assert "All is well" in said(await desk.ask("status"))


async def test_configuring_is_declared_for_who_manages_the_guild_and_nothing_for_direct_messages(desk: Desk) -> None:
    url = f"{desk.sandbox.api_url}/applications/{desk.sandbox.bot.id}/commands"
    headers = {"Authorization": f"Bot {TOKEN}"}
    async with desk.at_work(), aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
        given = await response.json()
    assert {one["name"] for one in given} > EVERYBODYS
    for one in given:
        assert one["contexts"] == [0] or one["dm_permission"] is False, one["name"]
        wanted = None if one["name"] in EVERYBODYS else "0" if one["name"] == "privacy" else str(1 << 5)
        assert one["default_member_permissions"] == wanted, one["name"]


async def test_status_tells_how_the_worker_does(desk: Desk, logged: list[EventDict]) -> None:
    async with desk.at_work():
        await desk.stored(desk.sandbox.post(desk.plans, "hello"))
        asked = desk.invoke("status")
        text = said(await asked.message())

        async def told() -> list[EventDict]:
            return [line for line in logged if line["event"] == "command.done"]

        (line,) = await until(told, "the command's line")
    assert "All is well" in text
    assert f"<#{desk.plans.id}> ✅ listening" in text
    assert "no gaps" in text
    assert "PostgreSQL 18" in text
    assert (line["command"], line["outcome"], line["guild_id"]) == ("status", "done", desk.guild.id)
    assert line["user_id"] == desk.trader.id
    assert line["correlation_id"] == str(correlation.of_name(f"discord:interaction:{asked.id}"))
    assert line["milliseconds"] > 0


async def test_only_admins_are_told_why_something_is_waited_for(desk: Desk) -> None:
    async with desk.at_work() as worker:
        worker.health.wait_for("content", "because of 10.0.0.5")
        plain = said(await desk.ask("status"))
        assert "Waiting for content" in plain
        assert "10.0.0.5" not in plain
        assert "Content\nbecause of 10.0.0.5" in said(await desk.ask("status", desk.admin))
        worker.health.has("content")
        worker.health.wait_for("database", "because of 10.0.0.5")
        assert "10.0.0.5" in said(await desk.ask("status", desk.admin))
        assert "10.0.0.5" not in said(await desk.ask("status"))
        worker.health.has("database")


async def test_a_command_is_acknowledged_before_the_database_answers(desk: Desk) -> None:
    async with desk.at_work(), connected(desk.database, purpose="test") as connection:
        async with connection.transaction():
            await connection.execute("LOCK TABLE guild_settings IN ACCESS EXCLUSIVE MODE")
            asked = desk.invoke("status")
            await asked.answered()
            assert asked.thinking
        assert "All is well" in said(await asked.message())


async def test_a_fault_of_ours_is_one_sentence_to_the_user_and_one_line_to_us(
    desk: Desk, logged: list[EventDict]
) -> None:
    async with desk.at_work():
        await desk.fetch("ALTER TABLE guild_settings RENAME TO elsewhere")
        asked = desk.invoke("status")
        text = said(await asked.message())
        assert "All is well" not in text
        await desk.fetch("ALTER TABLE elsewhere RENAME TO guild_settings")
        assert "All is well" in said(await desk.ask("status"))
    reference = str(correlation.of_name(f"discord:interaction:{asked.id}"))
    assert text == (
        f"Something went wrong on our side; the log has the details under this reference.\n-# Reference {reference}"
    )
    (fault,) = [line for line in logged if line["event"] == "command.failed"]
    assert fault["correlation_id"] == reference
    assert "guild_settings" in str(fault["exc_info"])
    (done,) = [line for line in logged if line.get("correlation_id") == reference and line["event"] == "command.done"]
    assert done["outcome"] == "fault"


async def asked_to_remove(desk: Desk) -> Message:
    asked = await desk.ask("channels remove", desk.admin, channel=desk.plans)
    assert [one["label"] for one in buttons(asked)] == ["Remove", "Keep"]
    return asked


async def test_buttons_go_when_nobody_presses_them(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owned_view.OwnedView.__init__, "__kwdefaults__", {"seconds": 0.5})
    async with desk.at_work():
        asked = await asked_to_remove(desk)

        async def gone() -> bool:
            return not buttons(desk.sandbox.find(asked))

        await until(gone, "the buttons to go")


async def test_buttons_go_when_the_worker_ends(desk: Desk) -> None:
    async with desk.at_work():
        asked = await asked_to_remove(desk)
    assert buttons(desk.sandbox.find(asked)) == []


async def test_a_press_by_another_member_changes_nothing_and_is_told(desk: Desk, logged: list[EventDict]) -> None:
    async with desk.at_work():
        asked = await asked_to_remove(desk)
        await desk.press(asked, "Remove", desk.owner)
        assert buttons(desk.sandbox.find(asked))
    assert [line["command"] for line in logged if line["event"] == "command.done" and line["outcome"] == "refused"] == [
        "button remove"
    ]


async def test_nothing_that_is_said_can_ping_anybody(desk: Desk) -> None:
    role = desk.guild.add_role("everyone-else")
    loud = desk.guild.add_channel(f"@everyone <@{desk.owner.id}> <@&{role.id}>")
    async with desk.at_work():
        messages = [
            await desk.ask("channels add", desk.admin, channel=loud),
            await desk.ask("channels list", desk.admin),
            await desk.ask("privacy erase", desk.owner, user=desk.trader),
        ]
        assert [(one.mentions, one.mention_everyone) for one in messages] == [((), False)] * 3
