"""How far long work is: a bar with rate and time left on a terminal, log lines otherwise; both on standard error."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from worker.views.terminal import terminal
from worker.views.visible import visible

LOG_SECONDS = 5.0  # between two log lines

Advance = Callable[[str, int, int], None]
"""Takes what is worked on, how much is done in the unit, and how much of the total."""

log = structlog.get_logger(__name__)


@contextmanager
def shown_progress(event: str, total: int, *, unit: str = "messages") -> Iterator[Advance]:
    """`event` is the log line's; `total` is in whatever the work is measured in, 0 where it is not known.

    `unit` names what is counted."""
    if not sys.stderr.isatty():
        yield _logging(event, total, unit)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[number]} {task.fields[unit]}, {task.fields[rate]:.0f}/s,"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Progress(*columns, console=terminal(stderr=True)) as bar:
        task = bar.add_task("", total=total or None, number=0, unit=unit, rate=0.0)
        started = time.monotonic()

        def draw(what: str, number: int, completed: int) -> None:
            rate = number / max(time.monotonic() - started, 1e-9)
            bar.update(task, description=visible(what), completed=completed, number=number, rate=rate)

        yield draw


def _logging(event: str, total: int, unit: str) -> Advance:
    started = told_at = time.monotonic()

    def tell(what: str, number: int, completed: int) -> None:
        nonlocal told_at
        elapsed = time.monotonic() - started
        if time.monotonic() - told_at < LOG_SECONDS:
            return
        told_at = time.monotonic()
        share = completed / total if total else 0
        log.info(
            event,
            what=what,
            **{unit: number, f"{unit}_per_second": round(number / elapsed)},
            percent=round(share * 100, 1),
            seconds_left=round(elapsed / share - elapsed) if share else None,
        )

    return tell
