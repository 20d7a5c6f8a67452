"""A way to the database on which answers get lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

from worker.db.connection import Database


class Wire:
    """Forwards to a server's socket. `lost` counts the answers that it kept from the client."""

    def __init__(self, socket: str) -> None:
        self.lost = 0
        self._socket = socket
        self._statement: bytes | None = None

    def lose_answer_to(self, statement: bytes) -> None:
        """The next time a client sends it, the server acts on it and the connection ends without an answer."""
        self._statement = statement

    async def serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        server, to_server = await asyncio.open_unix_connection(self._socket)
        is_lost = asyncio.Event()

        async def ask() -> None:
            while data := await client.read(1 << 16):
                if self._statement and self._statement in data:
                    self._statement = None
                    is_lost.set()
                to_server.write(data)

        async def answer() -> None:
            while data := await server.read(1 << 16):
                if is_lost.is_set():
                    self.lost += 1
                    return
                to_client.write(data)

        tasks = [asyncio.create_task(ask()), asyncio.create_task(answer())]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in (to_client, to_server):
            writer.transport.abort()


@asynccontextmanager
async def wire_to(database: Database) -> AsyncIterator[tuple[Wire, Database]]:
    """The wire, and the same database through it."""
    url = urlsplit(database.dsn)
    wire = Wire(f"{parse_qs(url.query)['host'][0]}/.s.PGSQL.5432")
    listener = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    dsn = f"postgresql://{url.username}@127.0.0.1:{port}{url.path}?sslmode=disable"
    try:
        yield wire, Database(dsn, dsn)
    finally:
        listener.close()
