"""The setups of a line as far as its words tell, and what the gaps between its numbers make of these."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from operator import gt, lt
from typing import Final, Literal, NamedTuple

from parsers.reading import Direction, Kind, Relation, Strategy

DIRECTIONS: Final[dict[Kind, Direction]] = {
    "rejection": "short",
    "breakdown": "short",
    "breakout": "long",
    "bounce": "long",
}
KIND_OF_SIDE: Final[dict[str, Kind]] = {"long": "breakout", "short": "breakdown"}
RELATED: Final[dict[Relation | None, Direction]] = {"above": "long", "below": "short"}
KIND_OF_RELATION: Final[dict[str, Kind]] = {"above": "breakout", "below": "breakdown"}

Spread = Literal["", "pair", "run", "columns", "zone", "ends"]

_ZONE_JOINTS: Final = {False: frozenset({"tight"}), True: frozenset({"tight", "dash", "to", "slash"})}
_RUN_GAPS: Final = frozenset({"space", "dash", "tight", "to", "other", "apart"})
_DASHED: Final = frozenset({"dash", "tight", "to"})
_PARTING: Final = frozenset({"other", "apart"})


class Plain(NamedTuple):
    """An ordinary part: one trigger and its targets, in this order, and nothing that the lines above must add.

    `ahead` says of two prices whether the first lies further the setup's way."""

    start: int
    end: int
    kind: Kind
    direction: Direction
    ahead: Callable[[Decimal, Decimal], bool]
    strategy: Strategy | None


class Part(NamedTuple):
    """One setup of a line as far as its words tell. Numbers are counted from the line's first.

    `spread` names what only the prices can decide: whether a `pair` is a zone or a trigger and its target, whether a
    `run` lists triggers or a trigger and its targets, which of its `columns` are targets, and whether a `zone` is one
    or begins its targets; `ends` is said of two targets that can be the two ends of one, and of triggers that words
    part or that stand behind a zone. `broke` says that a price is to break, not which way. `explicit` parts have an
    arrow, brackets or a word before their targets; `waiting` ones end with it. `doubtful` targets are those that a
    word calls a place on the chart: `(PMH 587.20)`. `asides` are the unknown words that something sets off from the
    prices: `586.49 (best one)`. `counted` parts have another price before anything that says targets, so that a digit
    can count them. `doubt` is why the part must not be read at all."""

    kind: Kind | None
    strategy: Strategy | None
    side: Direction | None
    relation: Relation | None
    triggers: tuple[tuple[int, int], ...]
    targets: tuple[int, ...]
    doubtful: tuple[int, ...]
    stop: int | None
    spread: Spread
    broke: bool
    explicit: bool
    waiting: bool
    unknown_before: int
    unknown_after: int
    asides: int
    counted: bool
    doubt: str | None
    start: int
    end: int
    plain: Plain | None = None


@dataclass(slots=True)
class Draft:
    """A part while its tokens are read."""

    start: int
    end: int = 0
    kind: Kind | None = None
    strategy: Strategy | None = None
    side: Direction | None = None
    relation: Relation | None = None
    turn: Kind | None = None  # what buying a dip or selling a rip makes of the side
    zone: bool = False
    bounded: bool = False
    listed: bool = False
    broke: bool = False
    run: list[int] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)
    between: list[str] = field(default_factory=list)  # the gap before each target
    stop: int | None = None
    explicit: bool = False
    unknown_before: int = 0
    unknown_after: int = 0
    against: bool = False
    void: bool = False
    mixed: bool = False
    garbled: bool = False
    asides: int = 0
    doubtful: list[int] = field(default_factory=list)

    @property
    def named(self) -> bool:
        return self.kind is not None or self.side is not None or self.broke


def finished(draft: Draft, waiting: bool) -> Part:
    """The part that a draft has become."""
    _drop_zones(draft)
    kind = _kind(draft)
    draft.unknown_before += draft.turn not in {None, kind}
    triggers, targets, spread = _roles(draft)
    explicit = draft.explicit or bool(targets)
    part = Part(
        kind, draft.strategy, draft.side, draft.relation, triggers, targets, tuple(draft.doubtful), draft.stop, spread,
        draft.broke, explicit, waiting, draft.unknown_before, draft.unknown_after, draft.asides,
        len(draft.run) > 1, _doubt(draft), draft.start, draft.end,
    )  # fmt: skip
    return part._replace(plain=_plain(part))


def _kind(draft: Draft) -> Kind | None:
    if draft.kind is not None:
        return draft.kind
    if draft.side is not None:
        turned = draft.turn is not None and DIRECTIONS[draft.turn] == draft.side
        return draft.turn if turned else KIND_OF_SIDE[draft.side]
    return KIND_OF_RELATION.get(draft.relation or "") if draft.broke else None


def _drop_zones(draft: Draft) -> None:
    """Leaves out two targets that a dash makes a zone among others that something else parts: `584–583.50, 582`."""
    gaps = draft.between
    for at in range(len(gaps) - 1, 0, -1):
        if gaps[at] == "tight" and len(gaps) > 2 and "tight" not in (gaps[at - 1], *gaps[at + 1 : at + 2]):
            del draft.targets[at - 1 : at + 1]
            draft.unknown_after += 1


def _plain(part: Part) -> Plain | None:
    unknown = part.unknown_before or part.unknown_after
    if (
        part.kind is None
        or part.doubt
        or part.spread
        or part.doubtful
        or part.waiting
        or unknown
        or part.stop is not None
    ):
        return None
    direction = DIRECTIONS[part.kind]
    if len(part.triggers) != 1 or RELATED.get(part.relation, direction) != direction:
        return None
    trigger = part.triggers[0][0]
    end = trigger + 1 + len(part.targets)
    if part.triggers[0] != (trigger, trigger) or part.targets != tuple(range(trigger + 1, end)):
        return None
    return Plain(trigger, end, part.kind, direction, gt if direction == "long" else lt, part.strategy)


def _doubt(draft: Draft) -> str | None:
    if draft.void:
        return "says that it no longer holds"
    if draft.against:
        return "says no or not before its price"
    if draft.garbled:
        return "a number that cannot be read where its price should stand"
    if draft.mixed:
        return "names two kinds of setup for one price"
    if draft.kind is not None and draft.side is not None and DIRECTIONS[draft.kind] != draft.side:
        return "names a kind and a direction that contradict each other"
    return None


def _roles(draft: Draft) -> tuple[tuple[tuple[int, int], ...], tuple[int, ...], Spread]:
    """Triggers, targets and what is left to the prices.

    Without an arrow, brackets or a word for targets, numbers of one line are levels of their own, unless the first is
    set apart from the others: `586.49 584.20, 582.00`, `586.49: 584.20, 582.00`, `586.49–587.00 | 584.20 | 582.00`."""
    ends: Spread = "ends" if len(draft.targets) == 2 and draft.between[1] in _DASHED else ""
    if not draft.run:
        return (), tuple(draft.targets), ends
    items, gaps = _zones(draft)
    first, others = (gaps[0], gaps[1:]) if gaps else ("", [])
    joined = items[0][0] != items[0][1]
    apart = first == "apart" if draft.targets else _sets_apart(items, first, others)
    if apart:
        ahead = [number for pair in items[1:] for number in dict.fromkeys(pair)]
        loose = draft.gaps[0] in {"dash", "to"} and not (draft.zone or draft.bounded)
        if first == "apart" == gaps[-1] and len(set(gaps)) > 1 and not draft.targets:
            del ahead[-1]  # `586.49 | 584.20, 582.00 | 588.00`: a column that nothing names
            draft.unknown_after += 1
        return items[:1], (*ahead, *draft.targets), "zone" if joined and loose else ends
    spread = "ends" if draft.targets and "other" in gaps else ends
    if first and not draft.targets:
        runs = _RUN_GAPS | {"slash"} if set(gaps) == {"slash"} and (joined or not draft.zone) else _RUN_GAPS
        if not others and first in {"dash", "to"}:
            spread = "pair"
        elif joined and first == "comma" and not draft.listed:
            spread = "ends"
        elif others and not draft.listed and set(gaps) <= runs:
            spread = "columns" if set(gaps) <= _PARTING else "run"
    return items, tuple(draft.targets), spread


def _sets_apart(items: Sequence[tuple[int, int]], first: str, others: Sequence[str]) -> bool:
    """Whether what stands behind the first price or zone of a line says that the other prices are its targets."""
    if not first:
        return False
    if items[0][0] != items[0][1] and first in _PARTING:
        return all(low == high for low, high in items[1:])
    if first == "apart" and set(others) - {first}:
        return True
    return first not in others and first not in {"comma", "and"} and (bool(others) or first in _PARTING)


def _zones(draft: Draft) -> tuple[tuple[tuple[int, int], ...], list[str]]:
    """The trigger numbers as zones and single prices, and the gaps that are left between these."""
    joints = _ZONE_JOINTS[draft.zone or bool(draft.targets)] | ({"and"} if draft.bounded else frozenset())
    if draft.zone and len(draft.run) == 2:
        joints |= {"space"}  # `zone 584.20 585.00`
    if draft.gaps[1:2] == ["apart"]:
        joints |= {"dash", "to"}  # `587.00 - 588.20: 590.00`
    items = [(draft.run[0], draft.run[0])]
    left: list[str] = []
    for position, gap in enumerate(draft.gaps):
        number = draft.run[position + 1]
        chained = gap in draft.gaps[max(position - 1, 0) : position] or gap in draft.gaps[position + 1 : position + 2]
        if gap in joints and items[-1][0] == items[-1][1] and not chained:
            items[-1] = (items[-1][0], number)
        else:
            items.append((number, number))
            left.append(gap)
    return tuple(items), left
