"""From a part of a line and the prices in it to a setup: what the words left open, the prices decide, and check."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Final, NamedTuple

from parsers.confidence import confidence
from parsers.formats.aplus.parts import DIRECTIONS, RELATED, Part
from parsers.formats.aplus.sections import Numbers
from parsers.numbers import near
from parsers.reading import Direction, Kind, Level, Setup, Span, Strategy

_COUNTERS: Final = frozenset(map(Decimal, range(1, 10)))
_THOUSAND, _THOUSAND_DIGITS = 1000, 3
_WAYS: Final = frozenset({"targets_wrong_way", "stop_wrong_way"})


class Origin(NamedTuple):
    """Where a setup stands: the first number of its line, the line, counted from 1, and its span."""

    first: int
    line: int
    span: Span


def build(
    part: Part, kind: Kind, strategy: Strategy | None, numbers: Numbers, origin: Origin, *, flags: list[str]
) -> Setup | None:
    """The setup that a part is, its numbers counted from its line's first; None where no trigger is left. May add to
    `flags`."""
    direction, first = DIRECTIONS[kind], origin.first
    refused = len(numbers.refused)
    pairs, ahead = _roles(part, direction, numbers, first, flags)
    triggers = _triggers(pairs, numbers, first)
    if not triggers:
        return None
    price = triggers[0].low
    kept = numbers.fitting([first + at for at in ahead], price)
    if (ahead and not kept) or _broken(numbers, refused):
        return None
    if part.doubtful:
        kept = _on_the_way(kept, direction, numbers, triggers, {first + at for at in part.doubtful})
    targets = [numbers.level("target", number) for number in kept]
    stop = None
    if part.stop is not None and numbers.fitting([first + part.stop], price):
        stop = numbers.level("stop", first + part.stop)
    odd = {
        "unknown_words": part.unknown_before or part.unknown_after,
        "number_unread": len(numbers.refused) > refused,
        "relation_contradicts": RELATED.get(part.relation, direction) != direction,
    }
    flags += [flag for flag, is_so in odd.items() if is_so]
    flags += _wrong_ways(direction, triggers, targets, stop)
    marks = tuple(flags)
    return Setup(
        kind, strategy, direction, triggers, tuple(targets), stop, origin.line, origin.span, marks, confidence(marks)
    )


def _roles(
    part: Part, direction: Direction, numbers: Numbers, first: int, flags: list[str]
) -> tuple[tuple[tuple[int, int], ...], tuple[int, ...]]:
    """A part's triggers and targets; prices that it leaves out are refused."""
    pairs, ahead = part.triggers, part.targets
    if part.spread == "ends":
        flags.append("zone_or_target")
    elif part.spread:
        pairs, ahead = _resolve(part, direction, numbers.values[first:], flags)
        taken = {*ahead, *(at for pair in pairs for at in pair)}
        numbers.refused += [first + low for low, high in part.triggers if low == high and low not in taken]
    return _uncounted(pairs, ahead, numbers, first) if part.counted else (pairs, ahead)


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
    return setup._replace(targets=targets, stop=stop, span=span, flags=marks, confidence=confidence(marks))


def _uncounted(
    pairs: tuple[tuple[int, int], ...], ahead: tuple[int, ...], numbers: Numbers, first: int
) -> tuple[tuple[tuple[int, int], ...], tuple[int, ...]]:
    """Triggers and targets without a digit before them that counts setups: `Breakout 2: 586.49 (588.70)`."""
    given, values, (low, high) = pairs, numbers.values, pairs[0]
    if values[first + low] not in _COUNTERS:
        return pairs, ahead
    if low != high:
        pairs = ((low, low), (high, high), *pairs[1:])
    others = [*(at for pair in pairs[1:] for at in pair), *ahead]
    if not others or any(near(values[first + at], values[first + low]) for at in others):
        return given, ahead
    numbers.meanings[first + low] = "label"
    return (pairs[1:], ahead) if len(pairs) > 1 else (((ahead[0], ahead[0]),), ahead[1:])


def _broken(numbers: Numbers, since: int) -> bool:
    """Whether a number refused since then is the end that broke off the one before it: `586 .49`, `21 890`."""
    return any(_broke_off(numbers, at) for at in numbers.refused[since:] if at)


def _broke_off(numbers: Numbers, at: int) -> bool:
    value, before = numbers.values[at], numbers.values[at - 1]
    begin, end = numbers.levels[at].span
    if before % 1 or begin - numbers.levels[at - 1].span.end > 1:
        return False
    return value < 1 or (end - begin == _THOUSAND_DIGITS and value % 1 == 0 and before < _THOUSAND)


def _triggers(pairs: Sequence[tuple[int, int]], numbers: Numbers, first: int) -> tuple[Level, ...]:
    price = numbers.values[first + pairs[0][0]]
    levels = []
    for low, high in pairs:
        ends = [first + low, first + high][: 1 if low == high else 2]
        kept = numbers.fitting(ends, price)
        if len(kept) < len(ends):
            numbers.refused += kept  # half a zone is no trigger
        elif low == high:
            levels.append(numbers.level("trigger", first + low))
        else:
            levels.append(numbers.zone(first + low, first + high))
    return tuple(levels)


def _on_the_way(
    found: Sequence[int], direction: Direction, numbers: Numbers, triggers: Sequence[Level], doubtful: set[int]
) -> Sequence[int]:
    """The targets without those doubtful ones that do not lie further the setup's way than what is before them."""
    kept: list[int] = []
    last = triggers[0].low
    for number in found:
        value = numbers.values[number]
        if number in doubtful and not (value > last if direction == "long" else value < last):
            numbers.refused.append(number)
            continue
        kept.append(number)
        last = value
    return kept


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
    A run without commas that goes the setup's way is a trigger and its targets, else levels. Of columns those on the
    setup's side of the first are its targets, whatever the others are."""
    sign = 1 if direction == "long" else -1
    (low, high), *others = part.triggers
    if part.spread == "zone":
        if sign * (values[high] - values[low]) > 0:
            flags.append("zone_or_target")
        return part.triggers, part.targets
    rest = [at for pair in others for at in dict.fromkeys(pair)]
    edge = max(low, high, key=lambda at: sign * values[at])  # a zone's far one
    prices = [sign * values[at] for at in (edge, *rest)]
    forward = all(after > before for before, after in pairwise(prices))
    if part.spread == "pair" or not (forward or all(after < before for before, after in pairwise(prices))):
        flags.append("zone_or_target")
    if part.spread == "columns" and not forward:
        return part.triggers[:1], tuple(at for at in rest if sign * values[at] > prices[0])
    if part.spread == "pair" and not (forward and RELATED.get(part.relation) == direction):
        return ((low, rest[0]),), ()
    return (part.triggers[:1], tuple(rest)) if forward else (part.triggers, ())
