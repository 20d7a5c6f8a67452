"""A database that is away is waited for; what no wait mends is told at once, in one sentence without the password."""

import asyncio
import re
from collections.abc import Iterator
from urllib.parse import quote

import asyncpg
import pytest

from tests.support.password_server import PasswordServer, free_port, password_server
from worker.db.connection import Database, connect, open_database, wait_until_ready
from worker.db.embedded import EmbeddedServer
from worker.exits import ConfigError, RefusedError, UnavailableError
from worker.settings import Settings


@pytest.fixture(scope="module")
def stopped_server() -> Iterator[PasswordServer]:
    with password_server() as server:
        yield server


@pytest.fixture
def server(stopped_server: PasswordServer) -> Iterator[PasswordServer]:
    stopped_server.start()
    yield stopped_server
    stopped_server.stop()


def url(server: PasswordServer, *, user: str = "trader", password: str | None = None, rest: str = "postgres") -> str:
    secret = quote(server.password if password is None else password, safe="")
    return f"postgres://{user}:{secret}@127.0.0.1:{server.port}/{rest}"


def at(database_url: str, **others: object) -> Settings:
    return Settings.model_validate({"database_url": database_url, "database_direct_url": None} | others)


async def ending_of(settings: Settings) -> str:
    """The sentence that a user of these settings reads."""
    with pytest.raises((ConfigError, RefusedError, UnavailableError)) as ending:
        async with open_database(settings):
            pass
    return f"{ending.type.__name__}: {ending.value}"


async def test_a_password_with_every_special_character_works(server: PasswordServer) -> None:
    async with open_database(at(url(server))) as database:
        assert server.password not in repr(database)
        connection = await connect(database, purpose="test")
        assert await connection.fetchval("SELECT current_user") == "trader"
        await connection.close()


@pytest.mark.parametrize(
    "form",
    [
        "postgres://{login}@127.0.0.1:{port}/postgres",
        "postgresql+asyncpg://{login}@localhost:{port}/postgres?connect_timeout=3&channel_binding=prefer&ssl=disable",
        "postgresql://{login}@127.0.0.1:{free},127.0.0.1:{port}/postgres?target_session_attrs=read-write",
        "postgresql://{login}@/postgres?host=127.0.0.1&port={port}",
        "postgresql://127.0.0.1:{port}/postgres?user=trader&password={secret}&application_name=mine",
        "  postgresql://{login}@127.0.0.1:{port}/?dbname=postgres&options=-c%20geqo%3Doff\n",
    ],
)
async def test_every_form_of_a_url_reaches_the_server(server: PasswordServer, form: str) -> None:
    secret = quote(server.password, safe="")
    form = form.format(login=f"trader:{secret}", secret=secret, port=server.port, free=free_port())
    async with open_database(at(form)) as database:
        connection = await connect(database, purpose="test")
        assert await connection.fetchval("SELECT current_user || ' at ' || current_database()") == "trader at postgres"
        assert await connection.fetchval("SHOW application_name") == "discord-plan-worker:test"
        await connection.close()


async def test_a_socket_may_be_the_host(postgres: EmbeddedServer) -> None:
    folder = quote(str(postgres.home), safe="")
    for form in (f"postgres://postgres@{folder}/postgres", f"postgres://postgres@/postgres?host={folder}"):
        async with open_database(at(form)) as database:
            await (await connect(database, purpose="test")).close()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"password": "wr0ng-secret"}, "RefusedError: .*DATABASE_URL .*password authentication failed"),
        ({"user": "nobody-known"}, "RefusedError: .*DATABASE_URL .*password authentication failed"),
        ({"rest": "elsewhere"}, 'ConfigError: .*database "elsewhere" does not exist.*DATABASE_URL'),
        ({"rest": "postgres?sslmode=require"}, "ConfigError: .*offers no TLS.*DATABASE_URL"),
        ({"rest": "postgres?sslmode=perhaps"}, "ConfigError: DATABASE_URL .*sslmode"),
        ({"rest": "postgres?colour=blue"}, 'ConfigError: .*DATABASE_URL says .*parameter "colour"'),
    ],
)
async def test_what_no_wait_mends_is_told_at_once(server: PasswordServer, wrong: dict[str, str], sentence: str) -> None:
    told = await ending_of(at(url(server, **wrong), database_wait_seconds=600))
    assert re.match(sentence, told), told
    assert "wr0ng-secret" not in told
    assert server.password not in told


async def test_a_server_that_is_away_is_named_after_the_wait(stopped_server: PasswordServer) -> None:
    told = await ending_of(at(url(stopped_server), database_wait_seconds=0))
    assert told.startswith(f"UnavailableError: PostgreSQL at 127.0.0.1:{stopped_server.port}")
    assert "DATABASE_URL" in told


async def test_a_host_name_that_nobody_knows() -> None:
    host = ".".join(["x" * 60] * 6)  # longer than a name can be: no name server is asked
    told = await ending_of(at(f"postgres://u:p@{host}/d", database_wait_seconds=0.2))
    assert f"{host}:5432 cannot be reached: its host name is not known" in told


async def test_a_server_that_comes_up_later_is_waited_for(stopped_server: PasswordServer) -> None:
    reasons: list[str] = []
    waiting = asyncio.Event()

    def on_wait(reason: str) -> None:
        reasons.append(reason)
        waiting.set()

    async def use() -> None:
        async with open_database(at(url(stopped_server)), on_wait=on_wait):
            pass

    task = asyncio.create_task(use())
    await waiting.wait()
    await asyncio.to_thread(stopped_server.start)
    try:
        await task
    finally:
        stopped_server.stop()
    assert reasons[0] == f"PostgreSQL at 127.0.0.1:{stopped_server.port}: it accepts no connections"


async def test_a_server_that_is_full_is_waited_for(stopped_server: PasswordServer) -> None:
    settings = {"max_connections": "3", "superuser_reserved_connections": "0", "reserved_connections": "0"}
    stopped_server.start(**settings)
    others: list[asyncpg.Connection] = []
    reasons: list[str] = []

    def on_wait(reason: str) -> None:
        reasons.append(reason)
        for other in others:
            other.terminate()

    try:
        dsn = url(stopped_server)
        while True:
            try:
                others.append(await asyncpg.connect(dsn))
            except asyncpg.TooManyConnectionsError:
                break
        await wait_until_ready(Database(dsn, dsn), wait_seconds=60, on_wait=on_wait)
    finally:
        stopped_server.stop()
    assert "too many clients" in reasons[0]


async def test_a_direct_url_alone_is_half_a_setting(stopped_server: PasswordServer) -> None:
    settings = Settings.model_validate({"database_url": None, "database_direct_url": url(stopped_server)})
    assert "DATABASE_DIRECT_URL is set without DATABASE_URL" in await ending_of(settings)


async def test_the_error_names_the_setting_that_is_wrong(server: PasswordServer) -> None:
    away = f"postgres://trader:x@127.0.0.1:{free_port()}/postgres"
    told = await ending_of(at(url(server), database_direct_url=away, database_wait_seconds=0))
    assert "DATABASE_DIRECT_URL" in told
    told = await ending_of(at(away, database_direct_url=url(server), database_wait_seconds=0))
    assert "DATABASE_DIRECT_URL" not in told


async def test_a_pooled_connection_asks_for_nothing_a_pooler_refuses(server: PasswordServer) -> None:
    async with open_database(
        at(url(server, rest="postgres?options=-cgeqo=off"), database_direct_url=url(server))
    ) as database:
        assert database.pooled
        connection = await connect(database, purpose="reader", direct=False)
        assert await connection.fetchval("SHOW timezone") == "UTC"
        assert not await connection.fetch("SELECT 1 FROM pg_prepared_statements WHERE name <> ''")
        await connection.close()
        with pytest.raises(ValueError, match="pooler"):
            await connect(database, purpose="writer", direct=False, idle_in_transaction_timeout="2s")
