"""What a message's new reading does to its plans, and which of several plans is current. Pure."""

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from worker.events.catalogue import as_json
from worker.ingest.plans import PlanValue, SetupValue
from worker.words import PlanState

Item = TypeVar("Item")
PlanName = int | tuple[int, int]
"""A stored plan's id, or message and position of one that has yet to get an id."""


class SetupChange(NamedTuple):
    """Created where `before` is None, withdrawn where `after` is; else the same setup, maybe with other values."""

    before: SetupValue | None
    after: SetupValue | None


class PlanChange(NamedTuple):
    """Likewise for a plan, with what happens to each of its setups."""

    before: PlanValue | None
    after: PlanValue | None
    setups: tuple[SetupChange, ...]


def changes_between(stored: Sequence[PlanValue], read: Sequence[PlanValue]) -> list[PlanChange]:
    """Matches the plans of a message that stand with those of its new reading, by ticker and within it in order.

    What matches keeps its ids."""
    return [
        PlanChange(before, _in_place_of(before, after), tuple(_setup_changes(before, after)))
        for before, after in _pair(stored, read, lambda plan: plan.ticker)
    ]


def _in_place_of(before: PlanValue | None, after: PlanValue | None) -> PlanValue | None:
    """What follows from other plans is as it was until it is derived anew."""
    if before is None or after is None:
        return after
    return after._replace(plan_id=before.plan_id, has_fewer_setups=before.has_fewer_setups, is_silent=before.is_silent)


def _setup_changes(before: PlanValue | None, after: PlanValue | None) -> list[SetupChange]:
    pairs = _pair(
        before.setups if before else (),
        after.setups if after else (),
        lambda setup: (setup.kind, setup.strategy, setup.triggers, as_json(setup.instrument)),
        lambda setup: (setup.kind, setup.strategy),
    )
    return [SetupChange(old, new._replace(setup_id=old.setup_id) if old and new else new) for old, new in pairs]


def _pair(
    before: Sequence[Item], after: Sequence[Item], *keys: Callable[[Item], Hashable]
) -> list[tuple[Item | None, Item | None]]:
    """Pairs what has the same key, the strictest key first and in order; what is left stands alone, gone ones last."""
    left_before, partner = list(range(len(before))), dict[int, int]()
    for key in keys:
        waiting = defaultdict[Hashable, deque[int]](deque)
        for index in left_before:
            waiting[key(before[index])].append(index)
        for index, item in enumerate(after):
            if index not in partner and (candidates := waiting.get(key(item))):
                partner[index] = candidates.popleft()
        taken = set(partner.values())
        left_before = [index for index in left_before if index not in taken]
    pairs: list[tuple[Item | None, Item | None]] = [
        (before[partner[index]] if index in partner else None, item) for index, item in enumerate(after)
    ]
    return pairs + [(before[index], None) for index in left_before]


def changed_fields(before: tuple[PlanValue, SetupValue], after: tuple[PlanValue, SetupValue]) -> list[str]:
    """The fields of a setup's facts that differ, by their names there; where it stands in the text is none of them."""
    of_plan = ("trading_day", "trading_day_source", "bias_direction", "plan_flags")
    of_setup = ("direction", "triggers", "targets", "stop", "flags", "confidence", "instrument", "quantity")
    return [
        *(name for name in of_plan if getattr(before[0], name) != getattr(after[0], name)),
        *(name for name in of_setup if getattr(before[1], name) != getattr(after[1], name)),
    ]


def is_unchanged(change: PlanChange, pair: SetupChange) -> bool:
    """Whether a setup of a changed plan is told by the same facts as before."""
    if not (change.before and change.after and pair.before and pair.after):
        return False
    return not changed_fields((change.before, pair.before), (change.after, pair.after))


@dataclass(frozen=True, slots=True)
class Contender:
    """A plan that is not withdrawn, among those of one channel, ticker and trading day. `name` tells them apart."""

    name: PlanName
    message_id: int
    position: int
    fingerprint: bytes
    setups: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What follows for a contender. `has_fewer_setups` flags a plan that is shorter than the one it supersedes."""

    state: PlanState
    superseded_by: PlanName | None
    superseded_by_message: int | None
    is_silent: bool
    has_fewer_setups: bool


ALONE = Standing("current", None, None, is_silent=False, has_fewer_setups=False)
"""How a plan stands that competes for nothing."""


def as_it_stands(plan: PlanValue, standing: Standing) -> PlanValue:
    """A plan with what follows for it. A repeat is silent until it becomes current; one that was told of never is."""
    was_silent = standing.is_silent if plan.plan_id is None else plan.is_silent
    return plan._replace(
        state=standing.state,
        has_fewer_setups=standing.has_fewer_setups,
        is_silent=was_silent and standing.state != "current",
        superseded_by_message=standing.superseded_by_message,
    )


def standings(contenders: Sequence[Contender]) -> dict[PlanName, Standing]:
    """The newest plan by message id is current, the others are superseded by it.

    Where the newest ones read the same, the first of them is current and its repeats are silent."""
    ordered = sorted(contenders, key=lambda contender: (contender.message_id, contender.position))
    if not ordered:
        return {}
    first = len(ordered) - 1
    while first and ordered[first - 1].fingerprint == ordered[first].fingerprint:
        first -= 1
    current = ordered[first]
    shorter = first > 0 and current.setups < ordered[first - 1].setups
    result = {current.name: Standing("current", None, None, is_silent=False, has_fewer_setups=shorter)}
    for place, contender in enumerate(ordered):
        if place != first:
            result[contender.name] = Standing(
                "superseded", current.name, current.message_id, is_silent=place > first, has_fewer_setups=False
            )
    return result
