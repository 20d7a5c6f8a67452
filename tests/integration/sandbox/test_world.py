"""The world without its sockets: ids, times, permissions, seeding and the ledger."""

from datetime import UTC, datetime, timedelta

import pytest

from worker.sandbox import Permission, Sandbox
from worker.sandbox.world.permissions import in_channel
from worker.sandbox.world.snowflakes import Clock, Snowflakes, moment_of, snowflake_at


def test_ids_rise_and_times_never_repeat() -> None:
    ids, clock = Snowflakes(), Clock()
    many = [ids.next() for _ in range(10_000)]
    assert many == sorted(set(many))
    assert moment_of(many[-1]) - datetime.now(UTC) < timedelta(seconds=1)
    moments = [clock.now() for _ in range(1000)]
    assert moments == sorted(set(moments))


def test_a_snowflake_holds_its_millisecond() -> None:
    moment = datetime(2025, 5, 15, 12, 55, 0, 123_000, tzinfo=UTC)
    assert moment_of(snowflake_at(moment)) == moment
    # The example of Discord's API reference.
    assert moment_of(175928847299117063) == datetime(2016, 4, 30, 11, 18, 25, 796_000, tzinfo=UTC)
    with pytest.raises(ValueError, match="epoch"):
        snowflake_at(datetime(2014, 12, 31, tzinfo=UTC))


def test_seeded_messages_spread_over_the_past_and_never_share_an_id() -> None:
    sandbox = Sandbox()
    guild = sandbox.add_guild("Traders")
    start, end = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 2, 1, tzinfo=UTC)
    channels = [guild.add_channel(f"channel {number}") for number in range(3)]
    live = sandbox.post(channels[0], "live")
    ids = [sandbox.seed(channel, 2500, start=start, end=end) for channel in channels]
    assert len({one for some in ids for one in some}) == 7500
    assert all(start <= moment_of(one) < end for one in ids[0])
    assert channels[0].message_ids == [*ids[0], live.id]
    assert (channels[0].last_message_id, channels[1].last_message_id) == (live.id, ids[1][-1])
    assert [one["content"] for one in sandbox.ledger.final(channels[1].id)[:2]] == ["message 0", "message 1"]
    with pytest.raises(ValueError, match="past"):
        sandbox.seed(channels[0], 1, start=start, end=datetime.now(UTC) + timedelta(days=1))


def test_more_messages_than_milliseconds_still_have_rising_ids() -> None:
    sandbox = Sandbox()
    channel = sandbox.add_guild("Traders").add_channel("plans")
    start = datetime(2025, 1, 1, tzinfo=UTC)
    ids = sandbox.seed(channel, 100, start=start, end=start + timedelta(milliseconds=10))
    assert ids == sorted(set(ids)) == channel.message_ids


def test_overwrites_win_in_their_order() -> None:
    sandbox = Sandbox()
    guild = sandbox.add_guild("Traders")
    channel = guild.add_channel("plans")
    role = guild.add_role("analysts")
    user = sandbox.add_user("analyst")
    guild.add_member(user, [role])
    send = Permission.SEND_MESSAGES
    assert send in in_channel(channel, user.id)
    channel.set_permissions(guild.roles[guild.id], deny=send)
    assert send not in in_channel(channel, user.id)
    channel.set_permissions(role, allow=send)
    assert send in in_channel(channel, user.id)
    channel.set_permissions(user, deny=send)
    assert send not in in_channel(channel, user.id)
    assert send in in_channel(channel, guild.owner_id)
    assert not in_channel(channel, sandbox.add_user("stranger").id)


def test_the_ledger_tells_edits_from_updates_and_keeps_what_was_deleted() -> None:
    sandbox = Sandbox()
    channel = sandbox.add_guild("Traders").add_channel("plans")
    message = sandbox.post(channel, "first")
    sandbox.preview(message, [{"title": "a link"}])
    edited = sandbox.edit(message, "second")
    sandbox.delete(message)
    assert [entry.action for entry in sandbox.ledger.entries] == ["posted", "updated", "edited", "deleted"]
    (final,) = sandbox.ledger.final(channel.id)
    assert (final["content"], final["edits"], final["deleted"]) == ("second", 1, True)
    assert edited.edited_at is not None
    assert [entry.message.embeds for entry in sandbox.ledger.entries][-1] == ({"title": "a link"},)


def test_an_id_reserved_before_becomes_visible_behind_newer_ones() -> None:
    sandbox = Sandbox()
    channel = sandbox.add_guild("Traders").add_channel("plans")
    reserved = sandbox.reserve_id()
    newer = sandbox.post(channel, "newer")
    late = sandbox.post(channel, "late", message_id=reserved)
    assert late.id < newer.id
    assert channel.message_ids == [late.id, newer.id]
    with pytest.raises(ValueError, match="already"):
        sandbox.post(channel, "again", message_id=reserved)
