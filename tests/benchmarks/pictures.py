"""What a price ladder's picture costs beside a blank picture of the same size, encoded the same way.

The blank one is the least that any picture costs: as many pixels, all of one colour, made and written as a PNG. Both
are taken in turns in the same process, one at a time; the goal is for one picture from start to end.
"""

import statistics
import time
from collections.abc import Callable
from functools import partial
from io import BytesIO

from PIL import Image

from tests.support.ladders import LADDERS
from worker.gateway.ladder import Ladder, colours, draw_ladder

ROUNDS = 150
GOAL = 0.150
"""Seconds at p99."""


async def main() -> None:
    """Prints p50 and p99 of the usual plan, of the one with most labels, and of all in turn."""
    for name in ("full_plan", "forty_levels"):
        _report(name, [LADDERS[name]], ROUNDS)
    _report("all golden pictures", list(LADDERS.values()), ROUNDS // len(LADDERS))


def _report(name: str, ladders: list[Ladder], rounds: int) -> None:
    ours, blank, processor = [], [], 0.0
    for ladder in ladders:
        size = Image.open(BytesIO(draw_ladder(ladder))).size
        for _ in range(rounds):
            began = time.process_time()
            ours.append(_taken(partial(draw_ladder, ladder)))
            processor += time.process_time() - began
            blank.append(_taken(partial(_blank, size)))
    print(f"{name}: {processor / len(ours) * 1000:.0f} ms of processor time a picture")
    for part in (50, 99):
        drawn, empty = _percentile(ours, part), _percentile(blank, part)
        goal = f"; goal: under {GOAL * 1000:.0f} ms" if part == 99 else ""
        print(
            f"{name}, p{part}: {drawn / empty:4.1f} times a blank picture of its size"
            f" ({drawn * 1000:.0f} ms against {empty * 1000:.0f} ms{goal})"
        )


def _blank(size: tuple[int, int]) -> None:
    image = Image.new("RGB", size, colours.BACKGROUND)
    drawn = image.quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    drawn.save(BytesIO(), "PNG", compress_level=3)


def _taken(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _percentile(values: list[float], part: int) -> float:
    return statistics.quantiles(values, n=100)[part - 1]
