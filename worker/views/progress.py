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
"""Takes what is worked on, how many messages are done, and how much of the total."""

log = structlog.get_logger(__name__)


@contextmanager
def shown_progress(event: str, total: int) -> Iterator[Advance]:
    """`event` is the log line's; `total` is in whatever unit the work is counted in, 0 where it is not known."""
    if not sys.stderr.isatty():
        yield _logging(event, total)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[messages]} messages, {task.fields[rate]:.0f}/s,"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Progress(*columns, console=terminal(stderr=True)) as bar:
        task = bar.add_task("", total=total or None, messages=0, rate=0.0)
        started = time.monotonic()

        def draw(what: str, messages: int, completed: int) -> None:
            rate = messages / max(time.monotonic() - started, 1e-9)
            bar.update(task, description=visible(what), completed=completed, messages=messages, rate=rate)

        yield draw


def _logging(event: str, total: int) -> Advance:
    started = told_at = time.monotonic()

    def tell(what: str, messages: int, completed: int) -> None:
        nonlocal told_at
        elapsed = time.monotonic() - started
        if time.monotonic() - told_at < LOG_SECONDS:
            return
        told_at = time.monotonic()
        share = completed / total if total else 0
        log.info(
            event,
            what=what,
            messages=messages,
            messages_per_second=round(messages / elapsed),
            percent=round(share * 100, 1),
            seconds_left=round(elapsed / share - elapsed) if share else None,
        )

    return tell
