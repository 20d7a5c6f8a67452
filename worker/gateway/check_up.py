"""Looks at what the worker needs of Discord: the token, the intent, the permissions in each channel, the clock."""

from collections.abc import Sequence

import discord

from worker.exits import WorkerError
from worker.findings import Finding
from worker.gateway.rest import Rest
from worker.gateway.rest_session import rest_session
from worker.gateway.watchdog import INTENT_MISSING, MESSAGE_CONTENT_FLAGS
from worker.ingest.channels import Channel
from worker.settings import Settings

CLOCK_SECONDS = 5  # ids are made by Discord's clock; beyond this, times of ours and of messages disagree visibly


async def check_discord(settings: Settings, channels: Sequence[Channel]) -> list[Finding]:
    """`channels` are those that are listened to."""
    try:
        async with rest_session(settings) as session:
            client, rest = session.client, session.rest
            name = client.user.name if client.user else "the bot"
            application = await rest.application(client)
            return [
                Finding("token", "fine", f"Discord knows it: {name}"),
                _intent(application),
                _clock(session.clock_ahead),
                *[await _channel(client, rest, channel) for channel in channels],
            ]
    except WorkerError as error:
        return [Finding("token", "wrong", "Discord cannot be asked", str(error))]


def _intent(application: dict[str, object]) -> Finding:
    flags = application.get("flags")
    if isinstance(flags, int) and flags & MESSAGE_CONTENT_FLAGS:
        return Finding("intents", "fine", "Message Content is granted")
    return Finding("intents", "wrong", "Message Content is not granted", INTENT_MISSING)


def _clock(ahead: float | None) -> Finding:
    if ahead is None:
        return Finding("clock", "unknown", "Discord's answers have no date")
    if abs(ahead) <= CLOCK_SECONDS:
        return Finding("clock", "fine", "this machine and Discord agree")
    return Finding("clock", "wrong", f"this machine and Discord differ by {abs(ahead):.0f} s", "Let NTP set the clock.")


async def _channel(client: discord.Client, rest: Rest, channel: Channel) -> Finding:
    """A message that is asked for by its id is refused without Read Message History, whether it is there or not; so are
    the archived threads of a forum, which has no messages itself."""
    subject = f"channel {channel.name or channel.channel_id}"
    try:
        told = await rest.channel(client, channel.channel_id)
    except discord.NotFound:
        advice = f"Stop listening to it: `channels remove {channel.channel_id}`."
        return Finding(subject, "wrong", "Discord knows no such channel", advice)
    except discord.Forbidden:
        return Finding(subject, "wrong", "the bot cannot see it", "Invite the bot, and give it View Channel there.")
    try:
        if channel.kind == "forum":
            await rest.archived_threads(client, channel.channel_id, private=False, before=None)
        else:
            await rest.message(client, channel.channel_id, int(told.get("last_message_id") or channel.channel_id))
    except discord.Forbidden:
        return Finding(subject, "wrong", "its history may not be read", "Give the bot Read Message History there.")
    return Finding(subject, "fine", "the bot sees it and may read its history")
