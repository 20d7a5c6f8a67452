"""The campaign: `python -m tests.faults [--minutes N] [--seed N] [--only NAME]`, or `make faults`.

It runs what was run least, until every fault has its number or the time is over; a fault that is not survived ends it
and names its seed."""

import argparse
import asyncio
import random
import sys
import time

from tests.faults import counts
from tests.faults.campaign import a_run
from tests.faults.faults import AT_LEAST, FAULTS
from tests.support.postgres import embedded_server


async def campaign(minutes: float, seed: int, only: str) -> int:
    chance = random.Random(seed)
    end = time.monotonic() + minutes * 60
    names = [name for name in FAULTS if only in name]
    with embedded_server() as server:
        while time.monotonic() < end:
            done = counts.load()
            name = min(names, key=lambda name: done[name] / AT_LEAST[name])
            if done[name] >= AT_LEAST[name]:
                break
            run_seed = chance.randrange(1 << 32)
            try:
                async with a_run(server, run_seed) as run:
                    await FAULTS[name](run)
            except BaseException:
                print(f"not survived: {name}, seed of the run {run_seed}", file=sys.stderr)
                raise
            print(f"{name}: {counts.add(name)[name]} of {AT_LEAST[name]}", flush=True)
    done = counts.load()
    return sum(done[name] < AT_LEAST[name] for name in names)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--only", default="", help="faults whose name holds this")
    given = parser.parse_args()
    print(f"seed {given.seed}")
    missing = asyncio.run(campaign(given.minutes, given.seed, given.only))
    print("every fault has its number" if not missing else f"{missing} faults still lack runs: run it again")


main()
