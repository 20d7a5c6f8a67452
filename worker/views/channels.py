"""The channels as a table. Pure but for printing."""

from collections.abc import Sequence

from rich.console import Console

from worker.ingest.channels import Channel
from worker.views.terminal import FAINT, styled, table


def show_channels(console: Console, channels: Sequence[Channel]) -> None:
    """Those that are listened to first."""
    if not channels:
        console.print(styled("No channels yet: add one with `channels add ID`.", FAINT))
        return
    drawn = table(["Channel id", "Name", "Kind", "Listens", "Parser"])
    for channel in sorted(channels, key=lambda one: (not one.listens, one.name, one.channel_id)):
        drawn.add_row(
            styled(str(channel.channel_id)),
            styled(f"#{channel.name}" if channel.name else ""),
            styled(channel.kind, FAINT),
            styled("yes" if channel.listens else "no", "green" if channel.listens else FAINT),
            styled(channel.parser or "detected", FAINT),
        )
    console.print(drawn)
