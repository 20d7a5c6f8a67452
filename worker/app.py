"""The process: the order in which its parts start, who ingests, and how it ends."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from worker import metrics
from worker.db.connection import Database, open_database
from worker.db.lease import Lease, LeaseLostError, held_lease
from worker.db.migrate import migrate
from worker.exits import ConfigError, ExitCode, WorkerError
from worker.failpoints import arm
from worker.faults import named
from worker.gateway.endpoints import point_library
from worker.health import Health, serve
from worker.ingest.writer import PASSING
from worker.ingester import Ingester
from worker.settings import Settings
from worker.waiting import Backoff

FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 1.0, 60.0  # after a fault of ours

log = structlog.get_logger(__name__)


async def run(settings: Settings) -> ExitCode:
    """The worker until SIGTERM or Ctrl-C, after which it drains and ends within 10 s.

    Raises WorkerError for what the user has to mend."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    work = asyncio.create_task(_run(settings))
    stop = asyncio.create_task(stopped.wait())
    await asyncio.wait((work, stop), return_when=asyncio.FIRST_COMPLETED)
    if not work.done():
        log.info("worker.stopping")
        work.cancel()
    stop.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await work
    log.info("worker.stopped")
    return ExitCode.OK


async def _run(settings: Settings) -> None:
    async with running(settings) as worker:
        await worker.wait()


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator["Worker"]:
    """A worker for as long as the block lasts, its database there and migrated."""
    if settings.discord_token is None:
        raise ConfigError("DISCORD_TOKEN is not set: put the bot's token there (developer portal, Bot, Reset Token).")
    point_library(settings)
    arm(settings.failpoints or "")
    health = Health()
    for component in ("database", "schema", "gateway"):
        health.wait_for(component, "starting")
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(serve(health, settings.health_host, settings.health_port))
        database = await stack.enter_async_context(
            open_database(settings, on_wait=lambda reason: health.wait_for("database", reason))
        )
        health.has("database")
        health.wait_for("schema", "migrating")
        await migrate(
            database,
            budget_seconds=settings.migration_budget_seconds,
            lock_timeout_milliseconds=settings.migration_lock_timeout_milliseconds,
        )
        health.has("schema")
        worker = Worker(settings, database, health, port)
        stack.push_async_callback(worker.stop)
        worker.start()
        yield worker


class Worker:
    """Stands by while another process ingests, ingests while it holds the lease, and stands by again."""

    def __init__(self, settings: Settings, database: Database, health: Health, health_port: int) -> None:
        self.database = database
        self.health = health
        self.health_port = health_port
        self._settings = settings
        self._work: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._work = asyncio.create_task(self._keep_ready())

    async def wait(self) -> None:
        """Returns never. Raises WorkerError for what the user has to mend."""
        if self._work is not None:
            await self._work

    async def stop(self) -> None:
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait([self._work])

    async def _keep_ready(self) -> None:
        retry = Backoff(FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS)
        while True:
            try:
                async with held_lease(
                    self.database,
                    seconds=self._settings.lease_seconds,
                    on_wait=self._stand_by,
                    on_broken=lambda reason: self.health.wait_for("database", reason),
                ) as lease:
                    self.health.has("database")
                    await self._ingest(lease)
                retry.reset()
            except (LeaseLostError, *PASSING) as error:
                log.warning("ingester.interrupted", reason=named(error))
            except WorkerError:
                raise
            except Exception:
                metrics.INGESTER_FAULTS.inc()
                log.exception("ingester.failed")
                await asyncio.sleep(retry.next())

    def _stand_by(self) -> None:
        log.info("worker.standby")
        self.health.role = "standby"
        for component in ("gateway", "content", "lease", "database"):
            self.health.has(component)

    async def _ingest(self, lease: Lease) -> None:
        """Returns when the lease is lost; what was received and is not committed is left to the next holder."""
        self.health.role = "ingester"
        self.health.wait_for("gateway", "starting")
        metrics.IS_INGESTER.set(1)
        ingester = Ingester(self._settings, self.database, self.health, lease.epoch)
        lost = asyncio.create_task(
            lease.lost(
                on_broken=lambda reason: self.health.wait_for("lease", f"cannot be renewed: {reason}"),
                on_kept=lambda: self.health.has("lease"),
            )
        )
        work = asyncio.create_task(ingester.run())
        try:
            await asyncio.wait((lost, work), return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
        except asyncio.CancelledError:
            await ingester.drain()
            raise
        finally:
            for task in (work, lost):
                task.cancel()
            await asyncio.wait((work, lost))
            await ingester.close()
            metrics.clear_ingest()
            self.health.role = "starting"
