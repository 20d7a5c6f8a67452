"""What a gateway can do to a session, one thing after another; each has to be seen to have happened."""

from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from functools import partial
from typing import Literal

from tests.faults.run import Run
from tests.support.waiting import until

# Source: Discord's developer documentation, "Opcodes and Status Codes". The others are final: a worker ends with them.
PASSING_CLOSES = (1000, 1001, 4000, 4001, 4002, 4003, 4005, 4007, 4008, 4009)

DEAD_HOST = "ws://127.0.0.1:9/"

Answer = Literal["resumed", "ready"]
"""How the session goes on: the one that was is resumed, or a new one begins."""

Strike = Callable[[Run], Awaitable[None]]


def _goes_on(strike: Callable[[Run], object], answer: Answer) -> Strike:
    async def struck(run: Run) -> None:
        # What happens between two sessions is told to nobody.
        with run.traders.nobody_there() if answer == "ready" else nullcontext():
            before = len(run.sandbox.identifies)
            strike(run)

            async def has_answered() -> bool:
                run.traders.act()
                return any(record.outcome == answer for record in run.sandbox.identifies[before:])

            await until(has_answered, f"a session that is {answer}")

    return struck


def _and_cut(act: Callable[[Run], object]) -> Callable[[Run], object]:
    """What waits for the next connection strikes once this one is cut."""

    def strike(run: Run) -> None:
        act(run)
        run.sandbox.faults.gateway.cut()

    return strike


def _distorted(kind: str, times: int = 1) -> Strike:
    async def struck(run: Run) -> None:
        fault = run.sandbox.faults.gateway.distort(kind, "MESSAGE_CREATE", times=times)

        async def has_struck() -> bool:
            run.traders.act()
            return fault.hits == times

        await until(has_struck, f"frames to be distorted: {kind}")

    return struck


async def _dead_resume_host(run: Run) -> None:
    """READY names a host that is not there, so that no RESUME succeeds: the session is given up in the end."""
    gateway = run.sandbox.faults.gateway
    gateway.set_resume_url(DEAD_HOST)
    await _goes_on(_and_cut(lambda run: run.sandbox.faults.gateway.forget_sessions()), "ready")(run)
    gateway.set_resume_url(None)
    await _goes_on(lambda _: gateway.cut(), "ready")(run)


STRIKES: dict[str, Strike] = {
    "RESUME accepted": _goes_on(lambda run: run.sandbox.faults.gateway.cut(), "resumed"),
    "RESUME refused": _goes_on(_and_cut(lambda run: run.sandbox.faults.gateway.refuse_resumes()), "ready"),
    "session forgotten": _goes_on(_and_cut(lambda run: run.sandbox.faults.gateway.forget_sessions()), "ready"),
    "connection refused": _goes_on(_and_cut(lambda run: run.sandbox.faults.gateway.refuse_connections(2)), "resumed"),
    "dead resume host": _dead_resume_host,
    "op 7": _goes_on(lambda run: run.sandbox.faults.gateway.reconnect(), "resumed"),
    "op 9 resumable": _goes_on(lambda run: run.sandbox.faults.gateway.invalidate(resumable=True), "resumed"),
    "op 9": _goes_on(lambda run: run.sandbox.faults.gateway.invalidate(resumable=False), "ready"),
    "silence": _goes_on(lambda run: run.sandbox.faults.gateway.silence(), "ready"),
    "deaf": _goes_on(lambda run: run.sandbox.faults.gateway.deafen(), "ready"),
    "duplicate": _distorted("duplicate", 5),
    "reordered": _distorted("reorder"),
    "truncated frame": _goes_on(
        lambda run: run.sandbox.faults.gateway.distort("truncate", "MESSAGE_CREATE"), "resumed"
    ),
    "bad JSON": _goes_on(lambda run: run.sandbox.faults.gateway.distort("bad_json", "MESSAGE_CREATE"), "ready"),
    **{
        f"close {code}": _goes_on(
            partial(lambda run, code: run.sandbox.faults.gateway.close(code), code=code),
            "ready" if code in (4007, 4009) else "resumed",
        )
        for code in PASSING_CLOSES
    },
}


async def gateway_broken(run: Run, *kinds: str) -> None:
    async with run.at_work() as worker:
        for kind in kinds:
            await run.load(0.2)
            await STRIKES[kind](run)
            await run.load(0.1)
            await worker.ready()
            run.struck[kind] += 1
        await run.settled()


async def gateway_broken_at_random(run: Run, times: int) -> None:
    await gateway_broken(run, *run.chance.choices(sorted(STRIKES), k=times))
