"""What is announced of plans, and how it follows them, over real sockets."""

import asyncio
import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.support.announced import Announced
from tests.support.consumers import end_sessions
from tests.support.discord_desk import Desk
from tests.support.posts import read
from tests.support.waiting import until
from worker.db.connection import connected
from worker.demo_posts import corrected_plan, opening_plan, withdrawn_plan
from worker.ingest.prepared import OWN_POST
from worker.ingest.reparse import reparse
from worker.sandbox import Permission


def today() -> date:
    return datetime.now(ZoneInfo("America/Chicago")).date()


async def test_each_ticker_of_a_plan_is_announced_once_with_its_ladder(desk: Desk, announced: Announced) -> None:
    async with desk.at_work():
        plan = desk.sandbox.post(desk.plans, opening_plan(today()))
        nvda, spy = await announced.titled("NVDA", "SPY")
        await announced.settled()
    link = f"https://discord.com/channels/{desk.guild.id}/{desk.plans.id}/{plan.id}"
    for post, prices in ((spy, ("612.40", "604.00–604.60")), (nvda, ("171.20", "165.20"))):
        [embed] = post.embeds
        [picture] = post.attachments
        assert embed["url"] == link
        assert embed["author"]["name"] == "#plans"
        assert embed["image"]["url"] == "attachment://ladder.png"
        assert picture["filename"] == "ladder.png"
        for price in prices:
            assert price in embed["description"]
            assert price in picture["description"]
        content, kind = desk.sandbox.world.files[f"/attachments/{announced.channel.id}/{picture['id']}/ladder.png"]
        assert content.startswith(b"\x89PNG")
        assert kind
        assert not post.mentions
        assert not post.mention_everyone
        [row] = await desk.fetch("SELECT plan_id FROM announcements WHERE message_id = $1", post.id)
        assert post.extra["nonce"] == str(row["plan_id"])
    assert await announced.requests("POST") == 2
    assert await announced.requests("PATCH") == 0


async def test_an_edit_edits_the_announcement(desk: Desk, announced: Announced) -> None:
    async with desk.at_work():
        plan = desk.sandbox.post(desk.plans, opening_plan(today()))
        before = await announced.titled("NVDA", "SPY")
        desk.sandbox.edit(plan, corrected_plan(today()))
        await announced.saying("614.20, 615.70, 617.50", "SPY")
        await announced.not_saying("Bounce", "NVDA")
        assert [post.id for post in await announced.titled("NVDA", "SPY")] == [post.id for post in before]
    assert "614.20" in announced.of("SPY").attachments[0]["description"]
    assert await announced.requests("POST") == 2


async def test_what_an_edit_leaves_as_it_is_is_not_edited(desk: Desk, announced: Announced) -> None:
    async with desk.at_work():
        text = opening_plan(today())
        plan = desk.sandbox.post(desk.plans, text)
        await announced.titled("NVDA", "SPY")
        desk.sandbox.edit(plan, text.replace("612.40 🔻 610.80", "612.40 🔻 610.90"))
        await announced.saying("610.90", "SPY")
        await announced.settled()
    assert await announced.requests("PATCH") == 1


async def test_a_newer_plan_strikes_the_older_one_through_and_its_deletion_restores_it(
    desk: Desk, announced: Announced
) -> None:
    async with desk.at_work():
        desk.sandbox.post(desk.plans, opening_plan(today()))
        nvda, first = await announced.titled("NVDA", "SPY")
        text = opening_plan(today()).replace("612.40", "613.40").partition("NVDA")[0]
        second = desk.sandbox.post(desk.plans, text)
        struck, newer, _ = await announced.titled("~~SPY", "SPY", "NVDA")
        assert struck.id == first.id
        said = struck.embeds[0]["description"]
        assert f"https://discord.com/channels/{desk.guild.id}/{desk.plans.id}/{second.id}" in said
        assert re.search(r"^~~.*612\.40.*~~$", said, re.MULTILINE)
        assert not struck.attachments
        assert "image" not in struck.embeds[0]
        assert "613.40" in newer.embeds[0]["description"]
        desk.sandbox.delete(second)
        restored = await announced.entitled(first, "SPY")
        gone = await announced.entitled(newer, "~~SPY")
        assert "deleted" in gone.embeds[0]["description"]
        assert "613.40" in gone.embeds[0]["description"]
        assert restored.attachments
        assert "~~" not in restored.embeds[0]["description"]
    assert nvda.id == announced.of("NVDA").id
    assert await announced.requests("POST") == 3


async def test_the_announcement_of_a_deleted_post_is_struck_through(desk: Desk, announced: Announced) -> None:
    async with desk.at_work():
        plan = desk.sandbox.post(desk.plans, opening_plan(today()))
        await announced.titled("NVDA", "SPY")
        desk.sandbox.delete(plan)
        posts = await announced.titled("~~NVDA", "~~SPY")
    assert all("the post was deleted" in post.embeds[0]["description"] for post in posts)


async def test_a_post_that_is_edited_and_then_deleted_is_struck_through_as_it_was_last(
    desk: Desk, announced: Announced
) -> None:
    async with desk.at_work():
        plan = desk.sandbox.post(desk.plans, opening_plan(today()))
        await announced.titled("NVDA", "SPY")
        desk.sandbox.edit(plan, corrected_plan(today()))
        await announced.not_saying("Bounce", "NVDA")
        desk.sandbox.delete(plan)
        nvda, _ = await announced.titled("~~NVDA", "~~SPY")
    assert "171.20" in nvda.embeds[0]["description"]
    assert "Bounce" not in nvda.embeds[0]["description"]


async def test_a_ticker_that_an_edit_takes_out_is_struck_through(desk: Desk, announced: Announced) -> None:
    async with desk.at_work():
        plan = desk.sandbox.post(desk.plans, opening_plan(today()))
        await announced.titled("NVDA", "SPY")
        desk.sandbox.edit(plan, opening_plan(today()).partition("NVDA")[0])
        nvda, _ = await announced.titled("~~NVDA", "SPY")
    assert "an edit took it out" in nvda.embeds[0]["description"]


async def test_nothing_is_announced_again_after_a_restart(desk: Desk, announced: Announced) -> None:
    async with desk.at_work():
        desk.sandbox.post(desk.plans, opening_plan(today()))
        await announced.titled("NVDA", "SPY")
        await announced.settled()
    # A consumer that begins anew is told everything once more.
    await desk.fetch("DELETE FROM event_consumers WHERE name = 'announcer'")
    async with desk.at_work():
        await announced.settled()
    assert await announced.requests("POST") == 2
    assert await announced.requests("PATCH") == 0


async def test_what_is_old_or_imported_is_not_announced(desk: Desk, announced: Announced) -> None:
    async with desk.at_work():
        yesterday = today() - timedelta(days=1)
        desk.sandbox.post(desk.plans, opening_plan(yesterday))
        await announced.settled()
        assert not announced.posts
        imported = desk.sandbox.post(desk.plans, opening_plan(today()))
        await announced.titled("NVDA", "SPY")
        # As if it had come from an export and never been announced.
        await desk.fetch("DELETE FROM announcements")
        await desk.fetch("UPDATE discord_messages SET origin = 'replay' WHERE message_id = $1", imported.id)
    await desk.fetch("DELETE FROM event_consumers WHERE name = 'announcer'")
    async with desk.at_work():
        await announced.settled()
    assert await announced.requests("POST") == 2


async def test_a_plan_for_tomorrow_is_announced_and_a_deleted_announcement_stays_away(
    desk: Desk, announced: Announced
) -> None:
    async with desk.at_work():
        plan = desk.sandbox.post(desk.plans, withdrawn_plan(today() + timedelta(days=1)))
        [qqq] = await announced.titled("QQQ")
        desk.sandbox.delete(qqq)
        desk.sandbox.edit(plan, withdrawn_plan(today() + timedelta(days=1)).replace("537.50", "538.50"))

        async def is_known_to_be_gone() -> bool:
            return bool(await desk.fetch("SELECT FROM announcements WHERE state = 'deleted'"))

        await until(is_known_to_be_gone, "the announcement to be found deleted")
        desk.sandbox.edit(plan, withdrawn_plan(today() + timedelta(days=1)).replace("537.50", "539.50"))
        await announced.settled()
    assert not announced.posts


async def test_an_attempt_that_discord_never_answered_is_found_and_not_repeated(
    desk: Desk, announced: Announced
) -> None:
    desk.sandbox.rules.nonce_seconds = 0
    async with desk.at_work():
        lost = desk.sandbox.faults.rest.reset(f"POST /channels/{announced.channel.id}/messages", late=True)
        desk.sandbox.post(desk.plans, withdrawn_plan(today()))
        await announced.titled("QQQ")
        await announced.settled()
    assert lost.hits == 1
    assert len(announced.ever) == 1


async def test_sessions_with_the_database_that_are_lost_lose_no_change(desk: Desk, announced: Announced) -> None:
    async with desk.at_work():
        plan = desk.sandbox.post(desk.plans, withdrawn_plan(today()))
        for number in range(5):
            for purpose in ("announcing", "reader:announcer"):
                await end_sessions(desk.database, purpose)
            desk.sandbox.edit(plan, withdrawn_plan(today()).replace("537.50", f"53{number}.50"))
            await asyncio.sleep(0.1 * number)
        await announced.saying("534.50", "QQQ")
    assert len(announced.ever) == 1


async def test_where_it_cannot_be_looked_for_nothing_is_posted_a_second_time(desk: Desk, announced: Announced) -> None:
    desk.sandbox.rules.nonce_seconds = 0
    announced.channel.set_permissions(deny=Permission.READ_MESSAGE_HISTORY)
    async with desk.at_work():
        desk.sandbox.faults.rest.reset(f"POST /channels/{announced.channel.id}/messages", late=True)
        desk.sandbox.post(desk.plans, withdrawn_plan(today()))
        await until(lambda: desk.fetch("SELECT FROM announcements WHERE tries > 1"), "a second try")
        assert len(announced.ever) == 1
        announced.channel.set_permissions(allow=Permission.READ_MESSAGE_HISTORY)
        await until(lambda: desk.fetch("SELECT FROM announcements WHERE state = 'posted'"), "the post to be found")
    assert len(announced.ever) == 1


async def test_what_a_nonce_gives_back_is_brought_up_to_date(desk: Desk, announced: Announced) -> None:
    """The first attempt came through without an answer, and a page of history does not show it yet."""
    rest, messages = desk.sandbox.faults.rest, f"/channels/{announced.channel.id}/messages"
    async with desk.at_work():
        rest.reset(f"POST {messages}", late=True)
        held = rest.hold(f"GET {messages}")
        rest.answer(f"GET {messages}", 200, body=[])
        plan = desk.sandbox.post(desk.plans, withdrawn_plan(today()))
        await desk.sandbox.until(held.arrived.is_set, what="the post to be looked for")
        await desk.stored(desk.sandbox.edit(plan, withdrawn_plan(today()).replace("537.50", "538.50")))
        held.release()
        await announced.saying("538.50", "QQQ")
    assert len(announced.ever) == 1


async def test_an_answer_of_503_is_tried_again(desk: Desk, announced: Announced) -> None:
    async with desk.at_work():
        # The library does not try again after a 503.
        fault = desk.sandbox.faults.rest.answer(f"POST /channels/{announced.channel.id}/messages", 503, times=2)
        desk.sandbox.post(desk.plans, withdrawn_plan(today()))
        await announced.titled("QQQ")
    assert fault.hits == 2
    assert len(announced.ever) == 1


async def test_what_a_stranger_writes_pings_nobody_and_formats_nothing(desk: Desk, announced: Announced) -> None:
    text = withdrawn_plan(today()) + f"\nBias: @everyone <@{desk.trader.id}> **bold** ~~gone~~ bullish above 530"
    async with desk.at_work():
        desk.sandbox.post(desk.plans, text)
        [qqq] = await announced.titled("QQQ")
    assert "**bold**" not in qqq.embeds[0]["description"]
    assert not qqq.mentions
    assert not qqq.mention_everyone


async def test_a_channel_that_may_not_be_posted_in_holds_up_no_other(desk: Desk, announced: Announced) -> None:
    other = desk.guild.add_channel("other plans")
    closed = desk.guild.add_channel("closed")
    closed.set_permissions(deny=Permission.EMBED_LINKS | Permission.ATTACH_FILES)
    await announced.alarms_go_somewhere()
    async with desk.at_work(discord_channels=(desk.plans.id, other.id)):
        await announced.announce(other, closed)
        plan = desk.sandbox.post(other, withdrawn_plan(today()))
        desk.sandbox.post(desk.plans, opening_plan(today()))
        await announced.titled("NVDA", "SPY")
        [alarm] = await announced.alarmed(1)
        assert f"<#{closed.id}>" in alarm.content
        assert "Embed Links, Attach Files" in alarm.content
        assert f"/{other.id}/{plan.id}" in alarm.content
        closed.set_permissions(allow=Permission.EMBED_LINKS | Permission.ATTACH_FILES)

        async def is_over() -> bool:
            return "✅" in announced.alarms[0].content

        await until(is_over, "the alarm to be over")
    assert len(announced.alarms) == 1
    assert len([entry for entry in desk.sandbox.ledger.final(closed.id) if not entry["deleted"]]) == 1


async def test_a_channel_that_does_not_answer_holds_up_no_other(desk: Desk, announced: Announced) -> None:
    other, slow = desk.guild.add_channel("other plans"), desk.guild.add_channel("slow")
    await announced.announce(other, slow)
    async with desk.at_work(discord_channels=(desk.plans.id, other.id)):
        held = desk.sandbox.faults.rest.hold(f"POST /channels/{slow.id}/messages")
        desk.sandbox.post(other, withdrawn_plan(today()))
        await desk.sandbox.until(held.arrived.is_set, what="the request that is held")
        desk.sandbox.post(desk.plans, opening_plan(today()))
        await announced.titled("NVDA", "SPY")
        held.release()
        await announced.settled()
    assert len(desk.sandbox.ledger.final(slow.id)) == 1


async def test_nothing_leaves_its_guild(desk: Desk, announced: Announced) -> None:
    elsewhere = desk.sandbox.add_guild("Others").add_channel("general")
    await announced.announce(elsewhere, None)
    async with desk.at_work():
        # The commands do not let it come to this.
        await desk.fetch(
            "UPDATE discord_channels SET announce_to = $1 WHERE channel_id = $2", elsewhere.id, desk.plans.id
        )
        await desk.stored(desk.sandbox.post(desk.plans, opening_plan(today())))
        await announced.settled()
    assert not desk.sandbox.ledger.final(elsewhere.id)


async def test_the_words_of_a_person_who_is_erased_go_from_the_announcement(desk: Desk, announced: Announced) -> None:
    analyst = desk.sandbox.add_user("analyst")
    text = withdrawn_plan(today()) + "\n\nBias: bullish above 530 says mockingbird"
    async with desk.at_work():
        desk.sandbox.post(desk.plans, text, author=analyst)
        await announced.titled("QQQ")
        await announced.saying("mockingbird", "QQQ")
        asked = await desk.ask("privacy erase", desk.owner, user=analyst)
        await desk.press(asked, "Erase", desk.owner)
        await announced.not_saying("mockingbird", "QQQ")
    [qqq] = announced.posts
    assert "mockingbird" not in qqq.attachments[0]["description"]
    assert "540.10" in qqq.embeds[0]["description"]


async def test_a_channel_that_is_announced_nowhere_is_silent(desk: Desk, announced: Announced) -> None:
    await announced.announce(desk.plans, None)
    async with desk.at_work():
        message = desk.sandbox.post(desk.plans, opening_plan(today()))
        await desk.stored(message)
        await announced.settled()
    assert not announced.ever


async def test_a_thread_is_announced_where_its_channel_is(desk: Desk, announced: Announced) -> None:
    async with desk.at_work():
        thread = desk.plans.add_thread("levels", "hello")
        desk.sandbox.post(thread, withdrawn_plan(today()))
        [qqq] = await announced.titled("QQQ")
    assert f"/{thread.id}/" in qqq.embeds[0]["url"]


async def test_what_the_worker_posts_in_a_listened_channel_is_stored_and_never_read(
    desk: Desk, announced: Announced
) -> None:
    channels = (desk.plans.id, announced.channel.id)
    async with desk.at_work(discord_channels=channels):
        desk.sandbox.post(desk.plans, opening_plan(today()))
        for post in await announced.titled("NVDA", "SPY"):
            await desk.stored(post)
    async with desk.at_work(discord_channels=channels):  # which looks back
        await announced.settled()
    async with connected(desk.database, purpose="test") as connection:
        assert not [batch.differences async for batch in reparse(connection, read, lambda _: None) if batch.differences]
    rows = await desk.fetch(
        "SELECT parse_state, parse_reason, text <> '' AS has_text FROM discord_messages WHERE channel_id = $1",
        announced.channel.id,
    )
    assert [tuple(row) for row in rows] == [("not_a_plan", OWN_POST, True)] * 2
