"""The cable between a worker and its database, which can be cut without anybody being told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

from worker.db.connection import Database


class Cable:
    """Passes bytes on both ways. While it is `cut` they go nowhere, and no end is told of it."""

    def __init__(self, socket_folder: str) -> None:
        self._socket = f"{socket_folder}/.s.PGSQL.5432"
        self._whole = asyncio.Event()
        self._whole.set()
        self._passing: set[asyncio.Task[None]] = set()

    def cut(self) -> None:
        self._whole.clear()

    def mend(self) -> None:
        self._whole.set()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._whole.wait()
        there_reader, there_writer = await asyncio.open_unix_connection(self._socket)
        for source, target in ((reader, there_writer), (there_reader, writer)):
            task = asyncio.create_task(self._pass(source, target))
            self._passing.add(task)
            task.add_done_callback(self._passing.discard)

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                await self._whole.wait()
                target.write(data)
                await target.drain()
        except OSError:
            pass
        finally:
            target.close()

    async def close(self) -> None:
        for task in self._passing:
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)


@asynccontextmanager
async def cable_to(database: Database) -> AsyncIterator[tuple[Cable, str]]:
    """A cable to a database of the embedded server, and the DATABASE_URL of its near end."""
    url = urlsplit(database.dsn)
    query = parse_qs(url.query)
    cable = Cable(query["host"][0])
    server = await asyncio.start_server(cable.connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    user = query.get("user", [url.username or "postgres"])[0]
    try:
        yield cable, f"postgresql://{user}@127.0.0.1:{port}{url.path}"
    finally:
        server.close()
        await cable.close()
