"""What has to stand in the tables after a set of observations, worked out from the set alone: no order goes in.

It knows the rules and none of the code: one text an edit time, the newest stands, Discord's own word before an
export's; a deletion stays; of a channel's plans for a ticker and a day the newest stands, and of repeats the first."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from parsers.reading import Plan, Setup
from tests.support import notation
from worker.ingest.observation import Observation, snowflake_time

_FIRST = datetime.min.replace(tzinfo=UTC)
_SECOND_HAND = ("replay", "legacy")


class FormerText(NamedTuple):
    edited_at: datetime | None
    text: str


@dataclass(frozen=True, slots=True)
class ExpectedMessage:
    """`text` is None where only the deletion was seen."""

    text: str | None
    edited_at: datetime | None
    is_deleted: bool
    former: frozenset[FormerText]


class ExpectedSetup(NamedTuple):
    kind: str
    strategy: str | None
    direction: str
    triggers: tuple[tuple[Decimal, Decimal], ...]
    targets: tuple[Decimal, ...]
    stop: Decimal | None


class ExpectedPlan(NamedTuple):
    message_id: int
    ticker: str | None
    trading_day: date
    state: str
    superseded_by: int | None  # a message
    has_fewer_setups: bool
    setups: tuple[ExpectedSetup, ...]


def expected_messages(observations: Iterable[Observation]) -> dict[int, ExpectedMessage]:
    """By message id. The text is taken to be the content."""
    seen = defaultdict[int, list[Observation]](list)
    for observation in observations:
        seen[observation.message_id].append(observation)
    return {message_id: _expected_message(states) for message_id, states in seen.items()}


def _expected_message(seen: list[Observation]) -> ExpectedMessage:
    is_deleted = any(one.kind == "deleted" for one in seen)
    states = [one for one in seen if one.kind == "posted"]
    if not states:
        return ExpectedMessage(None, None, is_deleted, frozenset())
    standing = max([one for one in states if one.origin not in _SECOND_HAND] or states, key=_newness)
    by_time: dict[datetime | None, Observation] = {}
    for one in sorted(states, key=lambda one: (one.origin not in _SECOND_HAND, len(_text(one)), _text(one))):
        by_time[_edited_at(one)] = one
    by_time[_edited_at(standing)] = standing
    chain = [
        one
        for one in sorted(by_time.values(), key=_time)
        if not (_time(one) > _time(standing) and _text(one) == _text(standing))
    ]
    former = frozenset(
        FormerText(_edited_at(one), _text(one))
        for one, successor in zip(chain, [*chain[1:], None], strict=True)
        if one is not standing and (successor is None or _text(successor) != _text(one))
    )
    return ExpectedMessage(_text(standing), _edited_at(standing), is_deleted, former)


def _payload(one: Observation) -> dict[str, Any]:
    assert one.payload is not None
    return one.payload


def _text(one: Observation) -> str:
    return str(_payload(one)["content"])


def _edited_at(one: Observation) -> datetime | None:
    edited = _payload(one)["edited_timestamp"]
    return datetime.fromisoformat(edited) if edited else None


def _time(one: Observation) -> datetime:
    return _edited_at(one) or _FIRST


def _newness(one: Observation) -> tuple[datetime, int, int, str]:
    return _time(one), len(_payload(one)["embeds"]), len(_text(one)), _text(one)


def expected_plans(messages: Mapping[int, ExpectedMessage]) -> list[ExpectedPlan]:
    """The plans of texts in the notation that are not withdrawn, of one channel, in order of message and text."""
    rivals = defaultdict[object, list[tuple[int, int, Plan, date]]](list)
    plans = list[ExpectedPlan]()
    for message_id, message in sorted(messages.items()):
        reading = notation.read(message.text or "", snowflake_time(message_id))
        for position, plan in enumerate(reading.plans):
            if message.is_deleted or reading.trading_day is None or not (plan.setups or plan.bias):
                continue
            is_rival = plan.ticker is not None and plan.setups and reading.format == notation.DAY_PLAN
            key = (plan.ticker, reading.trading_day) if is_rival else (message_id, position)
            rivals[key].append((message_id, position, plan, reading.trading_day))
    for contenders in rivals.values():
        plans += _standing(contenders)
    return sorted(plans, key=lambda plan: (plan.message_id, plan.ticker or "", plan.setups, plan.state))


def _standing(contenders: list[tuple[int, int, Plan, date]]) -> list[ExpectedPlan]:
    newest_first = sorted(contenders, key=lambda one: one[:2], reverse=True)
    says = [_says(plan) for _, _, plan, _ in newest_first]
    repeats = next((index for index, said in enumerate(says) if said != says[0]), len(says)) - 1
    current = newest_first[repeats]
    former = newest_first[repeats + 1][2] if repeats + 1 < len(newest_first) else None
    return [
        ExpectedPlan(
            message_id,
            plan.ticker,
            day,
            "current" if one is current else "superseded",
            None if one is current else current[0],
            one is current and former is not None and len(plan.setups) < len(former.setups),
            tuple(_setup(setup) for setup in plan.setups),
        )
        for one in newest_first
        for message_id, _, plan, day in [one]
    ]


def _says(plan: Plan) -> tuple[object, ...]:
    return plan.bias.text if plan.bias else None, sorted(map(repr, map(_numbers, plan.setups)))


def _numbers(setup: Setup) -> tuple[object, ...]:
    prices = [[*map(float, (level.low, level.high))] for level in (*setup.triggers, *setup.targets)]
    return setup.kind, setup.strategy, prices, float(setup.stop.low) if setup.stop else None


def _setup(setup: Setup) -> ExpectedSetup:
    return ExpectedSetup(
        setup.kind,
        setup.strategy,
        setup.direction,
        tuple((level.low, level.high) for level in setup.triggers),
        tuple(level.low for level in setup.targets),
        setup.stop.low if setup.stop else None,
    )
