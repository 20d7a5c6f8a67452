"""A line to the database that is cut or held at one step of a conversation, counted from 0."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from worker.db.connection import Database

Fault = Literal["cut before", "cut after", "hold"]
"""Before the server hears of the step; after it has answered and before the client knows; nothing gets through."""

_CHUNK = 1 << 20


class CutLine:
    """A step is what the client sends before it waits for an answer: asyncpg sends nothing more until it has it.

    Only the newest connection counts; the others pass."""

    def __init__(self, socket: str) -> None:
        self.steps = 0
        self.is_hit = asyncio.Event()
        self._socket = socket
        self._released = asyncio.Event()
        self._newest: asyncio.StreamReader | None = None
        self._fault: tuple[Fault, int] | None = None

    def arm(self, fault: Fault, step: int) -> None:
        """Lets the fault happen once, so many steps from now."""
        self.is_hit.clear()
        self._released.clear()
        self._fault = fault, self.steps + step

    def release(self) -> None:
        """Ends the connection that is held."""
        self._released.set()

    async def serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        self._newest, self.steps = client, 0
        server, to_server = await asyncio.open_unix_connection(self._socket)
        answers = asyncio.create_task(_pass_on(server, to_client))
        try:
            await self._ask(client, server, to_server, answers)
        finally:
            answers.cancel()
            await asyncio.gather(answers, return_exceptions=True)
            for writer in (to_client, to_server):
                writer.transport.abort()

    async def _ask(
        self,
        client: asyncio.StreamReader,
        server: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
        answers: asyncio.Task[None],
    ) -> None:
        while (data := await client.read(_CHUNK)) and not answers.done():
            fault = self._due() if client is self._newest else None
            if fault == "hold":
                await self._released.wait()
            if fault == "cut after":
                answers.cancel()
                await asyncio.wait([answers])
                to_server.write(data)
                await server.read(_CHUNK)
            if fault:
                return
            to_server.write(data)

    def _due(self) -> Fault | None:
        self.steps += 1
        if self._fault is None or self._fault[1] != self.steps - 1:
            return None
        fault, self._fault = self._fault[0], None
        self.is_hit.set()
        return fault


async def _pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(_CHUNK):
        sink.write(data)
    sink.close()


@asynccontextmanager
async def cut_line(database: Database) -> AsyncIterator[tuple[CutLine, Database]]:
    """The line, and the same database through it."""
    url = urlsplit(database.dsn)
    line = CutLine(f"{parse_qs(url.query)['host'][0]}/.s.PGSQL.5432")
    listener = await asyncio.start_server(line.serve, "127.0.0.1", 0, limit=_CHUNK)
    port = listener.sockets[0].getsockname()[1]
    dsn = f"postgresql://{url.username}@127.0.0.1:{port}{url.path}?sslmode=disable"
    try:
        yield line, Database(dsn, dsn)
    finally:
        listener.close()
