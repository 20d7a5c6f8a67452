"""The way in to the database: which server, when it is ready, and how a session is set up."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import asyncpg
import structlog

from worker.db.binaries import OLDEST_MAJOR
from worker.db.dsn import address, normalise, redacted
from worker.db.embedded import EmbeddedServer
from worker.db.failures import CONNECT_ERRORS, explain, pooler_in_the_way
from worker.exits import ConfigError, UnavailableError, WorkerError
from worker.settings import Settings
from worker.waiting import Backoff

CONNECT_SECONDS = 10  # TLS and login included
ATTEMPT_SECONDS = 15  # one attempt while waiting: two connections and the questions to the server
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 0.1, 2.0
REVIVAL_SECONDS = 1.0  # how often the embedded server is looked after

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

# The server's side of a connection that was cut without a word ends within half a minute, and with it the locks that it
# holds. By default that takes two hours. They mean nothing on a Unix socket.
KEEPALIVES = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}


@dataclass(frozen=True, slots=True)
class Database:
    """A database that asyncpg can connect to: through a pooler (`dsn`), if there is one, and past it (`direct_dsn`)."""

    dsn: str = field(repr=False)
    direct_dsn: str = field(repr=False)

    @property
    def pooled(self) -> bool:
        return self.dsn != self.direct_dsn


async def connect(
    database: Database, *, purpose: str, direct: bool = True, idle_in_transaction_timeout: str | None = None
) -> asyncpg.Connection:
    """A session in UTC, whose jsonb and json read as Python values and are written from JSON text.

    Not direct: perhaps through a pooler in transaction mode, where LISTEN, session locks and session settings do not
    work. `purpose` shows in pg_stat_activity; `idle_in_transaction_timeout` is a PostgreSQL interval such as "2s".
    Raises what asyncpg.connect raises."""
    pooled = database.pooled and not direct
    if pooled and idle_in_transaction_timeout:
        raise ValueError("a session setting does not hold through a pooler")
    # A pooler forwards these three and refuses a connection that asks for another.
    settings = {
        "application_name": f"discord-plan-worker:{purpose}",
        "timezone": "UTC",
        "standard_conforming_strings": "on",
    }
    if not pooled:
        settings |= KEEPALIVES
    if idle_in_transaction_timeout:
        settings["idle_in_transaction_session_timeout"] = idle_in_transaction_timeout
    # The time limit is for all of it: a pooler whose server is away takes the login and leaves the first query waiting.
    async with asyncio.timeout(CONNECT_SECONDS):
        connection = await asyncpg.connect(
            database.direct_dsn if direct else database.dsn,
            server_settings=settings,
            # A pooler hands each transaction to another server session, which does not know our prepared statements.
            statement_cache_size=0 if pooled else 100,
        )
        try:
            await connection.set_type_codec("json", schema="pg_catalog", encoder=str, decoder=json.loads)
            # In binary, which is all that COPY takes. PostgreSQL wants its version before the text.
            await connection.set_type_codec(
                "jsonb",
                schema="pg_catalog",
                encoder=lambda text: b"\x01" + text.encode(),
                decoder=lambda data: json.loads(data[1:]),
                format="binary",
            )
        except BaseException:
            connection.terminate()
            raise
    return connection


async def wait_until_ready(
    database: Database, *, wait_seconds: float, on_wait: Callable[[str], None] | None = None
) -> None:
    """Returns once the server takes our login, directly and through the pooler; `on_wait` hears each reason to wait.

    Raises at once what no wait mends (RefusedError, ConfigError), and UnavailableError after `wait_seconds` and the
    attempt that is under way then."""
    deadline = asyncio.get_running_loop().time() + wait_seconds
    setting = "DATABASE_DIRECT_URL" if database.pooled else "DATABASE_URL"
    await _retry(partial(_check_server, database), database.direct_dsn, setting, deadline, on_wait)
    if database.pooled:
        await _retry(partial(_check_pooler, database), database.dsn, "DATABASE_URL", deadline, on_wait)
    log.info("database.ready", dsn=redacted(database.direct_dsn), pooled=database.pooled)


async def _check_server(database: Database) -> None:
    """Raises ConfigError for a server that is too old, and for a pooler, where a lock would hold for two sessions."""
    # The session setting is what writers ask for, and what a pooler refuses.
    first = await connect(database, purpose="start", idle_in_transaction_timeout="2s")
    try:
        second = await connect(database, purpose="start")
        try:
            pids = [await session.fetchval("SELECT pg_backend_pid()") for session in (first, second)]
        finally:
            second.terminate()
        if pids[0] == pids[1]:
            raise pooler_in_the_way("DATABASE_DIRECT_URL" if database.pooled else "DATABASE_URL")
        check_version(int(await first.fetchval("SHOW server_version_num")), address(database.direct_dsn))
    finally:
        first.terminate()


async def _check_pooler(database: Database) -> None:
    (await connect(database, purpose="start", direct=False)).terminate()


def check_version(number: int, where: str) -> None:
    """`number` is server_version_num. Raises ConfigError if the server is too old."""
    if number < OLDEST_MAJOR * 10_000:
        raise ConfigError(
            f"PostgreSQL {OLDEST_MAJOR} or newer is needed and {where} has {number // 10_000}: "
            "set DATABASE_URL to a newer server, or unset it to use the embedded one."
        )


async def _retry(
    attempt: Callable[[], Awaitable[None]],
    dsn: str,
    setting: str,
    deadline: float,
    on_wait: Callable[[str], None] | None,
) -> None:
    loop = asyncio.get_running_loop()
    told, retry = "", Backoff(FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS)
    while True:
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                return await attempt()
        except CONNECT_ERRORS as error:
            reason = explain(error, dsn, setting)
            if isinstance(reason, WorkerError):
                raise reason from error
            if loop.time() >= deadline:
                raise UnavailableError(
                    f"PostgreSQL at {address(dsn)} cannot be reached: {reason}; check {setting}, "
                    "or raise DATABASE_WAIT_SECONDS if it takes longer to come up."
                ) from error
        if reason != told:
            told = reason
            log.warning("database.waiting", dsn=redacted(dsn), reason=reason)
            if on_wait:
                on_wait(f"PostgreSQL at {address(dsn)}: {reason}")
        await asyncio.sleep(min(retry.next(), max(deadline - loop.time(), 0)))


@asynccontextmanager
async def open_database(settings: Settings, *, on_wait: Callable[[str], None] | None = None) -> AsyncIterator[Database]:
    """The database of the settings, ready for use: at DATABASE_URL, or embedded for as long as the block lasts.

    Raises ConfigError, RefusedError or UnavailableError, each one sentence for the user."""
    async with _server(settings) as database:
        await wait_until_ready(database, wait_seconds=settings.database_wait_seconds, on_wait=on_wait)
        yield database


@asynccontextmanager
async def _server(settings: Settings) -> AsyncIterator[Database]:
    url, direct_url = settings.database_url, settings.database_direct_url
    if url is not None:
        dsn = normalise(url.get_secret_value(), "DATABASE_URL")
        yield Database(dsn, normalise(direct_url.get_secret_value(), "DATABASE_DIRECT_URL") if direct_url else dsn)
        return
    if direct_url is not None:
        raise ConfigError("DATABASE_DIRECT_URL is set without DATABASE_URL: set DATABASE_URL too, or neither.")
    server = EmbeddedServer(settings.data_directory / "postgresql", programs_folder=settings.postgres_bin_directory)
    try:
        await _in_thread(server.start)
        revival = asyncio.create_task(_keep_running(server))
        try:
            yield Database(server.dsn(), server.dsn())
        finally:
            revival.cancel()
            await asyncio.wait([revival])
    finally:
        await _in_thread(server.stop)


async def _keep_running(server: EmbeddedServer) -> None:
    """Starts the server again when it dies under the worker: nobody else would."""
    while True:
        await asyncio.sleep(REVIVAL_SECONDS)
        try:
            if not await asyncio.to_thread(server.is_running):
                log.error("database.embedded.died", home=str(server.home))
                await _in_thread(server.start)
        except Exception:
            log.exception("database.embedded.not_revived")


async def _in_thread(function: Callable[[], None]) -> None:
    """Runs to its end even when cancelled: a thread cannot be, and a server half started would be left behind."""
    work = asyncio.ensure_future(asyncio.to_thread(function))
    cancelled: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError as error:
            cancelled = error
    work.result()
    if cancelled:
        raise cancelled


@asynccontextmanager
async def connected(
    database: Database, *, purpose: str, idle_in_transaction_timeout: str | None = None
) -> AsyncIterator[asyncpg.Connection]:
    """A direct session for as long as the block lasts."""
    connection = await connect(database, purpose=purpose, idle_in_transaction_timeout=idle_in_transaction_timeout)
    try:
        yield connection
    except BaseException:
        # Saying goodbye on a dead connection raises an error of its own, in the place of a cancellation.
        connection.terminate()
        raise
    await connection.close(timeout=CONNECT_SECONDS)
