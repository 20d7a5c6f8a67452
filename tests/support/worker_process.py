"""The worker as its users run it: a process of its own, with settings from the environment."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.support.waiting import until
from worker.sandbox import Sandbox
from worker.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


def environment(**settings: str) -> dict[str, str]:
    """This process's environment without settings of the worker, and with these."""
    names = tuple(name.upper() for name in Settings.model_fields)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(names)}
    return kept | {"HEALTH_PORT": "0", "LOG_FORMAT": "json", "PYTHONUNBUFFERED": "1"} | settings


def settings_for(sandbox: Sandbox, **settings: str) -> dict[str, str]:
    return environment(
        DISCORD_TOKEN="sandbox-token",
        DISCORD_API_URL=sandbox.api_url,
        DISCORD_GATEWAY_URL=sandbox.gateway_url,
        **settings,
    )


class WorkerProcess:
    """A running `python -m worker ...`; `log` has its log lines so far, `output` what else it wrote to stderr."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.log: list[dict[str, Any]] = []
        self.output: list[str] = []
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            text = line.decode().rstrip("\n")
            try:
                self.log.append(json.loads(text))
            except ValueError:
                self.output.append(text)

    def logged(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.log if line.get("event") == event]

    async def health(self, path: str = "/readyz") -> tuple[int, Any]:
        """Status and body of a health address; (0, None) before it listens."""
        if not (listening := self.logged("health.listening")):
            return 0, None
        url = f"http://127.0.0.1:{listening[0]['port']}{path}"
        try:
            async with aiohttp.ClientSession() as session, session.get(url) as answer:
                is_json = answer.content_type == "application/json"
                return answer.status, await (answer.json() if is_json else answer.text())
        except aiohttp.ClientError:
            return 0, None

    async def ready(self) -> None:
        async def is_ready() -> bool:
            assert self.process.returncode is None, f"the worker ended: {self.output or self.log[-5:]}"
            return (await self.health())[0] == 200

        await until(is_ready, "the worker to be ready")

    async def ended(self) -> int:
        """Waits for the end by itself; returns the exit code."""
        code = await asyncio.wait_for(self.process.wait(), 60)
        await self._reader
        return code

    async def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return await self.ended()


@asynccontextmanager
async def worker_process(
    *arguments: str, env: Mapping[str, str], user: str | None = None
) -> AsyncIterator[WorkerProcess]:
    """`python -m worker` with these arguments; killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "worker", *arguments),
        env=dict(env),
        cwd=ROOT,
        user=user,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    running = WorkerProcess(process)
    try:
        yield running
    finally:
        if process.returncode is None:
            process.kill()
        await running.ended()
