"""What all commands share: that they are given to Discord once, what they log, and how they fail."""

from tests.support.discord_desk import Desk, said
from tests.support.waiting import until
from worker.sandbox.world.model import MessageFlag


async def commands_given(desk: Desk) -> int:
    path = f"/applications/{desk.sandbox.bot.id}/commands"
    return sum(one.method == "PUT" and one.path == path for one in desk.sandbox.requests)


async def test_discord_is_given_the_commands_only_when_they_changed(desk: Desk) -> None:
    async with desk.at_work():
        assert await commands_given(desk) == 1
    async with desk.at_work():
        message = await desk.ask("status")
        assert message.flags & MessageFlag.EPHEMERAL
        assert await commands_given(desk) == 1
    await desk.fetch("UPDATE synced_commands SET commands_hash = '\\x00'")
    async with desk.at_work():

        async def given_again() -> bool:
            return await commands_given(desk) == 2

        await until(given_again, "the commands to be given to Discord again")


async def test_status_tells_how_the_worker_does(desk: Desk) -> None:
    async with desk.at_work():
        await desk.stored(desk.sandbox.post(desk.plans, "hello"))
        text = said(await desk.ask("status"))
    assert "All is well" in text
    assert f"<#{desk.plans.id}> ✅ listening" in text
    assert "no gaps" in text
    assert "PostgreSQL 18" in text
