"""Every fault and every failpoint once; `make faults` runs the campaign."""

import random
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

import pytest

from tests.faults.database import answer_to_commit_lost, database_frozen, database_restarted
from tests.faults.faults import POINTS
from tests.faults.gateway import gateway_broken
from tests.faults.hostile import hostile_content
from tests.faults.killed import killed_at, killed_at_random, killed_while_migrating, leader_lost
from tests.faults.rest import rest_broken
from tests.faults.run import Run, a_run
from tests.faults.sight import LOSSES, sight_lost
from tests.support.migrated import make_migrated_template
from tests.support.postgres import embedded_server
from worker.db.embedded import EmbeddedServer

pytestmark = pytest.mark.timeout(600)  # many lives of a worker in one test, on a machine that may be busy

MIGRATING = [point for point in POINTS if point.startswith("migration.")]
WORKING = [point for point in POINTS if point not in MIGRATING]

SLICE: dict[str, Callable[[Run], Awaitable[None]]] = {
    "killed at each failpoint": lambda run: killed_at(run, *WORKING),
    "killed at random": partial(killed_at_random, times=2),
    "answer to COMMIT lost": partial(answer_to_commit_lost, times=3),
    "database restarted": partial(database_restarted, times=1),
    "database frozen": partial(database_frozen, times=1),
    "gateway": lambda run: gateway_broken(run, "RESUME accepted", "reordered", "op 7", "close 4000", "truncated frame"),
    "REST": lambda run: rest_broken(run, "429", "truncated body", "empty page", "deleted behind the page"),
    "sight lost": lambda run: sight_lost(run, *LOSSES),
    "leader lost": partial(leader_lost, times=2),
    "hostile content": partial(hostile_content, times=60),
}


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    """One that may be stopped and frozen."""
    with embedded_server() as server:
        yield server


@pytest.fixture(scope="module")
async def template(server: EmbeddedServer) -> str:
    return await make_migrated_template(server)


@pytest.mark.parametrize("name", SLICE)
async def test_nothing_is_lost(server: EmbeddedServer, template: str, name: str) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed of the run {seed}")
    async with a_run(server, seed, template) as run:
        await SLICE[name](run)


async def test_a_migration_that_is_killed_goes_on(server: EmbeddedServer) -> None:
    async with a_run(server, random.SystemRandom().randrange(1 << 32)) as run:
        await killed_while_migrating(run, *MIGRATING)
