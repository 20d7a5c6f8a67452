"""What a stock client is told of what happens, and what it is not shown."""

from datetime import UTC, datetime, timedelta

import discord
import pytest

from tests.integration.sandbox.clients import Connect
from worker.sandbox import Permission, Sandbox
from worker.sandbox.world.model import Channel, Guild, MessageFlag


async def test_a_post_has_author_member_time_and_place(sandbox: Sandbox, channel: Channel, connect: Connect) -> None:
    client = await connect()
    author = sandbox.add_user("analyst")
    posted = sandbox.post(channel, "SPY\n\u2028Rejection Near 586.49 \x00 \ud800", author=author)
    received = await client.seen("message")
    assert (received.id, received.content, received.channel.id) == (posted.id, posted.content, channel.id)
    assert isinstance(received.author, discord.Member)
    assert (received.author.name, received.author.id) == ("analyst", author.id)
    assert abs(received.created_at - datetime.now(UTC)) < timedelta(minutes=1)


async def test_a_forward_has_its_text_in_the_snapshot(sandbox: Sandbox, channel: Channel, connect: Connect) -> None:
    client = await connect()
    original = sandbox.post(channel, "A+ setups", embeds=[{"title": "chart"}])
    sandbox.post(channel, forward_of=original)
    sandbox.post(channel, forward_of={"content": "from elsewhere"})
    await client.seen("message", count=3)
    _, forward, foreign = client.named("message")
    (snapshot,) = forward.message_snapshots
    assert (forward.content, snapshot.content, snapshot.embeds[0].title) == ("", "A+ setups", "chart")
    assert forward.reference.message_id == original.id
    assert foreign.message_snapshots[0].content == "from elsewhere"


async def test_replies_webhooks_and_attachments_have_their_keys(
    sandbox: Sandbox, channel: Channel, connect: Connect
) -> None:
    client = await connect()
    original = sandbox.post(channel, "original")
    sandbox.post(channel, "reply", reply_to=original)
    sandbox.post(channel, "hooked", webhook=True, attachments=[{"filename": "chart.png", "size": 7}])
    sandbox.delete(original)
    await client.seen("message", count=3)
    _, reply, hooked = client.named("message")
    assert (reply.type, reply.reference.resolved.content) == (discord.MessageType.reply, "original")
    assert hooked.webhook_id == hooked.author.id
    assert (hooked.attachments[0].filename, hooked.attachments[0].size) == ("chart.png", 7)
    fetched = await client.get_partial_messageable(channel.id).fetch_message(reply.id)
    assert isinstance(fetched.reference and fetched.reference.resolved, discord.DeletedReferencedMessage)


async def test_a_preview_and_a_thread_are_updates_without_an_edit_time(
    sandbox: Sandbox, channel: Channel, connect: Connect
) -> None:
    client = await connect()
    message = sandbox.post(channel, "https://example.com")
    sandbox.preview(message, [{"title": "Example"}])
    channel.add_thread("talk", message=sandbox.find(message.id))
    sandbox.edit(message, "edited")
    await client.seen("raw_message_edit", count=3)
    preview, threaded, edit = (event.data for event in client.named("raw_message_edit"))
    assert preview["embeds"] == [{"title": "Example"}]
    assert threaded["flags"] & MessageFlag.HAS_THREAD
    assert [event["edited_timestamp"] is None for event in (preview, threaded, edit)] == [True, True, False]


async def test_reactions_come_and_go(sandbox: Sandbox, channel: Channel, connect: Connect) -> None:
    client = await connect()
    message = sandbox.post(channel, "x")
    user = sandbox.add_user("reader")
    guild_member = channel.guild.add_member(user)
    sandbox.react(message, "👍", user)
    sandbox.react(message, "👍", user)
    sandbox.react(message, "👍", user, remove=True)
    added, removed = await client.seen("raw_reaction_add"), await client.seen("raw_reaction_remove")
    assert (added.user_id, str(added.emoji), removed.user_id) == (guild_member.user.id, "👍", user.id)
    assert len(client.named("raw_reaction_add")) == 1


async def test_channels_are_made_renamed_and_deleted_with_their_threads(
    guild: Guild, channel: Channel, connect: Connect
) -> None:
    client = await connect()
    other = guild.add_channel("other", "news")
    thread = other.add_thread("talk")
    other.rename("renamed")
    other.delete()
    assert (await client.seen("guild_channel_create")).id == other.id
    assert (await client.seen("guild_channel_update")).name == "other"
    assert (await client.seen("guild_channel_delete")).name == "renamed"
    assert (await client.seen("thread_delete")).id == thread.id
    with pytest.raises(discord.NotFound):
        await client.fetch_channel(other.id)


async def test_threads_are_archived_woken_and_deleted(sandbox: Sandbox, channel: Channel, connect: Connect) -> None:
    client = await connect()
    thread = channel.add_thread("talk")
    thread.set_archived(True)
    sandbox.post(thread, "wakes it up")
    thread.delete()
    await client.seen("raw_thread_update", count=2)
    archived = [event.data["thread_metadata"]["archived"] for event in client.named("raw_thread_update")]
    assert archived == [True, False]
    assert (await client.seen("raw_thread_delete")).thread_id == thread.id


async def test_active_threads_come_with_the_guild(channel: Channel, connect: Connect) -> None:
    thread = channel.add_thread("talk")
    channel.add_thread("over").set_archived(True)
    client = await connect()
    assert [one.id for one in client.guilds[0].threads] == [thread.id]


async def test_archived_threads_are_listed_page_by_page(sandbox: Sandbox, channel: Channel, connect: Connect) -> None:
    client = await connect()
    threads = [channel.add_thread(f"talk {number}") for number in range(120)]
    for thread in threads:
        thread.set_archived(True)
    target = client.get_channel(channel.id)
    assert isinstance(target, discord.TextChannel)
    found = [thread.id async for thread in target.archived_threads(limit=None)]
    assert found == [thread.id for thread in reversed(threads)]
    assert [one.path.endswith("/archived/public") for one in sandbox.requests[2:]] == [True, True]


async def test_a_channel_out_of_sight_tells_nothing_until_it_is_seen(
    sandbox: Sandbox, channel: Channel, connect: Connect
) -> None:
    channel.set_permissions(deny=Permission.VIEW_CHANNEL)
    client = await connect()
    sandbox.post(channel, "unseen")
    thread = channel.add_thread("unseen too")
    channel.set_permissions()
    joined = await client.seen("thread_join")
    sandbox.post(channel, "seen")
    await client.seen("message")
    assert joined.id == thread.id
    assert [message.content for message in client.named("message")] == ["seen"]
    assert not client.named("thread_create")


async def test_a_private_thread_is_told_once_the_bot_is_added(
    sandbox: Sandbox, channel: Channel, connect: Connect
) -> None:
    client = await connect()
    thread = channel.add_thread("private", "unseen", private=True)
    thread.add_thread_member(sandbox.bot)
    sandbox.post(thread, "seen")
    assert (await client.seen("thread_join")).id == thread.id
    await client.seen("message")
    assert [message.content for message in client.named("message")] == ["seen"]
    thread.remove_thread_member(sandbox.bot)
    sandbox.post(thread, "unseen again")
    assert (await client.seen("thread_remove")).id == thread.id
    sandbox.post(channel, "elsewhere")
    await client.seen("message", 2)
    assert [message.content for message in client.named("message")] == ["seen", "elsewhere"]


async def test_roles_and_members_are_kept_up(sandbox: Sandbox, guild: Guild, connect: Connect) -> None:
    client = await connect()
    role = guild.add_role("readers")
    assert (await client.seen("guild_role_create")).id == role.id
    guild.set_role(role, Permission.MANAGE_GUILD)
    await client.seen("guild_role_update")
    guild.add_member(sandbox.bot, [role])
    await client.seen("member_update")
    assert client.guilds[0].me.guild_permissions.manage_guild
