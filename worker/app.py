"""The worker's parts, the order in which they start, and how they end."""

import asyncio
import contextlib
import functools
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from typing import Any

import structlog
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

import parsers
from parsers.reading import Reading
from worker.db.connection import Database, connect, connected, open_database
from worker.db.migrate import migrate, verify_schema
from worker.events.consumers import measure_consumers
from worker.events.retention import remove_old_events
from worker.events.wakeup import Wakeup
from worker.exits import ConfigError, ExitCode
from worker.gateway.client import GatewayClient
from worker.gateway.endpoints import point_library
from worker.gateway.history import CatchUp
from worker.gateway.session import keep_session
from worker.gateway.watch import SessionWatch
from worker.health import Health, serve
from worker.ingest.channels import ChannelBook, add_channel, load_channels
from worker.ingest.queue import IngestQueue
from worker.ingest.sweep import read_pending
from worker.ingest.writer import PASSING, Writer
from worker.jobs import Job, make_scheduler
from worker.settings import Settings

DRAIN_SECONDS = 5  # how long the end waits for what was received to be committed
WRITER_TRANSACTION_TIMEOUT = "2s"  # a stalled writer must not hold the lock that orders events

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
    """A worker whose parts all run, for as long as the block lasts."""
    if settings.discord_token is None:
        raise ConfigError("DISCORD_TOKEN is not set: put the bot's token there (developer portal, Bot, Reset Token).")
    point_library(settings)
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
        await worker.start()
        yield worker


class Worker:
    """The parts that run while the database is there, and what passes between them."""

    def __init__(self, settings: Settings, database: Database, health: Health, health_port: int) -> None:
        self.database = database
        self.health = health
        self.health_port = health_port
        self.book = ChannelBook()
        self._settings = settings
        self._wakeup = Wakeup(functools.partial(connect, database, purpose="wakeup"))
        self._live_writer = self._writer("writer-live")
        self._history_writer = self._writer("writer-history")
        self.queue = IngestQueue(
            self._live_writer, limit=settings.queue_limit, health=health, on_commit=self._wakeup.committed
        )
        self._catch_up = CatchUp(
            database,
            self._history_writer,
            page_seconds=settings.history_page_seconds,
            on_commit=self._wakeup.committed,
        )
        self._catch_up_wanted = asyncio.Event()
        self._watch = SessionWatch(
            database,
            health,
            self.book,
            on_connected=self._catch_up_wanted.set,
            on_commit=self._wakeup.committed,
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._scheduler = make_scheduler(self._jobs())

    def _writer(self, purpose: str) -> Writer:
        return Writer(
            functools.partial(
                connect, self.database, purpose=purpose, idle_in_transaction_timeout=WRITER_TRANSACTION_TIMEOUT
            ),
            self._read,
            self.book.parser_of,
        )

    def _make_client(self) -> GatewayClient:
        return GatewayClient(self.book, self.queue, self._watch)

    def _read(self, text: str, posted_at: datetime, parser: str | None) -> Reading:
        return parsers.parse(text, posted_at, timezone=self._settings.plan_timezone, format=parser)

    def _jobs(self) -> list[Job]:
        return [
            Job("channels", IntervalTrigger(seconds=5), self._reload_channels),
            Job("sweep", IntervalTrigger(minutes=1), self._sweep),
            Job("self_check", IntervalTrigger(minutes=5, jitter=30), self._check),
            Job("consumers", IntervalTrigger(seconds=15), self._measure_consumers),
            Job("retention", CronTrigger(hour=4, minute=20, jitter=600), self._remove_old_events),
        ]

    async def start(self) -> None:
        async with connected(self.database, purpose="start") as connection:
            for channel_id in self._settings.discord_channels:
                await add_channel(connection, channel_id, changed_by="setting")
        await self._reload_channels()
        token = self._settings.discord_token.get_secret_value() if self._settings.discord_token else ""
        self._run("queue", self.queue.run())
        self._run("wakeup", self._wakeup.run())
        self._run("catch_up", self._keep_caught_up())
        self._run("gateway", keep_session(token, self._make_client, self.health))
        self._scheduler.start()
        log.info("worker.started", channels=[channel.channel_id for channel in self.book.listened()])

    def _run(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.add(asyncio.create_task(work, name=name))

    async def wait(self) -> None:
        """Returns never: a part that ends takes the worker with it, and its error is raised."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    async def stop(self) -> None:
        """Stops taking in, then commits what was taken. What does not fit into the time is left to history."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        intake = [task for task in self._tasks if task.get_name() in ("gateway", "catch_up")]
        await _cancelled(intake)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await self.queue.drained()
        if len(self.queue):
            log.error("worker.not_drained", observations=len(self.queue))
        await self._watch.close()
        await _cancelled(list(self._tasks))
        await self._live_writer.close()
        await self._history_writer.close()

    async def _keep_caught_up(self) -> None:
        while True:
            await self._catch_up_wanted.wait()
            self._catch_up_wanted.clear()
            if (client := self._watch.client) is None:
                continue
            newest = client.newest_messages()
            # What was received but is not committed yet would look like a gap; the library knows of a message one
            # turn of the loop before its handler has put it into the queue.
            await asyncio.sleep(0)
            await self.queue.drained()
            try:
                await self._catch_up.run(client, newest)
            except PASSING as error:
                log.warning("history.interrupted", reason=f"{type(error).__name__}: {error}")

    async def _reload_channels(self) -> None:
        async with connected(self.database, purpose="channels") as connection:
            added = self.book.replace(await load_channels(connection))
        if added:
            self._catch_up_wanted.set()

    async def _sweep(self) -> None:
        async with connected(self.database, purpose="sweep") as connection:
            await read_pending(connection, self._read, self.book.parser_of)

    async def _remove_old_events(self) -> None:
        async with connected(self.database, purpose="retention") as connection:
            await remove_old_events(
                connection,
                days=self._settings.event_retention_days,
                past_consumers=self._settings.event_retention_past_consumers,
            )

    async def _measure_consumers(self) -> None:
        async with connected(self.database, purpose="consumers") as connection:
            await measure_consumers(connection)

    async def _check(self) -> None:
        """Looks for what should never be: events out of order, and gaps that nothing else has noticed."""
        async with connected(self.database, purpose="self-check") as connection:
            await verify_schema(connection)
        self._catch_up_wanted.set()
        log.info("worker.self_check", waiting_for=self.health.waiting, queue=len(self.queue))


async def _cancelled(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
