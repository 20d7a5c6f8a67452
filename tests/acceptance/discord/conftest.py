"""Fixtures of the tests that use the worker from inside Discord."""

from collections.abc import AsyncIterator

import pytest

from tests.support.announced import Announced
from tests.support.discord_desk import TOKEN, Desk
from worker.db.connection import Database
from worker.sandbox import Sandbox


@pytest.fixture
async def desk(migrated_database: Database) -> AsyncIterator[Desk]:
    async with Sandbox(token=TOKEN) as sandbox:
        yield Desk(sandbox, migrated_database)


@pytest.fixture
async def announced(desk: Desk) -> Announced:
    """The desk's plans are announced; alarms go nowhere yet."""
    announced = Announced(desk)
    await announced.announce(desk.plans, announced.channel)
    return announced
