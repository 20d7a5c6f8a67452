"""Setups of one direction side by side: two share a lane where one ends before the other begins."""

from collections.abc import Sequence
from dataclasses import dataclass

from worker.gateway.ladder.model import LadderLevel, LadderSetup
from worker.gateway.ladder.scale import Scale

_APART = 34
"""Pixels from the end of one setup to the beginning of the next in its lane: a marker and some air."""


@dataclass(frozen=True, slots=True)
class Lane:
    """Setups from the highest down."""

    setups: tuple[LadderSetup, ...]

    @property
    def levels(self) -> list[LadderLevel]:
        return [level for setup in self.setups for level in setup.levels]


def lanes_of(setups: Sequence[LadderSetup], scale: Scale) -> list[Lane]:
    """As few lanes as the setups need, each setup in the first one that is free."""
    lanes: list[list[LadderSetup]] = []
    ends: list[float] = []
    for top, bottom, setup in sorted(((*_reach(setup, scale), setup) for setup in setups), key=_edges):
        free = next((place for place, end in enumerate(ends) if end + _APART <= top), None)
        if free is None:
            lanes.append([setup])
            ends.append(bottom)
        else:
            lanes[free].append(setup)
            ends[free] = bottom
    return [Lane(tuple(lane)) for lane in lanes]


def _reach(setup: LadderSetup, scale: Scale) -> tuple[float, float]:
    return (
        min(scale.y(level.high) for level in setup.levels),
        max(scale.y(level.low) for level in setup.levels),
    )


def _edges(reaching: tuple[float, float, LadderSetup]) -> tuple[float, float]:
    return reaching[:2]
