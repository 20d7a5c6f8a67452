"""The faults by name, and how often each has to be survived."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.faults.database import answer_to_commit_lost, database_frozen, database_restarted
from tests.faults.gateway import gateway_broken_at_random
from tests.faults.hostile import hostile_content
from tests.faults.killed import killed_at, killed_at_random, killed_while_migrating, leader_lost
from tests.faults.rest import rest_broken_at_random
from tests.faults.run import Run
from tests.faults.sight import sight_lost_at_random
from worker.failpoints import FAILPOINTS, Failpoint


@dataclass(frozen=True, slots=True)
class Fault:
    """`strike` lets it happen so many times in one run, `times` as a rule; `at_least` is the campaign's goal."""

    strike: Callable[[Run, int], Awaitable[None]]
    times: int
    at_least: int
    needs_migrating: bool = False


def _killed_at(point: Failpoint) -> Fault:
    if point.startswith("migration."):
        lives = 1 if point == "migration.finished" else 2  # what is finished is not done again
        return Fault(lambda run, times: killed_while_migrating(run, *[point] * times), lives, 40, needs_migrating=True)
    return Fault(lambda run, times: killed_at(run, *[point] * times), 5, 40)


# Announcing and erasing have tests of their own: test_announcing_killed.py and test_privacy.py in
# tests/acceptance/discord.
POINTS = [point for point in FAILPOINTS if not point.startswith(("announcer.", "erasure."))]

FAULTS: dict[str, Fault] = {
    **{f"killed at {point}": _killed_at(point) for point in POINTS},
    "killed at random": Fault(killed_at_random, 5, 200),
    "answer to COMMIT lost": Fault(answer_to_commit_lost, 10, 100),
    "database restarted": Fault(database_restarted, 4, 40),
    "database frozen": Fault(database_frozen, 2, 10),
    "gateway broken": Fault(gateway_broken_at_random, 6, 300),
    "REST broken": Fault(rest_broken_at_random, 8, 200),
    "sight lost": Fault(sight_lost_at_random, 5, 100),
    "leader lost": Fault(leader_lost, 4, 40),
    "hostile content": Fault(hostile_content, 1000, 1000),
}
