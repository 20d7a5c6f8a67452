"""The worker's command line as a user runs it: a process of its own."""

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from worker.db.connection import Database

ROOT = Path(__file__).parents[2]
GENEROUS_SECONDS = 60


class Ended(NamedTuple):
    code: int
    out: str
    err: str


def environment(database: Database | None = None, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Nothing of the tests' own environment but where programs are; without a database there is none to be found."""
    values = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "DATABASE_WAIT_SECONDS": "0"}
    values["DATABASE_URL"] = database.dsn if database else "postgresql://nobody@127.0.0.1:1/none"
    return values | dict(more or {})


async def start(
    *arguments: str, database: Database | None = None, more: Mapping[str, str] | None = None
) -> asyncio.subprocess.Process:
    """`python -m worker` with these arguments, its streams in our hands."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "worker",
        *arguments,
        cwd=ROOT,
        env=environment(database, more),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def worker(
    *arguments: str,
    database: Database | None = None,
    stdin: str | bytes = "",
    more: Mapping[str, str] | None = None,
) -> Ended:
    process = await start(*arguments, database=database, more=more)
    given = stdin.encode("utf-8", "surrogatepass") if isinstance(stdin, str) else stdin
    async with asyncio.timeout(GENEROUS_SECONDS):
        out, err = await process.communicate(given)
    return Ended(process.returncode or 0, out.decode(), err.decode())
