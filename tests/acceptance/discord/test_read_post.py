"""`Read this plan` in the context menu of messages."""

from datetime import datetime
from zoneinfo import ZoneInfo

from tests.support.discord_desk import Desk, buttons, said
from worker.demo_posts import opening_plan
from worker.sandbox.world.model import Message, MessageFlag

READ_PLAN = "Read this plan"


def plan() -> str:
    text = opening_plan(datetime.now(ZoneInfo("America/Chicago")).date())
    return text.replace("@everyone", "Setup 1 is for 5 people")


async def every_page(desk: Desk, message: Message) -> str:
    """What all pages of an answer say."""
    shown = said(message)
    while any(
        button["label"] == "Next" and not button.get("disabled") for button in buttons(desk.sandbox.find(message))
    ):
        await (await desk.press(message, "Next")).message()
        shown += said(desk.sandbox.find(message))
    return shown


async def test_a_stored_post_is_read_line_by_line_for_who_asked_alone(desk: Desk) -> None:
    async with desk.at_work():
        message = desk.sandbox.post(desk.plans, plan(), author=desk.owner)
        await desk.stored(message)
        answer = await desk.ask(READ_PLAN, target=message)
        shown = await every_page(desk, answer)
    assert answer.flags & MessageFlag.EPHEMERAL
    assert "It is stored." in shown
    assert "Tickers: 2 · setups: 10 · lines not read: 1" in shown
    line = "✅ ❌ Rejection Near 612.40 🔻 610.80, 609.10, 607.50\n"
    assert f"{line}↳ **SPY** ▼ Rejection near **612.40** → 610.80, 609.10, 607.50" in shown
    assert "❓ Setup 1 is for 5 people\n↳ *not read: " in shown
    assert "▫️ NVDA" in shown


async def test_what_is_stored_counts_and_an_edit_is_said(desk: Desk) -> None:
    async with desk.at_work():
        message = desk.sandbox.post(desk.plans, "later", author=desk.owner)
        await desk.stored(message)
        assert "This is no plan." in said(await desk.ask(READ_PLAN, target=message))
        await desk.stored(desk.sandbox.edit(message, plan()))
        shown = said(await desk.ask(READ_PLAN, target=desk.sandbox.find(message)))
        assert "It is stored, edited <t:" in shown
        await desk.stored(desk.sandbox.post(desk.plans, plan().replace("612.40", "613.40"), author=desk.owner))
        shown = said(await desk.ask(READ_PLAN, target=desk.sandbox.find(message)))
        assert "Its plan for SPY is superseded: it no longer counts." in shown
        assert "Its plan for NVDA" not in shown, "the newer post only repeats it"


async def test_a_post_that_is_not_stored_is_read_at_once_and_stays_unstored(desk: Desk) -> None:
    elsewhere = desk.guild.add_channel("elsewhere")
    async with desk.at_work():
        message = desk.sandbox.post(elsewhere, plan(), author=desk.owner)
        forward = desk.sandbox.post(elsewhere, forward_of=message, author=desk.owner)
        for target in (message, forward):
            answer = await desk.ask(READ_PLAN, target=target, place=elsewhere)
            shown = await every_page(desk, answer)
            assert "This post is not stored: it was read just now, as it stands here." in shown
            assert "Tickers: 2 · setups: 10 · lines not read: 1" in shown
            assert answer.flags & MessageFlag.EPHEMERAL
        assert await desk.fetch("SELECT FROM discord_messages WHERE channel_id = $1", elsewhere.id) == []


async def test_what_the_bot_posted_itself_is_said_to_be_never_read(desk: Desk) -> None:
    lobby = desk.guild.add_channel("lobby")
    async with desk.at_work():
        await desk.stored(desk.sandbox.post(desk.plans, plan(), author=desk.owner))
        answer = await desk.ask("setups", place=lobby)
        shown = said(await desk.ask(READ_PLAN, target=answer, place=lobby))
    assert "It is never read: posted by the worker itself." in shown
    assert "setups: 0" in shown


async def test_what_was_erased_is_not_read_again(desk: Desk) -> None:
    analyst = desk.add_member("analyst")
    async with desk.at_work():
        message = desk.sandbox.post(desk.plans, plan(), author=analyst)
        await desk.stored(message)
        asked = await desk.ask("privacy erase", desk.owner, user=analyst)
        await desk.press(asked, "Erase", desk.owner)
        await desk.sandbox.until(lambda: "is erased" in desk.sandbox.find(asked).content)
        shown = said(await desk.ask(READ_PLAN, target=message))
    assert "It is never read: what its author wrote is erased." in shown
    assert "612.40" not in shown
