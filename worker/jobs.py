"""The periodic work. Jobs live in code only; one that fails is logged and counted, and runs again at its next time."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from worker import metrics

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """`trigger` is one of APScheduler's: an interval or a time of day."""

    name: str
    trigger: BaseTrigger
    run: Callable[[], Awaitable[None]]


def make_scheduler(jobs: list[Job]) -> AsyncIOScheduler:
    """A scheduler that has yet to be started. A run that comes late or overlaps its predecessor is merged with it."""
    scheduler = AsyncIOScheduler(timezone="UTC")
    for job in jobs:
        scheduler.add_job(
            _supervised(job),
            job.trigger,
            id=job.name,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,  # the default of one second makes a job vanish when the loop was busy
        )
    return scheduler


def _supervised(job: Job) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        try:
            await job.run()
        except Exception:
            metrics.JOB_FAULTS.labels(job.name).inc()
            log.exception("job.failed", job=job.name)

    return run
