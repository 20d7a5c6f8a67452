"""Says of one message whether it was received, from where, what was read in it, which events it had, or why not."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo

from worker.ingest.observation import GREATEST_ID, snowflake_time
from worker.views.stored_explanation import ChannelFacts, Explanation, StoredFacts

# In angle brackets it shows no preview.
_LINK = re.compile(r"<?(?:https?://)?(?:\w+\.)?discord(?:app)?\.com/channels/(?:\d+|@me)/(\d{1,19})/(\d{1,19})/?>?")
_ID = re.compile(r"(\d{1,19})")

_ORIGINS = {
    "live": "over the gateway, as it was posted",
    "history": "over REST, when history was fetched",
    "replay": "from an exported file",
    "legacy": "from the former application",
}


def parse_link(text: str) -> tuple[int | None, int]:
    """Channel and message of a message link, or a message's id alone. Raises ValueError."""
    match = _LINK.fullmatch(text.strip()) or _ID.fullmatch(text.strip())
    ids = [int(one) for one in match.groups()] if match else []
    if not ids or max(ids) > GREATEST_ID:
        raise ValueError(text)
    return (ids[0] if len(ids) > 1 else None), ids[-1]


Clock = Callable[[datetime], str]


@dataclass(frozen=True, slots=True)
class Advice:
    """The commands that mend what is wrong, as they are typed where the explanation is read."""

    add: Callable[[int], str]
    backfill: Callable[[int, str], str]
    status: str


ON_THE_COMMAND_LINE = Advice(
    add=lambda channel_id: f"`channels add {channel_id}`",
    backfill=lambda channel_id, day: f"`backfill {channel_id} --since {day}`",
    status="`status`",
)
IN_DISCORD = Advice(
    add=lambda channel_id: f"`/channels add` with <#{channel_id}>",
    backfill=lambda channel_id, day: f"`/channels backfill` with <#{channel_id}> since {day}",
    status="`/status`",
)


def clock_of(zone: tzinfo) -> Clock:
    return lambda moment: f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"


def explain(explanation: Explanation, clock: Clock, advice: Advice) -> list[str]:
    """Sentences; `clock` tells the times."""
    lines = [f"It was posted at {clock(snowflake_time(explanation.message_id))}."]
    if explanation.message is None:
        lines += _why_not(explanation, clock, advice)
    else:
        lines += _what_is_stored(explanation.message, clock)
    if explanation.verified_at:
        lines.append(f"This stretch of the channel was compared with Discord at {clock(explanation.verified_at)}.")
    lines += [f"Event {event_id} at {clock(at)}: {event_type}." for event_id, event_type, at in explanation.events]
    return lines


def _what_is_stored(message: StoredFacts, clock: Clock) -> Iterator[str]:
    if message.revision == 0:
        yield f"Only its deletion is known, received at {clock(message.received_at)}."
    else:
        yield f"It is stored: received at {clock(message.received_at)} {_ORIGINS[message.origin]}."
    if message.edited_at:
        yield f"Its text is that of revision {message.revision}, edited at {clock(message.edited_at)}."
    if message.deleted_at:
        how = "found missing when the channel was read again" if message.deletion_inferred else "as Discord announced"
        yield f"It was deleted at {clock(message.deleted_at)}, {how}."
    state = message.parse_state.replace("_", " ")
    reason = f": {message.parse_reason}" if message.parse_reason else ""
    format_name = f" as {message.parser}" if message.parser else ""
    yield f"It was read{format_name} with the result {state}{reason}; plans: {message.plans}."


def _why_not(explanation: Explanation, clock: Clock, advice: Advice) -> Iterator[str]:
    yield "It is not stored."
    channel = explanation.channel
    if explanation.channel_id is None:
        yield "Give its link instead of its id: the channel says why."
    elif channel is None:
        yield f"The channel is not known: {advice.add(explanation.channel_id)} listens to it."
    else:
        yield _why_not_of_channel(explanation, explanation.channel_id, channel, clock, advice)


def _why_not_of_channel(
    explanation: Explanation, channel_id: int, channel: ChannelFacts, clock: Clock, advice: Advice
) -> str:
    if not channel.listens:
        return f"The channel is not listened to: {advice.add(channel_id)} changes that."
    if channel.is_covered:
        return "Everything that Discord had there is stored, so it was deleted before anybody looked, or never was."
    if channel.unreachable_since:
        return (
            f"The channel cannot be reached since {clock(channel.unreachable_since)}: deleted, or the bot was removed."
        )
    if channel.permission_state == "missing":
        return "The bot may not read the channel: give it View Channel and Read Message History."
    if gap := explanation.gap:
        return f"It lies in a gap that is open since {clock(gap.opened_at)} and {gap.fetched:.0%} fetched."
    if snowflake_time(explanation.message_id) < channel.since:
        day = f"{snowflake_time(explanation.message_id):%Y-%m-%d}"
        asked = explanation.listened_with or channel_id
        return f"History is asked for from {clock(channel.since)} on: {advice.backfill(asked, day)}."
    if channel.covered_up_to is not None and explanation.message_id <= channel.covered_up_to:
        where = "It lies in a stretch that is missing, which nobody has noticed yet"
    else:
        where = "It is newer than what is known of the channel"
    return f"{where}: {advice.status} says whether the worker is at work."
