"""Fixtures of the tests that run the worker as a process."""

from collections.abc import AsyncIterator

import pytest

from worker.sandbox import Channel, Sandbox


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(token="sandbox-token") as sandbox:
        yield sandbox


@pytest.fixture
def channel(sandbox: Sandbox) -> Channel:
    return sandbox.add_guild("Traders").add_channel("plans")
