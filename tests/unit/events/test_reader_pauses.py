"""How long a reader waits between two tries."""

import pytest

from worker.events.leases import LONGEST_PAUSE_SECONDS, pause_seconds


@pytest.mark.parametrize(("tries", "seconds"), [(0, 1), (1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (1000, 60)])
def test_the_pause_doubles_up_to_the_longest_and_is_never_twice_the_same(tries: int, seconds: float) -> None:
    pauses = [pause_seconds(1.0, tries) for _ in range(200)]
    assert all(0.5 * seconds <= pause <= 1.5 * seconds for pause in pauses)
    assert len(set(pauses)) > 100
    assert max(pauses) <= 1.5 * LONGEST_PAUSE_SECONDS
