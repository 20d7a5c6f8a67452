"""What REST can do to a catch-up: several faults at once strike a worker that has a gap in every channel."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from functools import partial

from tests.faults.run import Run
from tests.support.waiting import until
from worker.sandbox import Channel, Permission
from worker.sandbox.rest.faults import RestFault, RestFaults

PAGES = "GET /channels/*/messages"
ONE_MESSAGE = "GET /channels/*/messages/*"
MISSED = 130  # messages of each channel: more than a page

Armed = Callable[[], Awaitable[None]]
"""Waits until a fault that was armed before the worker began has struck."""

Arm = Callable[[Run], Armed]


def _hit(arm: Callable[[RestFaults], RestFault], meanwhile: Callable[[Run], object] | None = None) -> Arm:
    def armed(run: Run) -> Armed:
        fault = arm(run.sandbox.faults.rest)

        async def struck() -> None:
            async def is_hit() -> bool:
                return bool(fault.hits)

            await until(is_hit, f"a request to be struck: {fault}")
            if meanwhile is not None:
                meanwhile(run)
            fault.release()

        return struck

    return armed


def _delete_of_each(run: Run) -> None:
    """One of the page that is under way, and one that is behind it."""
    for channel in run.traders.channels:
        for message in (run.traders.missed[channel.id][3], run.traders.missed[channel.id][-3]):
            run.traders.delete(message)


def _revoked(permission: Permission) -> Arm:
    """A permission is gone when the catch-up begins, and is there again later."""

    def armed(run: Run) -> Armed:
        channel = run.chance.choice(run.traders.listened)
        channel.set_permissions(deny=permission)

        async def struck() -> None:
            await until(partial(_is_refused, run, channel), "the worker to find that it may not read")
            channel.set_permissions()

        return struck

    return armed


async def _is_refused(run: Run, channel: Channel) -> bool:
    lines = run.workers[-1].logged("history.not_permitted")
    return channel.id in {line["channel_id"] for line in lines}


def _empty_page(run: Run) -> Armed:
    """As if the permission was gone and the gateway had not told of it; then it tells that it is there."""
    rest = run.sandbox.faults.rest
    empty, refused = rest.answer(PAGES, 200, body=[]), rest.answer(ONE_MESSAGE, 403)

    async def struck() -> None:
        async def are_hit() -> bool:
            return bool(empty.hits and refused.hits)

        await until(are_hit, "an empty page and the question whether it may be believed")
        for channel in run.traders.listened:
            channel.set_permissions(allow=channel.guild.roles[channel.guild.id].permissions)

    return struck


MISLEADING = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "0.3", "X-RateLimit-Reset": "1"}

ARMS: dict[str, Arm] = {
    "429": _hit(lambda rest: rest.limit(PAGES)),
    "429 global": _hit(lambda rest: rest.limit(PAGES, scope="global")),
    "429 as from a ban": _hit(lambda rest: rest.limit(PAGES, via=False)),
    "misleading headers": _hit(lambda rest: rest.headers(PAGES, MISLEADING)),
    **{
        str(status): _hit(partial(RestFaults.answer, route=PAGES, status=status))
        for status in (403, 404, 500, 502, 503)
    },
    "slow": _hit(lambda rest: rest.delay(PAGES, 0.5)),
    "truncated body": _hit(lambda rest: rest.cut(PAGES)),
    "reset": _hit(lambda rest: rest.reset(PAGES, times=2)),
    "reset after the request": _hit(lambda rest: rest.reset(PAGES, times=2, late=True)),
    "empty page": _empty_page,
    "history revoked": _revoked(Permission.READ_MESSAGE_HISTORY),
    "view revoked": _revoked(Permission.VIEW_CHANNEL),
    "deleted before the page": _hit(lambda rest: rest.hold(PAGES), _delete_of_each),
    "deleted behind the page": _hit(lambda rest: rest.hold(PAGES, late=True), _delete_of_each),
}


async def rest_broken(run: Run, *kinds: str) -> None:
    async with run.at_work() as worker:
        await run.load(0.3)
        await run.settled()
        await worker.stop(signal.SIGKILL)
    with run.traders.nobody_there():
        run.traders.act(20)
        run.traders.miss(MISSED)
    struck = [ARMS[kind](run) for kind in kinds]
    async with run.at_work():
        await asyncio.gather(*(one() for one in struck))
        await run.load(0.2)
        await run.settled()
    run.struck.update(kinds)


async def rest_broken_at_random(run: Run, times: int) -> None:
    await rest_broken(run, *run.chance.choices(sorted(ARMS), k=times))
