"""Without DATABASE_URL a command brings its own server, for exactly as long as it uses it."""

import asyncio
import os
import signal
from pathlib import Path

import asyncpg
import pytest

from tests.support.processes import GENEROUS_SECONDS, wait_for
from worker.db.connection import Database, connect, open_database
from worker.db.embedded import EmbeddedServer
from worker.db.postmaster import read_pid_file
from worker.exits import ConfigError
from worker.settings import Settings


@pytest.fixture
def settings(scratch: Path) -> Settings:
    return Settings.model_validate(
        {"database_url": None, "database_direct_url": None, "data_directory": scratch / "of" / "the" / "user"}
    )


@pytest.fixture
def server(settings: Settings) -> EmbeddedServer:
    """Only looks at the server that open_database runs."""
    return EmbeddedServer(settings.data_directory / "postgresql")


async def number_of(database: Database) -> object:
    connection = await connect(database, purpose="test")
    try:
        return await connection.fetchval("SELECT number FROM kept")
    finally:
        await connection.close()


async def test_it_runs_inside_the_block_and_keeps_its_data(settings: Settings, server: EmbeddedServer) -> None:
    async with open_database(settings) as database:
        assert not database.pooled
        connection = await connect(database, purpose="test")
        await connection.execute("CREATE TABLE kept AS SELECT 42 AS number")
        await connection.close()
    assert not server.is_running()
    async with open_database(settings) as database:
        assert await number_of(database) == 42


def has_begun(server: EmbeddedServer) -> bool:
    return (server.home / "data.new").exists() or server.data.exists()


@pytest.mark.parametrize("stage", ["starting", "in use"])
async def test_a_cancelled_command_leaves_no_server(settings: Settings, server: EmbeddedServer, stage: str) -> None:
    in_use = asyncio.Event()

    async def use() -> None:
        async with open_database(settings):
            in_use.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(use())
    if stage == "in use":
        await in_use.wait()
    else:
        await asyncio.to_thread(wait_for, lambda: has_begun(server), "initdb is at work, or was")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not server.is_running()


async def test_a_server_that_dies_in_use_comes_back(settings: Settings, server: EmbeddedServer) -> None:
    async with open_database(settings) as database:
        connection = await connect(database, purpose="test")
        await connection.execute("CREATE TABLE kept AS SELECT 42 AS number")
        pid_file = read_pid_file(server.data)
        assert pid_file
        os.kill(pid_file.pid, signal.SIGKILL)
        async with asyncio.timeout(GENEROUS_SECONDS):
            while True:
                try:
                    number = await number_of(database)
                    break
                except (OSError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError):
                    await asyncio.sleep(0.05)
        assert number == 42
        connection.terminate()


async def test_programs_that_are_not_there_are_named(settings: Settings, scratch: Path) -> None:
    wrong = settings.model_copy(update={"postgres_bin_directory": scratch})
    with pytest.raises(ConfigError, match="POSTGRES_BIN_DIRECTORY"):
        async with open_database(wrong):
            pass
