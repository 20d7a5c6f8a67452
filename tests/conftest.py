"""Fixtures that every layer of tests shares."""

import signal
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.migrated import make_migrated_template
from tests.support.postgres import embedded_server, fresh_database
from worker.db.connection import Database
from worker.db.embedded import EmbeddedServer
from worker.sandbox import Channel, Sandbox

# Where the runner was put into the background SIGINT is ignored, and so it would be by the processes that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedServer]:
    """One server for all tests. It is not durable: a power cut loses it."""
    with embedded_server() as server:
        yield server


@pytest.fixture
async def empty_database(postgres: EmbeddedServer) -> AsyncIterator[Database]:
    """An empty database of the test's own."""
    async with fresh_database(postgres) as database:
        yield database


@pytest.fixture(scope="session")
async def migrated_template(postgres: EmbeddedServer) -> str:
    """The name of a database with the whole schema and no rows but those of its migration, to be copied."""
    return await make_migrated_template(postgres)


@pytest.fixture
async def migrated_database(postgres: EmbeddedServer, migrated_template: str) -> AsyncIterator[Database]:
    """A database of the test's own at the newest revision."""
    async with fresh_database(postgres, template=migrated_template) as database:
        yield database


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """The Discord of one test."""
    async with Sandbox(token="sandbox-token") as sandbox:
        yield sandbox


@pytest.fixture
def channel(sandbox: Sandbox) -> Channel:
    return sandbox.add_guild("Traders").add_channel("plans")
