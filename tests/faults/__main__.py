"""The campaign: `python -m tests.faults [--minutes N] [--seed N] [--only NAME] [--jobs N]`, or `make faults`.

It runs what was run least, until every fault has its number or the time is over. What is not survived is not counted:
its seed and the logs of its workers are kept in a folder that is named at the end."""

import argparse
import asyncio
import json
import logging
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from tests.faults import counts
from tests.faults.faults import FAULTS
from tests.faults.run import Run, a_run
from tests.support.migrated import make_migrated_template
from tests.support.postgres import embedded_server
from worker.db.embedded import EmbeddedServer


@dataclass(slots=True)
class Campaign:
    minutes: float
    chance: random.Random
    names: list[str]
    folder: Path
    under_way: Counter[str] = field(default_factory=Counter)
    failed: int = 0

    async def run(self, jobs: int) -> None:
        """Every job has a server of its own, which its faults may stop."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            servers = [stack.enter_context(embedded_server()) for _ in range(jobs)]
            # One after the other: Alembic's state is the process's.
            templates = [await make_migrated_template(server) for server in servers]
            await asyncio.gather(*(self._job(*place) for place in zip(servers, templates, strict=True)))

    async def _job(self, server: EmbeddedServer, template: str) -> None:
        end = time.monotonic() + self.minutes * 60
        while time.monotonic() < end and (name := self._next()):
            fault, seed = FAULTS[name], self.chance.randrange(1 << 32)
            self.under_way[name] += fault.times
            run: Run | None = None
            began = time.monotonic()
            try:
                async with a_run(server, seed, "template1" if fault.needs_migrating else template) as run:
                    await fault.strike(run, fault.times)
                counts.add(name, run.struck)
                seconds = time.monotonic() - began
                print(f"{name}: {counts.total(name)} of {fault.at_least} ({seconds:.0f} s)", flush=True)
            except Exception:  # noqa: BLE001  printed, kept and counted
                self._not_survived(name, seed, run)
            finally:
                self.under_way[name] -= fault.times

    def _next(self) -> str | None:
        """What is furthest from its number, those under way included."""
        lacking = {
            name: part
            for name in self.names
            if (part := (counts.total(name) + self.under_way[name]) / FAULTS[name].at_least) < 1
        }
        return min(lacking, key=lambda name: lacking[name], default=None)

    def _not_survived(self, name: str, seed: int, run: Run | None) -> None:
        self.failed += 1
        file = self.folder / f"{name.replace(' ', '-')}-{seed}.log"
        with file.open("w") as log:
            traceback.print_exc(file=log)
            print("struck:", dict(run.struck) if run else None, file=log)
            for number, worker in enumerate(run.workers if run else ()):
                print(f"-- worker {number}", *worker.output, *map(json.dumps, worker.log), sep="\n", file=log)
        print(f"NOT SURVIVED: {name}, seed {seed}: {sys.exception()!r:.300}; see {file}", flush=True)


def main() -> None:
    # Where the runner was put into the background SIGINT is ignored; it is what ends a campaign in good order.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--only", default="", help="faults whose name holds this")
    parser.add_argument("--jobs", type=int, default=2, help="runs at once; each has a server of its own")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    print(f"seed {given.seed}", flush=True)
    names = [name for name in FAULTS if given.only in name]
    folder = Path(tempfile.gettempdir()) / f"faults-{given.seed}"
    campaign = Campaign(given.minutes, random.Random(given.seed), names, folder)
    asyncio.run(campaign.run(given.jobs))
    lacking = sum(counts.total(name) < FAULTS[name].at_least for name in names)
    print("every fault has its number" if not lacking else f"{lacking} faults still lack runs: run it again")
    if campaign.failed:
        sys.exit(f"{campaign.failed} runs were not survived: see {folder}")


main()
