"""From a part of a line and the prices in it to a setup: what the words left open, the prices decide, and check."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache, partial
from typing import Final

from parsers.formats.aplus.parts import DIRECTIONS, Part
from parsers.numbers import near
from parsers.reading import Direction, Kind, Level, Relation, Role, Setup, Span, Strategy

CONFIDENCE: Final = {
    "kind_inherited": Decimal("0.9"),
    "unknown_words": Decimal("0.8"),
    "zone_or_target": Decimal("0.7"),
    "ticker_missing": Decimal("0.6"),
    "number_unread": Decimal("0.6"),
    "relation_contradicts": Decimal("0.5"),
    "stop_wrong_way": Decimal("0.5"),
    "targets_wrong_way": Decimal("0.5"),
}
"""What each flag leaves of a setup's confidence; several multiply."""

_WAYS: Final = frozenset({"targets_wrong_way", "stop_wrong_way"})
_RELATED: Final[dict[Relation | None, Direction]] = {"above": "long", "below": "short"}
# A named tuple's own constructor is a Python function; a reading makes hundreds of these.
_new_level = partial(tuple.__new__, Level)


@lru_cache(maxsize=1024)
def confidence(flags: tuple[str, ...]) -> Decimal:
    """The confidence that flags leave; 1 without any."""
    left = Decimal(1)
    for flag in flags:
        left *= CONFIDENCE[flag]
    return left


class Numbers:
    """The numbers of a text as levels. `refused` collects those that their words call prices and their values do not."""

    def __init__(self, spans: Sequence[Span], values: Sequence[Decimal]) -> None:
        self.spans = spans
        self.values = values
        self.refused: list[int] = []

    def level(self, role: Role, number: int, relation: Relation | None = None) -> Level:
        value = self.values[number]
        return _new_level((role, value, value, relation, self.spans[number]))

    def zone(self, first: int, last: int, relation: Relation | None) -> Level:
        low, high = sorted((self.values[first], self.values[last]))
        return Level("trigger", low, high, relation, Span(self.spans[first].start, self.spans[last].end))

    def fitting(self, found: Sequence[int], price: Decimal) -> Sequence[int]:
        """The numbers that can be prices beside this one; the others are refused."""
        values = self.values
        kept = [number for number in found if near(values[number], price)]
        if len(kept) != len(found):
            self.refused += [number for number in found if number not in kept]
        return kept


def build(
    part: Part,
    kind: Kind,
    strategy: Strategy | None,
    numbers: Numbers,
    first: int,
    line: int,
    span: Span,
    flags: list[str],
) -> Setup | None:
    """The setup that a part is, its numbers counted from `first`; None where no trigger is left. May add to `flags`."""
    direction = DIRECTIONS[kind]
    pairs, ahead = part.triggers, part.targets
    if part.spread:
        pairs, ahead = _resolve(part, direction, numbers.values[first:], flags)
    refused = len(numbers.refused)
    triggers = _triggers(pairs, part.relation, numbers, first)
    if not triggers:
        return None
    price = triggers[0].low
    targets = [numbers.level("target", number) for number in numbers.fitting([first + at for at in ahead], price)]
    stop = None
    if part.stop is not None and numbers.fitting([first + part.stop], price):
        stop = numbers.level("stop", first + part.stop)
    if part.unknown_before or part.unknown_after:
        flags.append("unknown_words")
    if len(numbers.refused) > refused:
        flags.append("number_unread")
    if _RELATED.get(part.relation, direction) != direction:
        flags.append("relation_contradicts")
    flags += _wrong_ways(direction, triggers, targets, stop)
    marks = tuple(flags)
    return Setup(kind, strategy, direction, triggers, tuple(targets), stop, line, span, marks, confidence(marks))


def extend(setup: Setup, part: Part, numbers: Numbers, first: int, end: int) -> Setup:
    """The setup with the targets and the stop of a line under it, which ends at `end`."""
    price = setup.triggers[0].low
    refused = len(numbers.refused)
    more = [*(at for low, high in part.triggers for at in dict.fromkeys((low, high))), *part.targets]
    targets = (
        *setup.targets,
        *(numbers.level("target", at) for at in numbers.fitting([first + at for at in more], price)),
    )
    stop = setup.stop
    if part.stop is not None and stop is not None:
        numbers.refused.append(first + part.stop)
    elif part.stop is not None and numbers.fitting([first + part.stop], price):
        stop = numbers.level("stop", first + part.stop)
    flags = [flag for flag in setup.flags if flag not in _WAYS]
    if len(numbers.refused) > refused and "number_unread" not in flags:
        flags.append("number_unread")
    flags += _wrong_ways(setup.direction, setup.triggers, targets, stop)
    marks = tuple(flags)
    span = Span(setup.span.start, end)
    return replace(setup, targets=targets, stop=stop, span=span, flags=marks, confidence=confidence(marks))


def flagged(setup: Setup, flag: str) -> Setup:
    """The setup with one flag more."""
    flags = (*setup.flags, flag)
    return replace(setup, flags=flags, confidence=confidence(flags))


def _triggers(
    pairs: Sequence[tuple[int, int]], relation: Relation | None, numbers: Numbers, first: int
) -> tuple[Level, ...]:
    price = numbers.values[first + pairs[0][0]]
    levels = []
    for low, high in pairs:
        if low == high:
            if numbers.fitting((first + low,), price):
                levels.append(numbers.level("trigger", first + low, relation))
        elif len(numbers.fitting((first + low, first + high), price)) == 2:
            levels.append(numbers.zone(first + low, first + high, relation))
    return tuple(levels)


def _wrong_ways(
    direction: Direction, triggers: Sequence[Level], targets: Sequence[Level], stop: Level | None
) -> list[str]:
    """Targets run strictly one way from the trigger's far edge; a stop lies on the other side."""
    flags = []
    if direction == "long":
        last = edge = max([level.high for level in triggers])
        for target in targets:
            if target.low <= last:
                flags.append("targets_wrong_way")
                break
            last = target.low
        if stop is not None and stop.low >= edge:
            flags.append("stop_wrong_way")
        return flags
    last = edge = min([level.low for level in triggers])
    for target in targets:
        if target.low >= last:
            flags.append("targets_wrong_way")
            break
        last = target.low
    if stop is not None and stop.low <= edge:
        flags.append("stop_wrong_way")
    return flags


def _resolve(
    part: Part, direction: Direction, values: Sequence[Decimal], flags: list[str]
) -> tuple[tuple[tuple[int, int], ...], tuple[int, ...]]:
    """What a part's words left to its prices.

    A pair apart by a dash is a zone, unless the words say above or below and the second price lies further that way.
    A run without commas that goes the setup's way is a trigger and its targets, else levels."""
    found = [at for low, high in part.triggers for at in dict.fromkeys((low, high))]
    steps = [values[after] - values[before] for before, after in zip(found, found[1:], strict=False)]
    forward = all(step > 0 if direction == "long" else step < 0 for step in steps)
    if part.spread == "pair":
        flags.append("zone_or_target")
        if forward and _RELATED.get(part.relation) == direction:
            return ((found[0], found[0]),), (found[1],)
        return ((found[0], found[1]),), ()
    if forward:
        return part.triggers[:1], tuple(found[1:]) if part.triggers[0][0] == part.triggers[0][1] else tuple(found[2:])
    return part.triggers, ()
