"""What is taken for a message's link."""

import pytest

from worker.views.explanation import parse_link


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
