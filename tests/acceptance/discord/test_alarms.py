"""What admins hear of in the channel that they chose for alarms: each thing once, and when it is over."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.support.announced import Announced
from tests.support.discord_desk import Desk
from tests.support.waiting import until
from worker.db.connection import connected
from worker.demo_posts import withdrawn_plan
from worker.ingest.channel_changes import COMMAND_LINE, ask_for_history
from worker.sandbox import Intent, Permission

NOTHING_READ = "A+ Scalp Trade Setups\n\nSPY\n❌ Rejection Near soon 🔻 lower\n🔼 Breakout Above later 🔼 higher"

_TELL = """
INSERT INTO events (channel, event_type, source, correlation_id, data)
VALUES ('parsing:setup', $1, 'worker', gen_random_uuid(), $2::jsonb)
"""


@pytest.fixture
async def alarming(announced: Announced) -> Announced:
    await announced.alarms_go_somewhere()
    return announced


async def over(alarming: Announced, number: int = 1) -> None:
    async def all_over() -> bool:
        return sum("✅ Over since" in alarm.content for alarm in alarming.alarms) >= number

    await until(all_over, "an alarm to be over")


async def test_a_plan_that_nothing_could_be_read_from(desk: Desk, alarming: Announced) -> None:
    desk.sandbox.rules.nonce_seconds = 0
    async with desk.at_work():
        post = desk.sandbox.post(desk.plans, NOTHING_READ)
        [alarm] = await alarming.alarmed(1)
        assert alarm.content.startswith(f"⚠️ A plan in <#{desk.plans.id}> was recognised")
        assert f"https://discord.com/channels/{desk.guild.id}/{desk.plans.id}/{post.id}" in alarm.content
        assert not alarm.mentions
    await desk.fetch("DELETE FROM event_consumers WHERE name = 'announcer'")
    async with desk.at_work():
        await alarming.settled()
        assert len(alarming.alarms) == 1
        day = datetime.now(ZoneInfo("America/Chicago")).date()
        desk.sandbox.edit(post, withdrawn_plan(day))
        await over(alarming)
        await alarming.titled("QQQ")
    assert len(alarming.alarms) == 1


async def test_what_turns_out_to_be_no_plan_is_over_and_what_is_old_is_no_alarm(
    desk: Desk, alarming: Announced
) -> None:
    """A post from before that history brings."""
    two_days_ago = datetime.now(UTC) - timedelta(days=2)
    desk.sandbox.seed(
        desk.plans, 2, start=two_days_ago, end=two_days_ago + timedelta(hours=1), text=lambda _: NOTHING_READ
    )
    async with connected(desk.database, purpose="test") as connection:
        await ask_for_history(connection, desk.plans.id, two_days_ago, by=COMMAND_LINE)
    async with desk.at_work():
        post = desk.sandbox.post(desk.plans, NOTHING_READ)
        [alarm] = await alarming.alarmed(1)
        assert str(post.id) in alarm.content
        desk.sandbox.edit(post, "never mind")
        await over(alarming)
        empty = await desk.fetch("SELECT FROM discord_messages WHERE parse_state = 'empty'")
    assert len(empty) == 2
    assert len(alarming.alarms) == 1


async def test_a_post_that_the_parser_broke_on(desk: Desk, alarming: Announced) -> None:
    async with desk.at_work():
        post = desk.sandbox.post(desk.plans, "hello")
        await desk.stored(post)
        await desk.fetch("UPDATE discord_messages SET parse_state = 'failed'")
        about = f'"origin": "live", "channel_id": "{desk.plans.id}", "guild_id": "{desk.guild.id}"'
        data = f'{{"schema": 1, "message_id": "{post.id}", "reason": "ValueError", {about}}}'
        await desk.fetch(_TELL, "parsing.message.failed", data)
        [alarm] = await alarming.alarmed(1)
    assert "The parser broke on a post" in alarm.content
    assert str(post.id) in alarm.content


async def test_a_gap_that_stays_open(desk: Desk, alarming: Announced) -> None:
    async with desk.at_work():
        await desk.stored(desk.sandbox.post(desk.plans, "before"))
    desk.sandbox.post(desk.plans, "missed")
    desk.plans.set_permissions(deny=Permission.READ_MESSAGE_HISTORY)
    async with desk.at_work():
        await until(lambda: desk.fetch("SELECT FROM ingestion_gaps WHERE closed_at IS NULL"), "a gap")
        await alarming.settled()
        assert not alarming.alarms
        await desk.fetch("UPDATE ingestion_gaps SET opened_at = now() - interval '16 minutes'")
        [alarm] = await alarming.alarmed(1)
        assert "missing for over 15 minutes" in alarm.content
        assert "Read Message History" in alarm.content
    async with desk.at_work():
        await alarming.settled()
        assert len(alarming.alarms) == 1
        desk.plans.set_permissions(allow=Permission.READ_MESSAGE_HISTORY)
        await over(alarming)
    assert len(alarming.alarms) == 1


async def test_the_intent_is_lost_and_granted_again(desk: Desk, alarming: Announced) -> None:
    async with desk.at_work():
        desk.sandbox.set_privileged(Intent(0))
        [alarm] = await alarming.alarmed(1)
        assert "Message Content" in alarm.content
        assert "developer portal" in alarm.content
        logins = len(desk.sandbox.identifies)
        await desk.sandbox.until(lambda: len(desk.sandbox.identifies) > logins + 1, what="attempts to log in")
        await alarming.settled()
        assert len(alarming.alarms) == 1
        desk.sandbox.set_privileged(Intent.MESSAGE_CONTENT)
        await over(alarming)
        desk.sandbox.set_privileged(Intent(0))
        await alarming.alarmed(2)
        assert "Over since" in alarming.alarms[0].content
        assert "Over since" not in alarming.alarms[1].content


async def test_an_event_that_cannot_be_dealt_with_is_set_aside(desk: Desk, alarming: Announced) -> None:
    async with desk.at_work():
        await desk.fetch(_TELL, "setup.created", '{"schema": 1}')
        day = datetime.now(ZoneInfo("America/Chicago")).date()
        desk.sandbox.post(desk.plans, withdrawn_plan(day))
        await alarming.titled("QQQ")
        [alarm] = await alarming.alarmed(1)
        assert "consumers letters announcer" in alarm.content
        await desk.fetch("DELETE FROM event_letters")
        await over(alarming)


async def test_without_an_alarm_channel_nobody_is_told(desk: Desk, announced: Announced) -> None:
    async with desk.at_work():
        post = desk.sandbox.post(desk.plans, NOTHING_READ)
        await desk.stored(post)
        await announced.settled()
        assert not await desk.fetch("SELECT FROM alarms")
    assert not announced.alarms


async def test_an_alarm_that_discord_never_answered_is_found_and_not_repeated(desk: Desk, alarming: Announced) -> None:
    desk.sandbox.rules.nonce_seconds = 0
    async with desk.at_work():
        lost = desk.sandbox.faults.rest.reset(f"POST /channels/{alarming.alarm_channel.id}/messages", late=True)
        desk.sandbox.post(desk.plans, NOTHING_READ)
        await alarming.alarmed(1)
        await alarming.settled()
    assert lost.hits == 1
    assert len(alarming.alarms) == 1
