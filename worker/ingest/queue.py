"""What waits to be written. One message is written at once; whatever came meanwhile goes into the next transaction."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence

import structlog

from worker import correlation, metrics
from worker.db.failures import why_away
from worker.faults import named
from worker.health import Health
from worker.ingest.message_writer import Written
from worker.ingest.observation import Covered, Observation
from worker.ingest.writer import PASSING, Writer
from worker.waiting import Backoff

BATCH_LIMIT = 200  # observations a transaction
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 0.1, 5.0

log = structlog.get_logger(__name__)


class IngestQueue:
    """Bounded memory between the gateway, which cannot wait, and the database, which may be away."""

    def __init__(self, writer: Writer, *, limit: int, health: Health, on_commit: Callable[[], None]) -> None:
        self._writer = writer
        self._limit = limit
        self._health = health
        self._on_commit = on_commit
        self._waiting: deque[tuple[Observation, Covered | None]] = deque()
        self._arrived = asyncio.Event()
        self._put = self._written = 0
        self._progress = asyncio.Event()

    def put(self, observation: Observation, covered: Covered | None = None) -> bool:
        """Takes an observation, and what it covers once it is stored. False: memory is full."""
        if len(self._waiting) >= self._limit:
            metrics.QUEUE_DROPPED.inc()
            log.error("ingest.queue_full", correlation_id=str(correlation.of_message(observation.message_id)))
            return False
        metrics.OBSERVATIONS.labels(observation.origin, observation.kind).inc()
        self._waiting.append((observation, covered))
        self._put += 1
        metrics.QUEUE_LENGTH.set(len(self._waiting))
        self._arrived.set()
        return True

    def __len__(self) -> int:
        return len(self._waiting)

    async def run(self) -> None:
        """Writes for ever what is put."""
        while True:
            await self._arrived.wait()
            batch = [self._waiting[index] for index in range(min(len(self._waiting), BATCH_LIMIT))]
            await self._write(batch)
            for _ in batch:
                self._waiting.popleft()
            metrics.QUEUE_LENGTH.set(len(self._waiting))
            if not self._waiting:
                self._arrived.clear()
            self._written += len(batch)
            self._progress.set()
            self._progress = asyncio.Event()

    async def drained(self) -> None:
        """Returns once everything that was put before is committed."""
        put = self._put
        while self._written < put:
            await self._progress.wait()

    async def _write(self, batch: list[tuple[Observation, Covered | None]]) -> None:
        observations = [observation for observation, _ in batch]
        covered = [span for _, span in batch if span is not None]
        retry = Backoff(FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS)
        while True:
            started = time.perf_counter()
            try:
                written = await self._writer.write(observations, covered)
            except PASSING as error:
                metrics.WRITE_RETRIES.inc()
                log.warning("ingest.write_retried", error=named(error), waiting=len(self._waiting))
                self._health.wait_for("database", f"writing failed: {why_away(error)}")
                await asyncio.sleep(retry.next())
                continue
            self._health.has("database")
            self._on_commit()
            account(observations, written, time.perf_counter() - started)
            return


def account(observations: Sequence[Observation], written: Written, seconds: float) -> None:
    """The canonical line of a write, and its numbers."""
    if not observations:
        return
    metrics.WRITE_SECONDS.observe(seconds)
    metrics.EVENTS.inc(written.events)
    for change in ("stored", "edited", "deleted", "refused", "unstorable"):
        metrics.MESSAGES.labels(change).inc(getattr(written, change))
    for state, number in written.readings.items():
        metrics.PARSED.labels(state).inc(number)
    only = observations[0] if len(observations) == 1 else None
    log.info(
        "ingest.written",
        correlation_id=str(correlation.of_message(only.message_id)) if only else None,
        origin=observations[0].origin,
        observations=len(observations),
        stored=written.stored,
        edited=written.edited,
        deleted=written.deleted,
        plans=written.plans,
        events=written.events,
        milliseconds=round(seconds * 1000, 1),
    )
