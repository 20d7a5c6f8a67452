"""The worker dies while it announces: the next one announces each plan once."""

import asyncio
import random
import signal
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from tests.support.announced import Announced
from tests.support.discord_desk import Desk
from tests.support.waiting import until
from tests.support.worker_process import settings_for, worker_process
from worker.demo_posts import opening_plan
from worker.failpoints import Failpoint


def settings(desk: Desk) -> dict[str, str]:
    return settings_for(
        desk.sandbox,
        DATABASE_URL=desk.database.dsn,
        DISCORD_CHANNELS=str(desk.plans.id),
        HISTORY_PAGE_SECONDS="0",
        LEASE_SECONDS="1",
    )


def plan() -> str:
    return opening_plan(datetime.now(ZoneInfo("America/Chicago")).date())


@pytest.mark.parametrize("remembers_nonces", [True, False])
@pytest.mark.parametrize("passes", [0, 1])
@pytest.mark.parametrize("point", ["announcer.row_committed", "announcer.posted"])
async def test_killed_while_it_posts(
    desk: Desk, announced: Announced, point: Failpoint, passes: int, remembers_nonces: bool
) -> None:
    if not remembers_nonces:
        desk.sandbox.rules.nonce_seconds = 0
    async with worker_process("run", env=settings(desk) | {"FAILPOINTS": f"{point}={passes}"}) as worker:
        await worker.ready()
        desk.sandbox.post(desk.plans, plan())
        assert await worker.ended() == -signal.SIGKILL, worker.log[-5:]
    posted = passes + (point == "announcer.posted")
    assert len(announced.ever) == posted
    async with worker_process("run", env=settings(desk)) as worker:
        await announced.titled("NVDA", "SPY")
        await announced.settled()
        assert await worker.stop() == 0
    assert len(announced.ever) == 2


async def test_killed_at_any_moment(desk: Desk, announced: Announced) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")  # noqa: T201  a failure shows it
    chance = random.Random(seed)
    desk.sandbox.rules.nonce_seconds = 0
    for life in range(4):
        async with worker_process("run", env=settings(desk)) as worker:
            await worker.ready()
            if life == 0:
                desk.sandbox.post(desk.plans, plan())
            await asyncio.sleep(chance.uniform(0, 0.4))
            await worker.stop(signal.SIGKILL)
    async with worker_process("run", env=settings(desk)) as worker:
        await worker.ready()
        await announced.titled("NVDA", "SPY")
        await announced.settled()
        assert await worker.stop() == 0
    assert len(announced.ever) == 2


async def test_superseded_between_two_lives(desk: Desk, announced: Announced) -> None:
    """A plan whose post came through just before the kill, and that was replaced while nobody was there."""
    async with worker_process("run", env=settings(desk) | {"FAILPOINTS": "announcer.posted=0"}) as worker:
        await worker.ready()
        desk.sandbox.post(desk.plans, plan().partition("NVDA")[0])
        assert await worker.ended() == -signal.SIGKILL
    [first] = announced.posts
    desk.sandbox.post(desk.plans, plan().partition("NVDA")[0].replace("612.40", "613.40"))
    async with worker_process("run", env=settings(desk)) as worker:

        async def is_struck() -> bool:
            return bool(desk.sandbox.find(first).embeds[0]["title"].startswith("~~SPY"))

        await until(is_struck, "the first announcement to be struck through")
        await announced.titled("~~SPY", "SPY")
        assert await worker.stop() == 0
    assert len(announced.ever) == 2
