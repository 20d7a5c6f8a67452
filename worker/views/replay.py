"""How far a replay is, and what came of it."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import structlog
from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from worker.ingest.replay import Progress, Replayed
from worker.views.terminal import FLAG_STYLE, styled, terminal
from worker.views.visible import visible

LOG_SECONDS = 5.0  # between two log lines, where there is no terminal to draw a bar on

log = structlog.get_logger(__name__)


@contextmanager
def shown_progress(paths: Sequence[Path]) -> Iterator[Callable[[Progress], None]]:
    """A bar with rate and time left on a terminal, log lines otherwise; both on standard error."""
    bytes_total = sum(path.stat().st_size for path in paths if path.is_file())
    if not sys.stderr.isatty():
        yield _logging(bytes_total)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[messages]} messages, {task.fields[rate]:.0f}/s,"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Bar(*columns, console=terminal(stderr=True)) as bar:
        task = bar.add_task("", total=bytes_total or None, messages=0, rate=0.0)
        started = time.monotonic()

        def draw(progress: Progress) -> None:
            rate = progress.messages / max(time.monotonic() - started, 1e-9)
            bar.update(
                task,
                description=visible(progress.path.name),
                completed=progress.bytes_read,
                messages=progress.messages,
                rate=rate,
            )

        yield draw


def _logging(bytes_total: int) -> Callable[[Progress], None]:
    started = told_at = time.monotonic()

    def tell(progress: Progress) -> None:
        nonlocal told_at
        elapsed = time.monotonic() - started
        if time.monotonic() - told_at < LOG_SECONDS:
            return
        told_at = time.monotonic()
        share = progress.bytes_read / bytes_total if bytes_total else 0
        log.info(
            "replay.progress",
            file=str(progress.path),
            messages=progress.messages,
            messages_per_second=round(progress.messages / elapsed),
            percent=round(share * 100, 1),
            seconds_left=round(elapsed / share - elapsed) if share else None,
        )

    return tell


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
