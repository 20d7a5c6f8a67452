"""What came of a replay."""

from rich.console import Console

from worker.ingest.replay import Replayed
from worker.views.terminal import FLAG_STYLE, styled


def show_replayed(console: Console, replayed: Replayed) -> None:
    rows = (
        ("Read", replayed.read, ""),
        ("Stored", replayed.stored, ""),
        ("Already there", replayed.already_there, ""),
        ("Edited", replayed.edited, ""),
        ("Plans", replayed.plans, ""),
        ("Unread lines", replayed.unread_lines, FLAG_STYLE),
        ("Parser failed", replayed.parse_failures, FLAG_STYLE),
        ("Failed", replayed.failed, FLAG_STYLE),
    )
    for name, number, alarm in rows:
        console.print(styled(f"{name:<14}{number:>9}", alarm if number else ""))
