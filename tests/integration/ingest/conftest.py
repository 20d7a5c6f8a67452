import functools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import cast

import pytest
from asyncpg import Connection
from structlog.testing import capture_logs
from structlog.typing import EventDict

from parsers import Format, registered
from tests.support import notation
from worker.db.connection import Database, connect
from worker.ingest.writer import Writer


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[EventDict]]:
    """The lines that are logged, unrendered."""
    with capture_logs() as lines:
        yield lines


@pytest.fixture
async def connection(migrated_database: Database) -> AsyncIterator[Connection]:
    """A session to look with."""
    connection = await connect(migrated_database, purpose="test")
    yield connection
    await connection.close()


@pytest.fixture
async def new_writer(migrated_database: Database) -> AsyncIterator[Callable[[], Writer]]:
    """Makes writers that read the notation."""
    writers: list[Writer] = []
    opened = functools.partial(connect, migrated_database, purpose="writer", idle_in_transaction_timeout="2s")

    def make() -> Writer:
        writers.append(Writer(opened, notation.read, lambda _: None))
        return writers[-1]

    yield make
    for writer in writers:
        await writer.close()


@pytest.fixture
def writer(new_writer: Callable[[], Writer]) -> Writer:
    return new_writer()


@pytest.fixture
def alerts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A format whose plans never supersede, registered for one test."""
    formats = cast(dict[str, Format], registered())
    monkeypatch.setitem(formats, notation.ALERTS, notation.ALERT_FORMAT)
