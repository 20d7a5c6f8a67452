"""What is taken for a message's link, and why a message is not stored."""

from datetime import UTC, datetime

import pytest

from worker.ingest.observation import snowflake_at
from worker.views.explanation import ON_THE_COMMAND_LINE, clock_of, explain, parse_link
from worker.views.stored_explanation import ChannelFacts, Explanation


@pytest.mark.parametrize(
    "text",
    [
        "https://discord.com/channels/7/8/9",
        " https://ptb.discord.com/channels/@me/8/9/ ",
        "discordapp.com/channels/7/8/9",
        "<https://discord.com/channels/7/8/9>",
    ],
)
def test_a_link_as_it_is_copied(text: str) -> None:
    assert parse_link(text) == (8, 9)


def test_an_id_alone() -> None:
    assert parse_link("9") == (None, 9)


@pytest.mark.parametrize("text", ["", "https://discord.com/channels/7/8", "https://evil.example/channels/7/8/9", "9 9"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  the text itself is all there is to say
        parse_link(text)


@pytest.mark.parametrize(
    ("covered_up_to", "reason"),
    [
        (None, "newer than what is known of the channel"),
        (datetime(2023, 1, 1, tzinfo=UTC), "newer than what is known of the channel"),
        (datetime(2026, 1, 1, tzinfo=UTC), "in a stretch that is missing, which nobody has noticed yet"),
    ],
)
def test_what_is_missing_and_no_gap_tells_of(covered_up_to: datetime | None, reason: str) -> None:
    channel = ChannelFacts(
        name="plans",
        listens=True,
        unreachable_since=None,
        permission_state="granted",
        since=datetime(2020, 1, 1, tzinfo=UTC),
        is_covered=False,
        covered_up_to=snowflake_at(covered_up_to) if covered_up_to else None,
    )
    message_id = snowflake_at(datetime(2024, 1, 1, tzinfo=UTC))
    lines = explain(Explanation(message_id, 5, None, channel, None, None, None, ()), clock_of(UTC), ON_THE_COMMAND_LINE)
    assert reason in lines[-1]
