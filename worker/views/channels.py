"""The channels as a table. Pure but for printing."""

from collections.abc import Sequence

from rich.console import Console

from worker.ingest.channels import Channel, ChannelBook
from worker.views.terminal import FAINT, styled, table


def show_channels(console: Console, channels: Sequence[Channel]) -> None:
    """Those that are listened to first."""
    if not channels:
        console.print(styled("No channels yet: add one with `channels add ID`.", FAINT))
        return
    book = ChannelBook()
    book.replace(channels)
    heard = {one.channel_id for one in channels if book.listens_to(one.channel_id, one.parent_id)}
    drawn = table(["Channel id", "Name", "Kind", "Listens", "Parser"])
    for channel in sorted(channels, key=lambda one: (one.channel_id not in heard, one.name, one.channel_id)):
        listens = channel.channel_id in heard
        drawn.add_row(
            styled(str(channel.channel_id)),
            styled(f"#{channel.name}" if channel.name else ""),
            styled(channel.kind, FAINT),
            styled("yes" if listens else "no", "green" if listens else FAINT),
            styled(channel.parser or "detected", FAINT),
        )
    console.print(drawn)
