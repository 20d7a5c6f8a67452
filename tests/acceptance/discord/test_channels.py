"""`/channels`, as an admin uses it and as others try to."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.discord_desk import Desk, buttons, said
from tests.support.ledger import settled
from tests.support.waiting import until
from worker.db.connection import connected
from worker.exits import UnavailableError
from worker.gateway.discord_commands import channel_backfill
from worker.sandbox import Channel, Permission
from worker.sandbox.interactions.registry import CommandError
from worker.sandbox.world.model import MessageFlag
from worker.views import backfill

COMMANDS: dict[str, dict[str, Any]] = {
    "channels add": {"channel": "plans"},
    "channels list": {},
    "channels set": {"channel": "plans"},
    "channels pause": {"channel": "plans"},
    "channels resume": {"channel": "plans"},
    "channels remove": {"channel": "plans"},
    "channels backfill": {"channel": "plans", "since": "7d"},
    "channels explain": {"message_link": "https://discord.com/channels/1/2/3"},
    "alarms to": {"channel": "plans"},
    "alarms off": {},
}


async def row(desk: Desk, channel: Channel) -> dict[str, Any]:
    (found,) = await desk.fetch("SELECT * FROM discord_channels WHERE channel_id = $1", channel.id)
    return dict(found)


async def changes(desk: Desk, channel: Channel) -> list[tuple[str, dict[str, Any]]]:
    """Who changed what of a channel, in order; each change was told by one event under the same id."""
    rows = await desk.fetch("SELECT * FROM channel_changes WHERE channel_id = $1 ORDER BY id", channel.id)
    told = await desk.fetch(
        "SELECT correlation_id, data FROM events WHERE channel = 'channel:config' AND data->>'channel_id' = $1"
        " ORDER BY id",
        str(channel.id),
    )
    assert [one["correlation_id"] for one in told] == [one["correlation_id"] for one in rows]
    by = [f"discord:{one['changed_by']}" if one["changed_by"] else one["source"].replace("_", " ") for one in rows]
    assert [one["data"]["changed_by"] for one in told] == by
    return [(who, dict(one["changed"])) for who, one in zip(by, rows, strict=True)]


async def test_add_listens_with_what_was_chosen_and_lists_the_permissions(desk: Desk) -> None:
    ideas, shown = desk.guild.add_channel("ideas"), desk.guild.add_channel("announced")
    desk.sandbox.seed(ideas, 30, start=datetime.now(UTC) - timedelta(days=3))
    ideas.set_permissions(deny=Permission.READ_MESSAGE_HISTORY)
    shown.set_permissions(deny=Permission.ATTACH_FILES | Permission.EMBED_LINKS)
    async with desk.at_work():
        options = {"channel": ideas, "parser": "aplus", "history": "7d", "threads": False, "announce_to": shown}
        message = await desk.ask("channels add", desk.admin, **options)
        text = said(message)
        assert message.flags & MessageFlag.EPHEMERAL
        assert f"<#{ideas.id}> is listened to from now on." in text
        assert "✅ View Channel\n❌ Read Message History\nMissing: **Read Message History**" in text
        assert "Missing: **Embed Links, Attach Files**" in text
        found = await row(desk, ideas)
        assert (found["is_listen"], found["parser"], found["includes_threads"]) == (True, "aplus", False)
        assert (found["name"], found["announce_to"]) == ("ideas", shown.id)
        assert found["history_from"] < datetime.now(UTC) - timedelta(days=6)
        assert (await row(desk, shown))["is_announce"] is True
        ((who, changed),) = await changes(desk, ideas)
        assert who == f"discord:{desk.admin.id}"
        assert changed["announce_to"] == str(shown.id)
        assert "was so already" in said(await desk.ask("channels add", desk.admin, channel=ideas))
        assert len(await changes(desk, ideas)) == 1
        ideas.set_permissions()
        await settled(desk.database, desk.sandbox, ideas)
        thread = ideas.add_thread("aside", "not for us")
        await desk.stored(desk.sandbox.post(ideas, "live"))
        assert await desk.fetch("SELECT FROM discord_messages WHERE channel_id = $1", thread.id) == []


async def test_list_shows_state_lag_and_gaps(desk: Desk) -> None:
    hidden = desk.guild.add_channel("hidden")
    async with desk.at_work():
        await desk.stored(desk.sandbox.post(desk.plans, "hello"))
        await desk.ask("channels add", desk.admin, channel=hidden, history="all")
        hidden.set_permissions(deny=Permission.VIEW_CHANNEL)
        text = said(await desk.ask("channels list", desk.admin))
        assert re.search(rf"<#{desk.plans.id}> ✅ listening · last stored <t:\d+:R> · no gaps\n", text)
        assert "parser detected · history since" in text
        hidden.set_permissions(desk.admin, deny=Permission.VIEW_CHANNEL)

        async def unseen() -> bool:
            return str(hidden.id) not in said(await desk.ask("channels list", desk.admin))

        await until(unseen, "the channel to be hidden from who cannot see it")


async def test_list_tells_of_the_gaps_of_threads_as_well(desk: Desk) -> None:
    async with desk.at_work():
        thread = desk.plans.add_thread("aside", "begun")
        await desk.stored(desk.sandbox.post(thread, "before"))
    desk.sandbox.post(thread, "missed")
    desk.plans.set_permissions(deny=Permission.READ_MESSAGE_HISTORY)
    async with desk.at_work():
        opened = "SELECT channel_id FROM ingestion_gaps WHERE closed_at IS NULL"
        assert [gap["channel_id"] for gap in await until(lambda: desk.fetch(opened), "a gap")] == [thread.id]
        text = said(await desk.ask("channels list", desk.admin))
    assert re.search(rf"<#{desk.plans.id}> .* · ⚠️ 1 gap open since <t:\d+:R>\n", text)


async def test_set_changes_only_what_is_named(desk: Desk) -> None:
    shown, other = desk.guild.add_channel("announced"), desk.guild.add_channel("other")
    async with desk.at_work():
        before = await row(desk, desk.plans)
        message = await desk.ask("channels set", desk.admin, channel=desk.plans, parser="aplus", announce_to=shown)
        assert "is changed" in said(message)
        after = await row(desk, desk.plans)
        assert (after["parser"], after["announce_to"]) == ("aplus", shown.id)
        assert (after["history_from"], after["includes_threads"]) == (before["history_from"], True)
        await desk.ask("channels set", desk.admin, channel=desk.plans, parser="detect", announcements="off")
        after = await row(desk, desk.plans)
        assert (after["parser"], after["announce_to"]) == (None, None)
        assert (await row(desk, shown))["is_announce"] is False
        assert "is not listened to" in said(await desk.ask("channels set", desk.admin, channel=other, parser="aplus"))
        itself = await desk.ask("channels set", desk.admin, channel=desk.plans, announce_to=desk.plans)
        assert "cannot be announced in the channel itself" in said(itself)
        assert [changed for _, changed in (await changes(desk, desk.plans))[1:]] == [
            {"parser": "aplus", "announce_to": str(shown.id)},
            {"parser": None, "announce_to": None},
        ]


async def test_what_was_posted_edited_and_deleted_during_a_pause_is_caught_up_with(desk: Desk) -> None:
    async with desk.at_work(look_back_settled_seconds=0):
        edited, deleted = desk.sandbox.post(desk.plans, "to be edited"), desk.sandbox.post(desk.plans, "to be deleted")
        await desk.stored(edited)
        await desk.stored(deleted)
        assert "is paused" in said(await desk.ask("channels pause", desk.admin, channel=desk.plans))
        assert "was paused already" in said(await desk.ask("channels pause", desk.admin, channel=desk.plans))
        assert "⏸️ paused" in said(await desk.ask("channels list", desk.admin))
        missed = desk.sandbox.post(desk.plans, "missed")
        desk.sandbox.edit(edited, "edited")
        desk.sandbox.delete(deleted)
        assert await desk.fetch("SELECT FROM discord_messages WHERE message_id = $1", missed.id) == []
        assert "listened to again" in said(await desk.ask("channels resume", desk.admin, channel=desk.plans))
        await settled(desk.database, desk.sandbox, desk.plans)
    assert [changed for _, changed in (await changes(desk, desk.plans))[1:]] == [
        {"is_active": False},
        {"is_active": True},
    ]


async def test_remove_asks_first_and_keeps_what_is_stored(desk: Desk) -> None:
    async with desk.at_work():
        await desk.stored(desk.sandbox.post(desk.plans, "kept"))
        asked = await desk.ask("channels remove", desk.admin, channel=desk.plans)
        assert "Its 1 stored messages and 0 plans stay" in said(asked)
        assert (await row(desk, desk.plans))["is_listen"] is True
        refused = await desk.press(asked, "Remove", desk.owner)
        assert "belong to who asked" in (await refused.message()).content
        assert (await row(desk, desk.plans))["is_listen"] is True
        await desk.press(asked, "Keep", desk.admin)
        assert "stays" in desk.sandbox.find(asked).content
        asked = await desk.ask("channels remove", desk.admin, channel=desk.plans)
        await desk.press(asked, "Remove", desk.admin)

        async def removed() -> bool:
            return "no longer listened to" in desk.sandbox.find(asked).content

        await until(removed, "the answer to the button")
        assert buttons(desk.sandbox.find(asked)) == []
        assert (await row(desk, desk.plans))["is_listen"] is False
        assert len(await desk.fetch("SELECT FROM discord_messages")) == 1
        assert (await changes(desk, desk.plans))[-1][1] == {"is_listen": False}
        assert "is not listened to" in said(await desk.ask("channels remove", desk.admin, channel=desk.plans))


async def test_a_thread_that_is_listened_to_with_its_channel_leads_to_that(desk: Desk) -> None:
    async with desk.at_work():
        thread = desk.plans.add_thread("aside", "begun")
        await desk.stored(desk.sandbox.post(thread, "hello"))
        for command, options in (("remove", {}), ("pause", {}), ("backfill", {"since": "7d"})):
            text = said(await desk.ask(f"channels {command}", desk.admin, channel=thread, **options))
            assert f"<#{thread.id}> is listened to with <#{desk.plans.id}> that it hangs on: name that one." in text
        await desk.ask("channels add", desk.admin, channel=thread)
        asked = await desk.ask("channels remove", desk.admin, channel=thread)
        await desk.press(asked, "Remove", desk.admin)

        async def told() -> bool:
            return f"by itself; <#{desk.plans.id}> is" in desk.sandbox.find(asked).content

        await until(told, "what still listens to it to be named")


async def test_backfill_edits_its_progress_in_place_until_everything_is_stored(desk: Desk) -> None:
    ids = desk.sandbox.seed(desk.plans, 450, start=datetime.now(UTC) - timedelta(days=5))
    async with desk.at_work(history_page_seconds=0.5):
        asked = desk.invoke("channels backfill", desk.admin, channel=desk.plans, since="9d")
        message = await asked.message(30)
        texts = set[str]()

        async def done() -> bool:
            texts.add(desk.sandbox.find(message).content)
            return "Everything in" in desk.sandbox.find(message).content

        await until(done, "the backfill to end")
        assert any("▰" in text and "ready <t:" in text for text in texts), texts
        assert f"{len(ids)} messages" in desk.sandbox.find(message).content
        assert buttons(desk.sandbox.find(message)) == []
        assert asked.followups == []
        await settled(desk.database, desk.sandbox, desk.plans)
        again = await desk.ask("channels backfill", desk.admin, channel=desk.plans, since="2d")
        assert "is stored" in said(again)
        assert "is no day such as" in said(
            await desk.ask("channels backfill", desk.admin, channel=desk.plans, since="soon")
        )
        assert "in the future" in said(
            await desk.ask("channels backfill", desk.admin, channel=desk.plans, since="2999-01-01")
        )


async def test_where_nobody_could_look_a_backfill_says_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in (backfill, channel_backfill):
        monkeypatch.setattr(module, "NOTICE_SECONDS", 1.0)
    desk.sandbox.seed(desk.plans, 20, start=datetime.now(UTC) - timedelta(days=5))
    async with desk.at_work():
        desk.sandbox.faults.rest.answer("GET /channels/*/threads/archived/public", 403, times=None)
        message = await desk.ask("channels backfill", desk.admin, channel=desk.plans, since="9d")

        async def told() -> bool:
            return "could not look everywhere in" in desk.sandbox.find(message).content

        await until(told, "the backfill to end")
        asked = datetime.now(UTC) - timedelta(days=9)
        async with connected(desk.database, purpose="test") as connection:
            with pytest.raises(UnavailableError, match="could not look everywhere"):
                await backfill.follow_backfill(connection, desk.plans.id, asked, datetime.now(UTC))
            desk.sandbox.faults.rest.clear()
            monkeypatch.setattr(backfill, "NOTICE_SECONDS", 30.0)
            await backfill.follow_backfill(connection, desk.plans.id, asked, datetime.now(UTC))
    assert "Everything that was asked for is stored." in capsys.readouterr().out


async def test_a_backfill_that_is_cancelled_leaves_what_was_fetched(desk: Desk) -> None:
    desk.sandbox.seed(desk.plans, 600, start=datetime.now(UTC) - timedelta(days=5))
    async with desk.at_work(history_page_seconds=3):
        before = (await row(desk, desk.plans))["history_from"]
        message = await desk.ask("channels backfill", desk.admin, channel=desk.plans, since="9d")

        async def some() -> bool:
            return bool(await desk.fetch("SELECT FROM discord_messages LIMIT 1"))

        await until(some, "a page to be stored")
        await desk.press(message, "Cancel", desk.admin)

        async def closed() -> list[Any]:
            return await desk.fetch("SELECT outcome FROM ingestion_gaps WHERE outcome IS NOT NULL")

        assert [gap["outcome"] for gap in await until(closed, "the gap to be closed")] == ["cancelled"]
        assert "Cancelled" in desk.sandbox.find(message).content
        assert (await row(desk, desk.plans))["history_from"] == before
        ((stored,),) = await desk.fetch("SELECT count(*) FROM discord_messages")
        assert 0 < stored < 600


async def test_explain_tells_only_what_who_asks_may_see(desk: Desk) -> None:
    secret = desk.guild.add_channel("secret")
    elsewhere = desk.sandbox.add_guild("Others").add_channel("plans")
    async with desk.at_work(discord_channels=(desk.plans.id, secret.id, elsewhere.id)):
        posts = [desk.sandbox.post(channel, "hello") for channel in (desk.plans, secret, elsewhere)]
        for post in posts:
            await desk.stored(post)
        secret.set_permissions(desk.admin, deny=Permission.VIEW_CHANNEL)
        answers = [
            said(await desk.ask("channels explain", desk.admin, message_link=link))
            for post in posts
            for link in (
                f"https://discord.com/channels/{post.channel.guild.id}/{post.channel.id}/{post.id}",
                str(post.id),
            )
        ]
        assert all("over the gateway, as it was posted" in text for text in answers[:2])
        assert all("no message of a channel of this server that you can see" in text for text in answers[2:])
        assert "no message link" in said(await desk.ask("channels explain", desk.admin, message_link="hello"))
        other = desk.guild.add_channel("not-listened")
        post = desk.sandbox.post(other, "hello")
        link = f"https://discord.com/channels/{desk.guild.id}/{other.id}/{post.id}"

        async def explained() -> bool:
            return "`/channels add` with" in said(await desk.ask("channels explain", desk.admin, message_link=link))

        await until(explained, "the channel to be known")


async def test_alarms_go_where_admins_want_them(desk: Desk) -> None:
    alarms = desk.guild.add_channel("alarms")
    async with desk.at_work():
        assert "Alarms go to" in said(await desk.ask("alarms to", desk.admin, channel=alarms))
        assert [tuple(one) for one in await desk.fetch("SELECT guild_id, alarm_channel_id FROM guild_settings")] == [
            (desk.guild.id, alarms.id)
        ]
        assert f"Alarms go to\n<#{alarms.id}>" in said(await desk.ask("status"))
        alarms.set_permissions(desk.trader, deny=Permission.VIEW_CHANNEL)

        async def hidden() -> bool:
            return str(alarms.id) not in said(await desk.ask("status"))

        await until(hidden, "the alarm channel to be hidden from who cannot see it")
        assert "nowhere" in said(await desk.ask("alarms off", desk.admin))
        assert [changed for _, changed in await changes(desk, alarms)] == [{"is_alarm": True}, {"is_alarm": False}]


@pytest.mark.parametrize("command", COMMANDS)
async def test_nobody_else_may_configure(desk: Desk, command: str) -> None:
    options: dict[str, Any] = {
        name: desk.plans if value == "plans" else value for name, value in COMMANDS[command].items()
    }
    async with desk.at_work():
        before = await changes(desk, desk.plans)
        with pytest.raises(CommandError, match="is not shown"):
            desk.invoke(command, **options)
        text = said(await desk.invoke(command, overridden=True, **options).message())
        assert text.startswith("You need the permission Manage Server for that.\n-# Reference ")
        assert await changes(desk, desk.plans) == before


async def test_an_admin_cannot_configure_a_channel_that_is_hidden_from_them(desk: Desk) -> None:
    secret = desk.guild.add_channel("secret")
    secret.set_permissions(desk.admin, deny=Permission.VIEW_CHANNEL)
    async with desk.at_work():
        for options in ({"channel": secret}, {"channel": desk.plans, "announce_to": secret}):
            text = said(await desk.ask("channels add", desk.admin, **options))
            assert "View Channel and Read Message History" in text
        assert await desk.fetch("SELECT FROM discord_channels WHERE is_announce OR channel_id = $1", secret.id) == []
