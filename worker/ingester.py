"""The parts that ingest, for as long as the lease is held, and what passes between them."""

import asyncio
import contextlib
import functools
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

import parsers
from parsers.reading import Reading
from worker.db.connection import Database, connect, connected
from worker.db.lease import LeaseLostError
from worker.db.migrate import verify_schema
from worker.db.shared_session import TRANSACTION_TIMEOUT, SharedSession
from worker.events.consumers import measure_consumers
from worker.events.retention import remove_old_events
from worker.events.wakeup import Wakeup
from worker.gateway.announcing.service import AnnouncingService
from worker.gateway.catch_up import CatchUp
from worker.gateway.client import GatewayClient
from worker.gateway.discord_commands.context import CommandContext
from worker.gateway.discord_commands.service import CommandService
from worker.gateway.gap_fetch import Means
from worker.gateway.look_back import Window
from worker.gateway.pacing import Identifies, InvalidRequests, Pace, watch_answers
from worker.gateway.rest import Rest
from worker.gateway.session import keep_session
from worker.gateway.survey import Survey
from worker.gateway.watch import SessionWatch
from worker.gateway.watchdog import Watchdog
from worker.health import Health
from worker.ingest.channel_changes import SETTING, add_channel
from worker.ingest.channels import ChannelBook, load_channels
from worker.ingest.erasure import Erased, erase_asked
from worker.ingest.queue import IngestQueue
from worker.ingest.sweep import read_pending
from worker.ingest.writer import Writer
from worker.ingest.writers import Writers
from worker.jobs import Job, make_scheduler
from worker.settings import Settings

DRAIN_SECONDS = 5  # how long the end waits for what was received to be committed

log = structlog.get_logger(__name__)


class Ingester:
    """Everything here writes under one epoch of the lease, and nothing once another one has begun."""

    def __init__(self, settings: Settings, database: Database, health: Health, epoch: int) -> None:
        self._settings = settings
        self._database = database
        self._health = health
        self._epoch = epoch
        self._book = ChannelBook()
        self._session = SharedSession(database, purpose="ingester")
        self._command_session = SharedSession(database, purpose="commands")
        self._wakeup = Wakeup(functools.partial(connect, database, purpose="wakeup"))
        self._live_writer = self._writer("writer-live")
        self._history_writers = Writers(lambda: self._writer("writer-history"))
        self._queue = IngestQueue(
            self._live_writer, limit=settings.queue_limit, health=health, on_commit=self._wakeup.committed
        )
        self._pace = Pace(settings.history_page_seconds)
        self._invalid = InvalidRequests()
        self._identifies = Identifies()
        self._rest = Rest(self._pace, self._invalid)
        self._catch_up = self._make_catch_up()
        self._erasing = asyncio.Lock()
        self._erased: dict[int, Erased] = {}
        self._commands = self._make_commands()
        self._watch = SessionWatch(
            self._session,
            health,
            epoch=epoch,
            on_wanted=self._catch_up.want,
            on_edit_missed=self._catch_up.look_back,
            on_ready=self._commands.logged_in,
            on_commit=self._wakeup.committed,
        )
        self._announcing = AnnouncingService(
            settings,
            database,
            health,
            epoch=epoch,
            pace=self._pace,
            invalid=self._invalid,
            gateway=lambda: self._watch.client,
        )
        self._intake: list[asyncio.Task[None]] = []
        self._output: list[asyncio.Task[None]] = []
        self._scheduler = make_scheduler(self._jobs())
        self._watchdog = Watchdog(
            self._rest,
            health,
            check_seconds=settings.gateway_check_seconds,
            patience_seconds=settings.gateway_patience_seconds,
            on_content_back=self._catch_up.look_back,
        )
        self._lease_lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def _writer(self, purpose: str) -> Writer:
        return Writer(
            functools.partial(
                connect, self._database, purpose=purpose, idle_in_transaction_timeout=TRANSACTION_TIMEOUT
            ),
            self._read,
            self._book.parser_of,
            epoch=self._epoch,
        )

    def _make_catch_up(self) -> CatchUp:
        means = Means(
            self._session,
            self._history_writers,
            self._rest,
            lambda: self._watch.client,
            self._epoch,
            self._wakeup.committed,
        )
        survey = Survey(self._session, self._rest, self._book, epoch=self._epoch, reload_channels=self._reload_channels)
        settings = self._settings
        window = Window(settings.look_back_messages, settings.look_back_days, settings.look_back_settled_seconds)
        return CatchUp(means, survey, window=window, drained=self._queue.drained)

    def _make_commands(self) -> CommandService:
        context = CommandContext(
            self._command_session,
            self._book,
            self._catch_up,
            self._settings,
            self._health,
            self._epoch,
            self._wakeup.committed,
            self._reload_channels,
            self._erase,
        )
        return CommandService(context)

    def _make_client(self) -> GatewayClient:
        trace = watch_answers(self._pace, self._invalid)
        client = GatewayClient(
            self._book,
            self._queue,
            self._watch,
            trace=trace,
            identifies=self._identifies,
            ready_seconds=self._settings.gateway_ready_seconds,
        )
        self._commands.serve(client)
        return client

    def _read(self, text: str, posted_at: datetime, parser: str | None) -> Reading:
        return parsers.parse(text, posted_at, timezone=self._settings.plan_timezone, format=parser)

    def _jobs(self) -> list[Job]:
        soon = datetime.now(UTC) + timedelta(seconds=5)
        return [
            Job("channels", IntervalTrigger(seconds=5), self._fenced(self._reload_channels)),
            Job("sweep", IntervalTrigger(minutes=1), self._fenced(self._sweep)),
            Job("self_check", IntervalTrigger(minutes=5, jitter=30), self._fenced(self._check)),
            Job("consumers", IntervalTrigger(seconds=15), self._measure_consumers),
            Job("erasure", IntervalTrigger(minutes=1, start_date=soon), self._fenced(self._finish_erasures)),
            Job("look_back", CronTrigger(hour=3, minute=20, jitter=600, timezone=UTC), self._look_back),
            Job(
                "retention",
                CronTrigger(hour=4, minute=20, jitter=600, timezone=UTC),
                self._fenced(self._remove_old_events),
            ),
        ]

    def _fenced(self, work: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        """A job that finds the lease lost ends the ingester, which a scheduler's error would not."""

        async def run() -> None:
            try:
                await work()
            except LeaseLostError as error:
                if not self._lease_lost.done():
                    self._lease_lost.set_exception(error)

        return run

    async def run(self) -> None:
        """Returns never: a part that ends takes the others with it, and its error is raised. Raises LeaseLostError."""
        async with self._session.use() as connection:
            for channel_id in self._settings.discord_channels:
                await add_channel(connection, channel_id, by=SETTING, epoch=self._epoch)
            self._book.replace(await load_channels(connection))
        token = self._settings.discord_token.get_secret_value() if self._settings.discord_token else ""
        self._output = [asyncio.create_task(self._queue.run()), asyncio.create_task(self._wakeup.run())]
        self._intake = [
            asyncio.create_task(self._catch_up.run()),
            asyncio.create_task(self._commands.run()),
            asyncio.create_task(self._announcing.run()),
            asyncio.create_task(keep_session(token, self._make_client, self._health, self._watchdog)),
        ]
        self._scheduler.start()
        log.info("ingester.started", epoch=self._epoch, channels=[one.channel_id for one in self._book.listened()])
        parts = {*self._output, *self._intake, self._lease_lost}
        done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        for part in done:
            part.result()

    async def drain(self) -> None:
        """Stops taking in, then commits what was taken. What does not fit into the time is left to history."""
        self._stop_jobs()
        await _cancelled(self._intake)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await self._queue.drained()
        if len(self._queue):
            log.error("worker.not_drained", observations=len(self._queue))
        await self._watch.close()

    async def close(self) -> None:
        """Stops everything as it stands."""
        self._stop_jobs()
        await _cancelled([*self._intake, *self._output])
        await self._watch.close()
        await self._live_writer.close()
        await self._history_writers.close()
        self._session.close()
        self._command_session.close()
        self._lease_lost.cancel()

    def _stop_jobs(self) -> None:
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    async def _reload_channels(self) -> None:
        known = {channel.channel_id for channel in self._book.listened()}
        async with self._session.use() as connection:
            asked_more = self._book.replace(await load_channels(connection))
        if asked_more or not known.issubset(channel.channel_id for channel in self._book.listened()):
            self._catch_up.want("configured")
        if not known.issuperset(asked_more):
            # While a channel was not listened to, nobody was told of edits and deletions there.
            self._catch_up.look_back()

    async def _sweep(self) -> None:
        async with connected(self._database, purpose="sweep") as connection:
            await read_pending(connection, self._read, self._book.parser_of, epoch=self._epoch)

    async def _erase(self) -> dict[int, Erased]:
        """Also what a run before this one has erased meanwhile."""
        async with self._erasing:
            use = functools.partial(connected, self._database, purpose="erasure")
            self._erased |= await erase_asked(use, epoch=self._epoch)
            return dict(self._erased)

    async def _finish_erasures(self) -> None:
        """Those that a crash cut short."""
        await self._erase()

    async def _look_back(self) -> None:
        self._catch_up.look_back()

    async def _remove_old_events(self) -> None:
        async with connected(self._database, purpose="retention") as connection:
            await remove_old_events(
                connection,
                days=self._settings.event_retention_days,
                past_consumers=self._settings.event_retention_past_consumers,
                epoch=self._epoch,
            )

    async def _measure_consumers(self) -> None:
        async with self._session.use() as connection:
            await measure_consumers(connection)

    async def _check(self) -> None:
        """Looks for what should never be: events out of order, and gaps that nothing else has noticed."""
        async with self._session.use() as connection:
            await verify_schema(connection)
        self._catch_up.want("self_check")
        log.info("worker.self_check", waiting_for=self._health.waiting, queue=len(self._queue))


async def _cancelled(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
