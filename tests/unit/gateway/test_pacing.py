"""How fast Discord is asked, on a clock that does not wait."""

import asyncio
import itertools

import pytest

from tests.support.virtual_time import run_in_virtual_time
from worker.gateway.pacing import (
    IDENTIFY_LIMIT,
    IDENTIFY_WINDOW_SECONDS,
    INVALID_LIMIT,
    INVALID_WINDOW_SECONDS,
    LONGEST_PAGE_SECONDS,
    MADE_UP_FOR,
    REQUESTS_PER_SECOND,
    BudgetSpentError,
    Identifies,
    InvalidRequests,
    Pace,
)

DISCORDS_LIMIT = 50  # requests in a second


def now() -> float:
    return asyncio.get_running_loop().time()


async def _seconds_between(pace: Pace, channel_id: int, pages: int) -> list[float]:
    times = []
    for _ in range(pages + 1):
        await pace.page(channel_id)
        times.append(now())
    return [later - earlier for earlier, later in itertools.pairwise(times)]


@pytest.mark.parametrize("idle", [0, 10])
def test_no_second_has_more_requests_than_discord_allows(idle: int) -> None:
    async def ask() -> list[float]:
        pace = Pace(0)
        await asyncio.sleep(idle)
        times: list[float] = []

        async def one(channel_id: int) -> None:
            await pace.page(channel_id)
            times.append(now())

        await asyncio.gather(*(one(number) for number in range(200)))
        return times

    times = run_in_virtual_time(ask())
    assert max(sum(begin <= at < begin + 1 for at in times) for begin in times) <= DISCORDS_LIMIT
    made_up_for = MADE_UP_FOR if idle else 0
    assert times[-1] == pytest.approx(idle + (199 - made_up_for) / REQUESTS_PER_SECOND)


def test_turns_that_were_taken_late_are_made_up_for() -> None:
    """As when the loop is busy: each of these comes two turns late."""

    async def ask() -> float:
        pace = Pace(0)
        for _ in range(100):
            await asyncio.sleep(3 / REQUESTS_PER_SECOND)
            for _ in range(3):
                await pace.turn()
        return now()

    assert run_in_virtual_time(ask()) == pytest.approx(300 / REQUESTS_PER_SECOND, rel=0.01)


def test_a_channel_is_asked_for_a_page_a_second_and_no_channel_waits_for_another() -> None:
    async def ask() -> tuple[list[list[float]], float]:
        pace = Pace(1)
        found = await asyncio.gather(*(_seconds_between(pace, channel_id, 5) for channel_id in range(10)))
        return found, now()

    found, took = run_in_virtual_time(ask())
    assert min(seconds for channel in found for seconds in channel) >= 1 - 1e-9
    assert took < 7


def test_a_channel_that_is_limited_is_asked_less_often_and_by_and_by_more_often_again() -> None:
    async def ask() -> tuple[list[float], list[float], list[float]]:
        pace = Pace(0)
        pace.limited(1)
        once = await _seconds_between(pace, 1, 30)
        other = await _seconds_between(pace, 2, 5)
        for _ in range(20):
            pace.limited(1)
        return once, other, await _seconds_between(pace, 1, 3)

    once, other, often = run_in_virtual_time(ask())
    assert once[0] >= 1
    beyond_turns = [seconds for seconds in once if seconds > MADE_UP_FOR / REQUESTS_PER_SECOND]
    assert len(beyond_turns) > 5
    assert beyond_turns == sorted(beyond_turns, reverse=True)
    assert once[-1] < 0.1
    assert max(other) < 0.1
    assert LONGEST_PAGE_SECONDS / 2 < max(often) <= LONGEST_PAGE_SECONDS + 1


def test_history_waits_long_before_discord_bans() -> None:
    async def ask() -> None:
        invalid = InvalidRequests()
        for status in (401, 403, 429, 200, 404, 500) * (INVALID_LIMIT // 3):
            invalid.check()
            invalid.answered(status)
        invalid.answered(429)
        with pytest.raises(BudgetSpentError):
            invalid.check()
        await asyncio.sleep(INVALID_WINDOW_SECONDS - 1)
        with pytest.raises(BudgetSpentError):
            invalid.check()
        await asyncio.sleep(2)
        invalid.check()

    run_in_virtual_time(ask())


def test_logins_stay_below_what_discord_allows_in_a_day() -> None:
    async def log_in() -> float:
        identifies = Identifies()
        for _ in range(5 * IDENTIFY_LIMIT):
            await identifies.turn()
        return now()

    took = run_in_virtual_time(log_in())
    assert took == pytest.approx(4 * IDENTIFY_WINDOW_SECONDS)
    assert 24 * 3600 / IDENTIFY_WINDOW_SECONDS * IDENTIFY_LIMIT < 1000
