"""`/setups`, `/plan` and `/levels` as members of a guild use them."""

import threading
from datetime import date, datetime
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from PIL import Image

from tests.support.discord_desk import Desk, buttons, said
from tests.support.waiting import until
from worker.db import shared_session
from worker.db.connection import connected
from worker.demo_posts import corrected_plan, opening_plan
from worker.gateway.discord_commands import paging
from worker.gateway.discord_commands.owned_view import OwnedView
from worker.gateway.ladder import Ladder, draw_ladder
from worker.sandbox import Channel, Permission
from worker.sandbox.interactions.registry import CommandError
from worker.sandbox.world.model import Message, MessageFlag, User

READ = Permission.VIEW_CHANNEL | Permission.READ_MESSAGE_HISTORY


def today() -> date:
    return datetime.now(ZoneInfo("America/Chicago")).date()


def plan(*tickers: str, day: date | None = None) -> str:
    day = day or today()
    sections = [
        f"{ticker}\n❌ Rejection Near {100 + number}.40 🔻 {99 + number}.10, {98 + number}.20"
        f"\n🔼 Breakout Above {101 + number}.50 🔼 {103 + number}.25\n⚠️ bullish over <@1>, says *River*"
        for number, ticker in enumerate(tickers)
    ]
    return "\n\n".join([f"A+ Setups — {day:%a %b} {day.day}", *sections])


async def posted(desk: Desk, text: str, channel: Channel | None = None) -> Message:
    message = desk.sandbox.post(channel or desk.plans, text, author=desk.owner)
    await desk.stored(message)
    return message


def close(desk: Desk, channel: Channel, *readers: User) -> None:
    """Nobody but the bot and these may read the channel from now on."""
    channel.set_permissions(channel.guild.roles[channel.guild.id], deny=READ)
    for reader in (desk.sandbox.bot, *readers):
        channel.set_permissions(reader, allow=READ)


@pytest.fixture
def lobby(desk: Desk) -> Channel:
    """A channel that is not listened to."""
    return desk.guild.add_channel("lobby")


def labels(message: Message) -> list[tuple[str, bool]]:
    return [(button["label"], bool(button.get("disabled"))) for button in buttons(message)]


def offered(choices: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(choice["name"], choice["value"]) for choice in choices]


async def typed(
    desk: Desk, text: str, user: User | None = None, channel: Channel | None = None
) -> list[dict[str, Any]]:
    interaction = desk.sandbox.autocomplete(
        "plan", channel or desk.plans, user or desk.trader, {"ticker": text}, focused="ticker"
    )
    await interaction.answered(30)
    return interaction.choices


async def test_setups_of_today_are_shown_to_everyone_with_a_way_to_their_post(desk: Desk, lobby: Channel) -> None:
    async with desk.at_work():
        message = await posted(desk, opening_plan(today()))
        answer = await desk.ask("setups", place=lobby)
        text = said(answer)
        assert f"Setups for {today():%a, %b} {today().day}" in text
        assert f"(https://discord.com/channels/{desk.guild.id}/{desk.plans.id}/{message.id})" in text
        assert "▲ Aggressive breakout above **612.40** → 614.00, 615.70, 617.50" in text
        assert "▲ Bounce near **165.20** → 166.90, 168.40, 169.80" in text
        assert not answer.flags & MessageFlag.EPHEMERAL
        assert buttons(answer) == []
        text = said(await desk.ask("setups", place=lobby, ticker="nvda"))
        assert "**NVDA**" in text
        assert "**SPY**" not in text


async def test_an_answer_is_never_read_as_a_plan_itself(desk: Desk) -> None:
    async with desk.at_work():
        message = await posted(desk, opening_plan(today()))
        thread = desk.plans.add_thread("questions")
        answers = [await desk.ask("setups", place=channel) for channel in (desk.plans, thread)]
        assert all(answer.flags & MessageFlag.EPHEMERAL for answer in answers)
        # Anything that was posted before this is stored when this is.
        await posted(desk, "thanks")
        assert [row[0] for row in await desk.fetch("SELECT DISTINCT message_id FROM ticker_plans")] == [message.id]


async def test_only_what_stands_is_shown(desk: Desk) -> None:
    async with desk.at_work():
        message = await posted(desk, opening_plan(today()))
        await desk.stored(desk.sandbox.edit(message, corrected_plan(today())))
        text = said(await desk.ask("setups"))
        assert "→ 614.20, 615.70, 617.50" in text
        assert "Bounce near **165.20**" not in text
        await posted(desk, plan("SPY"))
        text = said(await desk.ask("plan", ticker="SPY"))
        assert "▼ Rejection near **100.40** → 99.10, 98.20" in text
        assert "612.40" not in text
        assert "fewer setups than the plan that it replaces" in text


async def test_a_plan_has_its_bias_and_what_is_doubtful_and_mentions_nobody(desk: Desk) -> None:
    async with desk.at_work():
        await posted(desk, plan("SPY").replace("🔻 99.10, 98.20", "🔻 101.10, 98.20"))
        answer = await desk.ask("plan", ticker="SPY")
    text = said(answer)
    assert f"SPY · {today():%a, %b} {today().day}" in text
    assert r"> bullish over \<\@1\>, says River" in text
    assert "⚠️ *the targets do not run one way from the trigger*" in text
    assert (answer.mentions, answer.mention_everyone) == ((), False)


async def test_levels_are_a_picture_with_the_same_numbers_in_words(desk: Desk) -> None:
    async with desk.at_work():
        await posted(desk, opening_plan(today()))
        answer = await desk.ask("levels", ticker="SPY")
    (attachment,) = answer.attachments
    (embed,) = answer.embeds
    assert attachment["filename"] == "ladder.png"
    numbers = ("612.40", "604.00–604.60", "619.80", "609.10", "602.20")
    for number in numbers:
        assert number in attachment["description"]
        assert number in embed["description"]
    assert embed["image"]["url"].endswith("ladder.png")
    path = f"/attachments/{desk.plans.id}/{attachment['id']}/ladder.png"
    content, _ = desk.sandbox.world.files[path]
    with Image.open(BytesIO(content)) as picture:
        assert picture.width >= 400


async def test_a_ladder_is_drawn_beside_the_event_loop(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn_in: list[int] = []

    def draw(ladder: Ladder) -> bytes:
        drawn_in.append(threading.get_ident())
        return draw_ladder(ladder)

    monkeypatch.setattr(paging, "draw_ladder", draw)
    async with desk.at_work():
        await posted(desk, plan("SPY"))
        await desk.ask("levels", ticker="SPY")
    assert len(drawn_in) == 1
    assert threading.get_ident() not in drawn_in


async def test_while_the_database_does_not_answer_that_is_said_and_nothing_is_offered(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk.at_work(), connected(desk.database, purpose="test") as connection:
        await posted(desk, plan("SPY"))
        with monkeypatch.context() as patience:
            patience.setattr(shared_session, "USE_SECONDS", 0.3)
            async with connection.transaction():
                await connection.execute("LOCK TABLE ticker_plans IN ACCESS EXCLUSIVE MODE")
                assert await typed(desk, "") == []
                answer = await desk.ask("levels", ticker="SPY")
        assert answer.content.startswith("The database does not answer at the moment: try again in a minute.")
        assert "100.40" in said(await desk.ask("levels", ticker="SPY"))


async def test_pages_are_turned_by_who_asked_and_by_nobody_else(desk: Desk, lobby: Channel) -> None:
    async with desk.at_work():
        await posted(desk, plan(*(f"XQ{chr(65 + number)}" for number in range(12))))
        answer = await desk.ask("setups", place=lobby)
        assert not answer.flags & MessageFlag.EPHEMERAL
        assert labels(answer) == [("Previous", True), ("Next", False)]
        first = said(answer)
        assert "Page 1 of 2" in first
        refused = await (await desk.press(answer, "Next", desk.admin)).message()
        assert refused.content == "These buttons belong to who asked: use the command yourself."
        assert refused.flags & MessageFlag.EPHEMERAL
        assert said(desk.sandbox.find(answer)) == first
        await (await desk.press(answer, "Next")).message()
        second = desk.sandbox.find(answer)
        assert "Page 2 of 2" in said(second)
        assert labels(second) == [("Previous", False), ("Next", True)]
        with pytest.raises(CommandError):
            await desk.press(second, "Next")
        shown = first + said(second)
        assert all(f"**XQ{chr(65 + number)}**" in shown for number in range(12))
        await (await desk.press(second, "Previous")).message()
        assert said(desk.sandbox.find(answer)) == first


async def test_each_page_of_levels_has_its_own_picture(desk: Desk) -> None:
    other = desk.guild.add_channel("other-plans")
    async with desk.at_work(discord_channels=(desk.plans.id, other.id)):
        await posted(desk, plan("SPY"))
        await posted(desk, plan("QQQ", "SPY"), other)
        answer = await desk.ask("levels", ticker="SPY")
        await (await desk.press(answer, "Next")).message()
        turned = desk.sandbox.find(answer)
    assert "100.40" in answer.attachments[0]["description"]
    (attachment,) = turned.attachments
    assert "101.40" in attachment["description"]
    assert "100.40" not in attachment["description"]
    assert "other" in said(turned)


async def test_buttons_go_when_nobody_presses_them(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = OwnedView.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "seconds", 0.2)
    async with desk.at_work():
        await posted(desk, plan(*(f"XQ{chr(65 + number)}" for number in range(12))))
        answer = await desk.ask("setups")
        await desk.sandbox.until(lambda: not buttons(desk.sandbox.find(answer)), what="the buttons to go")
    assert "Page 1 of 2" in said(desk.sandbox.find(answer))


async def test_what_is_not_stored_is_answered_in_one_helpful_sentence(desk: Desk) -> None:
    async with desk.at_work():

        async def said_to_be_empty() -> bool:
            answer = await desk.ask("setups")
            return answer.content.startswith("No plan is stored yet of the channels that you can see here.\n")

        # At its first start the worker is told only by the survey which guild the channel is of.
        await until(said_to_be_empty, "the guild's channel to be known")
        await posted(desk, opening_plan(today()))
        for ticker, day, sentence in (
            ("TSLA", None, "There is no plan for TSLA; there are some for NVDA, SPY."),
            ("SPY", "2020-01-02", f"There is no plan for SPY on 2020-01-02; there are some for {today()}."),
            ("SPY", "tomorrow", "'tomorrow' is no day such as 2025-05-15."),
            ("[x](http://y)", None, "That is no ticker such as SPY."),
        ):
            answer = await desk.ask("plan", ticker=ticker, day=day)
            said_first, reference = answer.content.splitlines()
            assert said_first == sentence
            assert reference.startswith("-# Reference ")


async def test_plans_without_a_ticker_are_shown_as_such(desk: Desk) -> None:
    async with desk.at_work():
        await posted(desk, plan("", "SPY"))
        assert "**no ticker**" in said(await desk.ask("setups"))
        assert offered(await typed(desk, "")) == [("SPY · today", "SPY"), ("no ticker · today", "no ticker")]
        text = said(await desk.ask("levels", ticker="no ticker"))
    assert "no ticker · " in text
    assert "100.40" in text


async def test_tickers_are_offered_as_they_are_typed_todays_first(desk: Desk) -> None:
    async with desk.at_work():
        assert offered(await typed(desk, "")) == []
        await posted(desk, plan("AAPL", day=date(today().year, 1, 2)))
        await posted(desk, plan("SPY", "SOFI"))
        names = [value for _, value in offered(await typed(desk, ""))]
        assert names == ["SOFI", "SPY", "AAPL"]
        assert offered(await typed(desk, "sp")) == [("SPY · today", "SPY")]
        assert offered(await typed(desk, "<@everyone>")) == []
        await desk.fetch("UPDATE ticker_plans SET ticker = repeat('S', 101) WHERE ticker = 'SOFI'")
        assert offered(await typed(desk, "s")) == [("SPY · today", "SPY")]


class TestWhoMaySeeWhat:
    async def test_nobody_is_shown_a_channel_that_they_cannot_see(self, desk: Desk, lobby: Channel) -> None:
        hidden = desk.guild.add_channel("inner-circle")
        close(desk, hidden, desk.admin)
        async with desk.at_work(discord_channels=(desk.plans.id, hidden.id)):
            await posted(desk, plan("SPY"))
            await posted(desk, plan("TSLA"), hidden)
            assert "TSLA" not in said(await desk.ask("setups"))
            assert offered(await typed(desk, "")) == [("SPY · today", "SPY")]
            for command in ("setups", "plan", "levels"):
                answer = await desk.ask(command, ticker="TSLA")
                assert answer.content.startswith("There is no plan for TSLA; there are some for SPY.")
            asked = await desk.ask("setups", desk.admin, place=lobby)
            assert "**TSLA**" in said(asked)
            assert asked.flags & MessageFlag.EPHEMERAL, "others in the channel may not see what the admin may"
            offers = offered(await typed(desk, "", desk.admin))
            assert offers == [("SPY · today", "SPY"), ("TSLA · today", "TSLA")]

    async def test_who_may_not_read_the_history_is_shown_nothing_of_it(self, desk: Desk, lobby: Channel) -> None:
        desk.plans.set_permissions(desk.trader, deny=Permission.READ_MESSAGE_HISTORY)
        async with desk.at_work():
            await posted(desk, plan("SPY"))
            for place in (lobby, desk.plans):
                answer = await desk.ask("setups", place=place)
                assert answer.content.startswith("No channel that you can see here is listened to;")
                assert answer.flags & MessageFlag.EPHEMERAL
            shown = await desk.ask("setups", desk.admin, place=lobby)
            assert "**SPY**" in said(shown)
            assert shown.flags & MessageFlag.EPHEMERAL

    async def test_a_thread_is_seen_by_who_sees_its_channel_and_a_private_one_by_whose_it_is(
        self, desk: Desk, lobby: Channel
    ) -> None:
        thread = desk.plans.add_thread("open", author=desk.owner)
        private = desk.plans.add_thread("closed", author=desk.admin, private=True)
        insider = desk.add_member("insider")
        for member in (desk.sandbox.bot, insider):
            private.add_thread_member(member)
        async with desk.at_work():
            await posted(desk, plan("SPY"), thread)
            await posted(desk, plan("TSLA"), private)

            async def seen_by(user: User, place: Channel) -> list[str]:
                return [value for _, value in offered(await typed(desk, "", user, place))]

            async def both_are_offered() -> bool:
                return await seen_by(desk.admin, lobby) == ["SPY", "TSLA"]

            # A thread's row is there before the worker has read the rows again.
            await until(both_are_offered, "the threads to be known")
            assert await seen_by(desk.trader, lobby) == ["SPY"]
            assert "TSLA" not in said(await desk.ask("setups", place=lobby))
            # Discord does not tell the bot who is in a private thread; who asks in it is.
            assert await seen_by(insider, lobby) == ["SPY"]
            assert await seen_by(insider, private) == ["SPY", "TSLA"]

    async def test_nobody_is_shown_another_guild(self, desk: Desk) -> None:
        abroad = desk.sandbox.add_guild("Others", desk.owner).add_channel("plans")
        lobby = desk.sandbox.add_guild("Third", desk.owner).add_channel("lobby")
        async with desk.at_work(discord_channels=(desk.plans.id, abroad.id)):
            await posted(desk, plan("SPY"))
            await posted(desk, plan("TSLA"), abroad)
            # The owner is a member of all three guilds, and is shown one at a time.
            here, there = [said(await desk.ask("setups", desk.owner, place=one)) for one in (desk.plans, abroad)]
            assert "**SPY**" in here
            assert "TSLA" not in here
            assert "**TSLA**" in there
            assert "SPY" not in there
            assert offered(await typed(desk, "", desk.owner, abroad)) == [("TSLA · today", "TSLA")]
            answer = await desk.ask("plan", desk.owner, place=lobby, ticker="SPY")
            assert answer.content.startswith("No channel that you can see here is listened to;")
            assert offered(await typed(desk, "", desk.owner, lobby)) == []
