"""How long is waited: for an event, and before the next try."""

import asyncio

import pytest

from tests.support.virtual_time import run_in_virtual_time
from worker.waiting import Backoff, doubled, happened

SAMPLES = 200


def test_an_event_ends_the_wait_and_so_does_the_time() -> None:
    async def wait() -> list[tuple[bool, float]]:
        loop = asyncio.get_running_loop()

        async def waited(event: asyncio.Event) -> tuple[bool, float]:
            began = loop.time()
            return await happened(event, 60), loop.time() - began

        never, soon, before = asyncio.Event(), asyncio.Event(), asyncio.Event()
        before.set()
        loop.call_later(5, soon.set)
        return [await waited(event) for event in (before, soon, never)]

    happenings, seconds = zip(*run_in_virtual_time(wait()), strict=True)
    assert happenings == (True, True, False)
    assert seconds == pytest.approx((0, 5, 60))


@pytest.mark.parametrize(("times", "seconds"), [(0, 2), (1, 4), (4, 32), (5, 50), (100_000, 50)])
def test_a_pause_doubles_up_to_the_longest_and_is_never_twice_the_same(times: int, seconds: float) -> None:
    pauses = {doubled(2, 50, times) for _ in range(SAMPLES)}
    assert len(pauses) > SAMPLES / 2
    assert 0.5 * seconds <= min(pauses) < 0.75 * seconds < 1.25 * seconds < max(pauses) <= 1.5 * seconds


def test_a_backoff_goes_on_until_it_is_reset() -> None:
    backoff = Backoff(1, 1000)
    runs = []
    for _ in range(2):
        runs.append([backoff.next() for _ in range(12)])
        backoff.reset()
    for pauses in runs:
        for number, pause in enumerate(pauses):
            wanted = min(2**number, 1000)
            assert 0.5 * wanted <= pause <= 1.5 * wanted
