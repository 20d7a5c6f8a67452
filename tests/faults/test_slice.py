"""One run of each fault; `make faults` runs the campaign."""

import random
from collections.abc import Iterator

import pytest

from tests.faults.campaign import a_run
from tests.faults.faults import FAULTS
from tests.support.postgres import embedded_server
from worker.db.embedded import EmbeddedServer


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    """One that may be stopped and frozen."""
    with embedded_server() as server:
        yield server


@pytest.mark.parametrize("name", FAULTS)
async def test_nothing_is_lost(server: EmbeddedServer, name: str) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed of the run {seed}")
    async with a_run(server, seed) as run:
        await FAULTS[name](run)
