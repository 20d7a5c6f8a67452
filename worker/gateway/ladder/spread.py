"""Labels moved as little as may be so that none overlaps another and their order stays."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(slots=True)
class _Block:
    """Neighbours that touch: as one they stand at the mean of where each would like to be."""

    total: float
    count: int

    @property
    def place(self) -> float:
        return self.total / self.count


def spread(wanted: Sequence[float], heights: Sequence[float], top: float, bottom: float) -> list[float]:
    """The tops of labels stacked in the given order, between `top` and `bottom` where they all fit there.

    `wanted` holds the tops they would like, in rising order. The sum of the squared moves is the least possible: with
    the heights above each taken off, the tops need only never fall, which pooling adjacent violators solves exactly.
    """
    above = [0.0]
    for height in heights:
        above.append(above[-1] + height)
    blocks: list[_Block] = []
    for place, offset in zip(wanted, above, strict=False):
        blocks.append(_Block(place - offset, 1))
        while len(blocks) > 1 and blocks[-2].place > blocks[-1].place:
            last = blocks.pop()
            blocks[-1].total += last.total
            blocks[-1].count += last.count
    lowest = max(top, bottom - above[-1])
    places = [min(max(block.place, top), lowest) for block in blocks for _ in range(block.count)]
    return [place + offset for place, offset in zip(places, above, strict=False)]
