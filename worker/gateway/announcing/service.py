"""Announcing and alarms: what asks for posts, and what brings them to Discord, side by side."""

import asyncio
from collections.abc import Callable
from datetime import date, datetime
from typing import NoReturn
from zoneinfo import ZoneInfo

import discord
import structlog
from asyncpg import Connection

from worker import metrics
from worker.db.connection import Database
from worker.db.lease import LeaseLostError, task_group
from worker.db.shared_session import SharedSession
from worker.faults import named
from worker.gateway.announcing import alarms, announcement
from worker.gateway.announcing.announcer import CONSUMER, Announcer
from worker.gateway.announcing.post_rows import PostTable
from worker.gateway.announcing.poster import Poster, PostKind, Wanted
from worker.gateway.announcing.stored_announcement import read_announced_plan
from worker.gateway.client import GatewayClient
from worker.gateway.discord_commands.asking import missing_permissions
from worker.gateway.discord_commands.permissions import TO_ANNOUNCE
from worker.gateway.pacing import InvalidRequests, Pace, watch_answers
from worker.gateway.rest import PASSING_REST
from worker.gateway.watchdog import INTENT_MISSING
from worker.health import Health
from worker.ingest.writer import PASSING
from worker.settings import Settings
from worker.waiting import Backoff, happened

LOOK_SECONDS = 5.0  # how often it is looked for lasting alarms
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 1.0, 60.0

log = structlog.get_logger(__name__)


class AnnouncingService:
    """Has a REST session of its own: what is to be said about a gateway that is lost must not need it."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        health: Health,
        *,
        epoch: int,
        pace: Pace,
        invalid: InvalidRequests,
        gateway: Callable[[], GatewayClient | None],
    ) -> None:
        """`gateway` gives the client that is connected, which knows what the bot may do where."""
        self._health = health
        self._gateway = gateway
        self._pace, self._invalid = pace, invalid
        self._token = settings.discord_token.get_secret_value() if settings.discord_token else ""
        self._zone = ZoneInfo(settings.plan_timezone)
        self._session = SharedSession(database, purpose="announcing")
        self._failed = asyncio.Event()
        self._lasting = alarms.LastingAlarms(
            self._session, epoch=epoch, gap_minutes=settings.alarm_gap_minutes, consumer=CONSUMER
        )
        plans = PostKind(PostTable("announcements", "plan_id", epoch=epoch), str, announcement.mark, self._read_plan)
        told = PostKind(PostTable("alarms", "id", epoch=epoch), "alarm {}".format, alarms.mark, alarms.read_alarm)
        self._poster = Poster(
            self._session, (plans, told), invalid=invalid, explain=self._explain, on_failed=self._failed.set
        )
        self._announcer = Announcer(
            database, lease_seconds=settings.lease_seconds, today=self._today, on_marked=self._poster.wake
        )

    async def run(self) -> None:
        """For ever. Raises LeaseLostError."""
        try:
            async with task_group() as group:
                group.create_task(self._announcer.run())
                group.create_task(self._look_for_alarms())
                group.create_task(self._keep_posting())
        finally:
            self._session.close()

    async def _keep_posting(self) -> NoReturn:
        retry = Backoff(FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS)
        while True:
            client = self._make_client()
            try:
                await client.login(self._token)
                retry.reset()
                await self._poster.run(client)
            except LeaseLostError:
                raise
            except (discord.HTTPException, discord.LoginFailure, *PASSING_REST) as error:
                # A token that Discord refuses ends the worker: the gateway's session sees to that.
                log.warning("announcing.not_logged_in", reason=named(error))
            except Exception:
                # Whatever is wrong with announcing, messages are stored all the same.
                metrics.ANNOUNCER_FAULTS.inc()
                log.exception("announcing.interrupted")
            finally:
                await client.close()
            await asyncio.sleep(retry.next())

    def _make_client(self) -> discord.Client:
        return discord.Client(
            intents=discord.Intents(guilds=True),  # the library warns of a client without it
            max_messages=None,
            allowed_mentions=discord.AllowedMentions.none(),
            http_trace=watch_answers(self._pace, self._invalid),
        )

    async def _look_for_alarms(self) -> NoReturn:
        while True:
            try:
                await self._lasting.look(lacks_content=self._lacks_content)
                self._poster.wake()
            except LeaseLostError:
                raise
            except PASSING as error:
                log.warning("alarms.not_looked", reason=named(error))
            except Exception:
                metrics.ANNOUNCER_FAULTS.inc()
                log.exception("alarms.failed")
            self._failed.clear()
            await happened(self._failed, LOOK_SECONDS)

    @property
    def _lacks_content(self) -> bool | None:
        """Not known while the gateway is away for another reason, or just logging in."""
        waiting = self._health.waiting
        if any(INTENT_MISSING in reason for reason in waiting.values()):
            return True
        return None if "gateway" in waiting else False

    def _today(self) -> date:
        return datetime.now(self._zone).date()

    async def _read_plan(self, connection: Connection, plan_id: int) -> Wanted:
        announced = await read_announced_plan(connection, plan_id, today=self._today())
        return Wanted(announced.announce_to, announcement.announcement(announced))

    def _explain(self, channel_id: int, error: Exception) -> str:
        """Why a channel refuses, as the middle of a sentence."""
        cause = error.__cause__
        if isinstance(cause, discord.NotFound):
            return "Discord knows no such channel"
        if not isinstance(cause, discord.Forbidden):
            return f"Discord answers {error}"
        if (client := self._gateway()) is None:
            return f"Discord answers {error}"
        channel = client.permitting_channel(channel_id)
        if channel is None:
            return "Discord shows the bot no such channel"
        missing = missing_permissions(channel.permissions_for(channel.guild.me), TO_ANNOUNCE)
        return f"the bot lacks {', '.join(missing)} there" if missing else f"Discord answers {error}"
