"""What becomes known of the session as it goes: told, shown by health, and followed by a look for gaps."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog

from worker import correlation, metrics
from worker.db.lease import LeaseLostError
from worker.db.shared_session import SharedSession
from worker.events.catalogue import BotConnected, BotDisconnected, Event, Fact
from worker.events.outbox import tell
from worker.faults import named
from worker.gateway.client import GatewayClient
from worker.health import Health
from worker.ingest.gaps import give_up_gaps
from worker.ingest.writer import PASSING
from worker.words import GapReason

log = structlog.get_logger(__name__)


class SessionWatch:
    """The client's SessionWatcher. `client` is the one that is connected, if any is."""

    def __init__(
        self,
        session: SharedSession,
        health: Health,
        *,
        epoch: int,
        on_wanted: Callable[[GapReason], None],
        on_edit_missed: Callable[[], None],
        on_ready: Callable[[], None],
        on_commit: Callable[[], None],
    ) -> None:
        """`on_wanted` hears whenever gaps have to be looked for, and why; `on_edit_missed` of a message that was edited
        and could not be asked for; `on_ready` of every new session."""
        self.client: GatewayClient | None = None
        self._session = session
        self._health = health
        self._epoch = epoch
        self._on_wanted = on_wanted
        self._on_edit_missed = on_edit_missed
        self._on_ready = on_ready
        self._on_commit = on_commit
        self._was_connected = False
        self._errands: set[asyncio.Task[None]] = set()

    def connected(self, client: GatewayClient, *, resumed: bool) -> None:
        self.client = client
        self._health.has("gateway")
        metrics.GATEWAY_CONNECTED.set(1)
        log.info("gateway.connected", resumed=resumed, guilds=len(client.guilds))
        self._errand(self._tell(BotConnected(resumed=resumed, guilds=len(client.guilds))))
        self._on_wanted("resumed" if resumed else "reconnected" if self._was_connected else "start")
        self._was_connected = True
        if not resumed:
            self._on_ready()

    def disconnected(self) -> None:
        """The library calls it again for every attempt that fails."""
        if self.client is None:
            return
        self.client = None
        metrics.GATEWAY_CONNECTED.set(0)
        self._health.wait_for("gateway", "the connection to Discord was lost")
        log.info("gateway.disconnected")
        self._errand(self._tell(BotDisconnected()))

    def overflowed(self) -> None:
        self._on_wanted("queue_full")

    def edit_missed(self) -> None:
        self._on_edit_missed()

    def access_changed(self) -> None:
        self._on_wanted("access_changed")

    def discovered(self) -> None:
        self._on_wanted("discovered")

    def gone(self, channel_ids: Sequence[int]) -> None:
        self._errand(self._give_up(channel_ids))

    async def close(self) -> None:
        """Lets the errands under way come to their end."""
        await asyncio.gather(*self._errands, return_exceptions=True)

    def _errand(self, work: Coroutine[Any, Any, None]) -> None:
        """A short piece of work that a handler cannot wait for."""

        def ended(task: asyncio.Task[None]) -> None:
            self._errands.discard(task)
            if task.cancelled() or (error := task.exception()) is None:
                return
            if isinstance(error, (LeaseLostError, *PASSING)):
                # A lifecycle event tells of a moment, so it is not told later.
                log.warning("gateway.errand_dropped", reason=named(error))
            else:
                metrics.GATEWAY_FAULTS.inc()
                log.error("gateway.errand_failed", exc_info=error)

        task = asyncio.create_task(work)
        self._errands.add(task)
        task.add_done_callback(ended)

    async def _tell(self, fact: Fact) -> None:
        name = f"{fact.channel}:{fact.event_type}:{datetime.now(UTC).isoformat()}"
        async with self._session.use() as connection:
            await tell(connection, [Event(fact, correlation.of_name(name))], epoch=self._epoch)
        self._on_commit()

    async def _give_up(self, channel_ids: Sequence[int]) -> None:
        async with self._session.use() as connection:
            await give_up_gaps(connection, channel_ids, self._epoch)
        self._on_commit()
