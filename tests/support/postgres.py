"""Real PostgreSQL servers and databases for tests."""

import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg

from tests.support.sql import execute
from tests.support.waiting import until
from worker.db.connection import Database
from worker.db.embedded import EmbeddedServer


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A short path that an account without privilege may reach too; pytest's tmp_path is neither."""
    folder = Path(tempfile.mkdtemp(prefix="dpw-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def embedded_server(*, durable: bool = False) -> Iterator[EmbeddedServer]:
    """A running server in a folder of its own. One that is not durable is quicker, and a power cut loses it."""
    with scratch_folder() as folder:
        server = EmbeddedServer(folder / "postgresql", durable=durable)
        server.start()
        try:
            yield server
        finally:
            server.stop()


@asynccontextmanager
async def fresh_database(server: EmbeddedServer, template: str = "template1") -> AsyncIterator[Database]:
    """A database of its own, a copy of the template, dropped at the end whoever is still connected."""
    name = f"test_{uuid.uuid4().hex}"
    await _once_nobody_is_there(server, f'CREATE DATABASE {name} TEMPLATE "{template}" STRATEGY file_copy')
    try:
        yield Database(server.dsn(name), server.dsn(name))
    finally:
        # Nothing that was open before can be relied on: a test may have stopped the server.
        await _once_nobody_is_there(server, f"DROP DATABASE {name} WITH (FORCE)")


async def _once_nobody_is_there(server: EmbeddedServer, statement: str) -> None:
    """The server itself waits no longer than 5 s for sessions to leave a database that is copied or dropped."""

    async def is_done() -> bool:
        try:
            await execute(Database(server.dsn(), server.dsn()), statement)
        except asyncpg.ObjectInUseError:
            return False
        return True

    await until(is_done, statement)
