"""Imports in processes of their own, to be killed; each is forked from one that has its imports behind it.

`python -m tests.support.legacy_process FILE` reads URLs of databases, begins an import in small batches into each, and
says its process id and then its exit code. FILE gets what the import writes to standard error."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.legacy_run import SMALL_BATCHES
from tests.support.worker_process import ROOT, environment
from worker.db.connection import Database
from worker.legacy.command import Options, main


class ImportProcesses:
    """One import at a time: `begin` gives its process id, `ended` its exit code and what it wrote to standard error."""

    def __init__(self, process: Process, errors: Path) -> None:
        self._process = process
        self._errors = errors

    async def begin(self, database: Database) -> int:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{database.dsn}\n".encode())
        return await self._number()

    async def ended(self) -> tuple[int, str]:
        return await self._number(), self._errors.read_text()

    async def _number(self) -> int:
        assert self._process.stdout is not None
        return int(await self._process.stdout.readline())


@asynccontextmanager
async def import_processes(errors: Path) -> AsyncIterator[ImportProcesses]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.support.legacy_process", str(errors)),
        cwd=ROOT,
        env=environment(),
        stdin=PIPE,
        stdout=PIPE,
    )
    try:
        yield ImportProcesses(process, errors)
    finally:
        process.terminate()
        await process.communicate()


def serve(errors: Path) -> None:
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os.environ["DATABASE_URL"] = line.strip()
            with errors.open("w") as file, Path(os.devnull).open("w") as nothing:
                os.dup2(file.fileno(), sys.stderr.fileno())
                os.dup2(nothing.fileno(), sys.stdout.fileno())
                os._exit(main(Options(execute=True), batch_rows=SMALL_BATCHES))
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
