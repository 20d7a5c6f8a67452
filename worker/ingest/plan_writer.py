"""Brings plans, setups and levels in line with what messages say now, and tells exactly what that changed.

Runs inside the writer's transaction, which holds the lock of every channel concerned."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple

from asyncpg import Connection, Record

from worker.events.catalogue import Event, as_json
from worker.ingest import plan_rows
from worker.ingest import plan_statements as sql
from worker.ingest.plan_changes import (
    ALONE,
    Contender,
    PlanChange,
    PlanName,
    SetupChange,
    Standing,
    as_it_stands,
    changed_fields,
    changes_between,
    is_unchanged,
    standings,
)
from worker.ingest.plan_events import Teller, setup_data
from worker.ingest.plan_rows import NewLevel, NewSetup
from worker.ingest.plans import PlanKey, PlanValue, SetupValue
from worker.words import Origin, PlanState


class MessagePlans(NamedTuple):
    """What a message says now. `has_plans` is whether anything of it is stored; a deleted one's plans are withdrawn.

    A tuple, because history makes so many."""

    message_id: int
    channel_id: int
    guild_id: int | None
    origin: Origin
    is_deleted: bool
    has_plans: bool
    plans: tuple[PlanValue, ...]


class _Restated(NamedTuple):
    """A plan of another message that stands otherwise because of message `cause`."""

    before: PlanValue
    after: PlanValue
    cause: int


@dataclass(slots=True)
class _Work:
    """What has been found out about a batch of messages, each message at most once."""

    messages: dict[int, MessagePlans]
    changes: dict[int, list[PlanChange]]
    standings: dict[PlanName, Standing] = field(default_factory=dict)
    restated: list[_Restated] = field(default_factory=list)


async def write_plans(connection: Connection, messages: Sequence[MessagePlans]) -> dict[int, list[Event]]:
    """Writes the plans of messages and returns the events of each, in order.

    A message may stand in `messages` once only."""
    messages = [message for message in messages if message.has_plans or message.plans]
    if not messages:
        return {}
    work = await _compare(connection, messages)
    await _derive(connection, work)
    _settle(work)
    await _write(connection, work)
    return {message.message_id: list(_events(work, message)) for message in messages}


async def _compare(connection: Connection, messages: Sequence[MessagePlans]) -> _Work:
    stored = defaultdict[int, list[PlanValue]](list)
    if known := [message.message_id for message in messages if message.has_plans]:
        for plan in await plan_rows.load_plans(connection, known, by="message_id"):
            stored[plan.message_id].append(plan)
    work = _Work({message.message_id: message for message in messages}, {})
    for message in messages:
        before = stored[message.message_id]
        if message.is_deleted:
            # What a deleted message turns out to have said is kept, but it never stood.
            work.changes[message.message_id] = changes_between(before, ()) + changes_between((), message.plans)
        else:
            work.changes[message.message_id] = changes_between(before, message.plans)
    return work


def _name(plan: PlanValue) -> PlanName:
    return plan.plan_id if plan.plan_id is not None else (plan.message_id, plan.position)


async def _derive(connection: Connection, work: _Work) -> None:
    """Finds who is current wherever a plan of these messages competes or competed."""
    contending = defaultdict[PlanKey, list[Contender]](list)
    causes: dict[PlanKey, int] = {}
    for message_id, changes in sorted(work.changes.items()):
        for change in changes:
            after = None if work.messages[message_id].is_deleted else change.after
            causes |= {plan.key: message_id for plan in (change.before, after) if plan and plan.key}
            if after and after.key:
                contending[after.key].append(
                    Contender(_name(after), message_id, after.position, after.fingerprint, len(after.setups))
                )
    if not causes:
        return
    others = await connection.fetch(sql.LOAD_CONTENDERS, *zip(*causes, strict=True), list(work.messages))
    caused_by: dict[int, int] = {}
    for row in others:
        key = row["channel_id"], row["ticker"], row["trading_day"]
        caused_by[row["id"]] = causes[key]
        contending[key].append(
            Contender(row["id"], row["message_id"], row["position"], row["fingerprint"], row["setups"])
        )
    for contenders in contending.values():
        work.standings |= standings(contenders)
    if moved := [row["id"] for row in others if _differs(row, work.standings[row["id"]])]:
        for plan in await plan_rows.load_plans(connection, moved, by="id"):
            name = _name(plan)
            if isinstance(name, int):
                work.restated.append(_Restated(plan, as_it_stands(plan, work.standings[name]), caused_by[name]))


def _differs(contender: Record, standing: Standing) -> bool:
    stood = contender["state"], contender["has_fewer_setups"]
    return stood != (standing.state, standing.has_fewer_setups)


def _settle(work: _Work) -> None:
    """Lets the plans of these messages stand as was found."""
    for message_id, changes in work.changes.items():
        is_deleted = work.messages[message_id].is_deleted
        for index, change in enumerate(changes):
            if (after := change.after) is None:
                continue
            if is_deleted:
                after = after._replace(state="withdrawn")
            else:
                after = as_it_stands(after, work.standings.setdefault(_name(after), ALONE))
            changes[index] = change._replace(after=after)


async def _write(connection: Connection, work: _Work) -> None:
    """One statement a step, whatever the number of messages. What steps down goes before what becomes current."""
    matched = [one.after for one in work.restated]
    gone: list[PlanValue] = []
    moved: list[PlanValue] = []
    for change in _all(work):
        if change.before and change.after:
            matched.append(change.after)
            moved += [change.before] if change.before.key != change.after.key else []
        elif change.before:
            gone.append(change.before)
    due = _states(matched) | _states(gone, "withdrawn")
    down: dict[int, PlanState] = {plan_id: state for plan_id, state in due.items() if state != "current"}
    await _keep_former(connection, work)
    await plan_rows.restate_plans(connection, _states(moved, "superseded") | down)
    await plan_rows.update_plans(connection, matched)
    await _insert_plans(connection, work)
    await plan_rows.restate_plans(connection, {plan_id: state for plan_id, state in due.items() if state == "current"})
    await _write_setups(connection, work)
    if due:
        await connection.execute(sql.RESTATE_SETUPS, list(due))


def _states(plans: Iterable[PlanValue], state: PlanState | None = None) -> dict[int, PlanState]:
    """The states of stored plans by id, or that one state for all."""
    states = {plan.plan_id: state or plan.state for plan in plans}
    return {plan_id: due for plan_id, due in states.items() if plan_id is not None and due is not None}


def _all(work: _Work) -> Iterator[PlanChange]:
    for changes in work.changes.values():
        yield from changes


async def _keep_former(connection: Connection, work: _Work) -> None:
    """What setups were until now, for all that will be another or stand otherwise."""
    former: list[tuple[int | None, str]] = []
    for one in work.restated:
        former += [_former(one.before, setup) for setup in one.before.setups]
    for change in _all(work):
        before, after = change.before, change.after
        if before is None:
            continue
        stays = after is not None and after.state == before.state
        for pair in change.setups:
            if pair.before and not (stays and is_unchanged(change, pair)):
                former.append(_former(before, pair.before))
    if former:
        await connection.execute(sql.KEEP_SETUPS, *plan_rows.columns(former))


def _former(plan: PlanValue, setup: SetupValue) -> tuple[int | None, str]:
    return setup.setup_id, as_json(setup_data(plan, setup) | {"state": plan.state})


async def _insert_plans(connection: Connection, work: _Work) -> None:
    """New plans get their ids, and then every plan can point at the one that superseded it."""
    ids = await plan_rows.insert_plans(
        connection, [change.after for change in _all(work) if change.before is None and change.after]
    )
    for changes in work.changes.values():
        for index, change in enumerate(changes):
            if change.before is None and change.after:
                plan_id = ids[change.after.message_id, change.after.position]
                changes[index] = change._replace(after=change.after._replace(plan_id=plan_id))
    rows = [
        (_plan_id(name, ids), None if standing.superseded_by is None else _plan_id(standing.superseded_by, ids))
        for name, standing in work.standings.items()
    ]
    if rows:
        await connection.execute(sql.POINT_PLANS, *plan_rows.columns(rows))


def _plan_id(name: PlanName, ids: dict[tuple[int, int], int]) -> int:
    return name if isinstance(name, int) else ids[name]


async def _write_setups(connection: Connection, work: _Work) -> None:
    fresh: list[NewSetup] = []
    kept = []
    gone: list[int] = []
    for change in _all(work):
        after = change.after
        for pair in change.setups:
            if pair.after is None or after is None:
                gone += [pair.before.setup_id] if pair.before and pair.before.setup_id is not None else []
            elif pair.before is not None:
                kept.append(pair.after)
            elif after.plan_id is not None and after.state is not None:
                fresh.append(NewSetup(after.plan_id, after.state, pair.after))
    if gone:
        await connection.execute(sql.WITHDRAW_SETUPS, gone)
    await plan_rows.update_setups(connection, kept)
    ids = await plan_rows.insert_setups(connection, fresh)
    for changes in work.changes.values():
        changes[:] = [_with_setup_ids(change, ids) for change in changes]
    matched = [change.after.plan_id for change in _all(work) if change.before and change.after]
    if matched:
        await connection.execute(sql.REMOVE_LEVELS, [setup.setup_id for setup in kept], matched)
    await plan_rows.insert_levels(connection, list(_levels(work)))


def _with_setup_ids(change: PlanChange, ids: dict[tuple[int, int], int]) -> PlanChange:
    after = change.after
    if after is None or after.plan_id is None:
        return change
    plan_id = after.plan_id
    setups = tuple(
        SetupChange(None, pair.after._replace(setup_id=ids[plan_id, pair.after.position]))
        if pair.before is None and pair.after
        else pair
        for pair in change.setups
    )
    return PlanChange(change.before, after._replace(setups=tuple(pair.after for pair in setups if pair.after)), setups)


def _levels(work: _Work) -> Iterator[NewLevel]:
    for change in _all(work):
        after = change.after
        if after is None or after.plan_id is None:
            continue
        for setup in after.setups:
            sequences = defaultdict[str, "count[int]"](count)
            for level in setup.levels:
                yield NewLevel(after.plan_id, setup.setup_id, next(sequences[level.role]), level)
        for sequence, level in enumerate(after.bias_levels):
            yield NewLevel(after.plan_id, None, sequence, level)


def _events(work: _Work, message: MessagePlans) -> Iterator[Event]:
    """In the order of the text; what happens to plans of other messages comes last."""
    teller = Teller(message.origin, message.guild_id)
    for change in work.changes[message.message_id]:
        if change.after is None:
            yield from _withdrawn(teller, change.before)
        elif not message.is_deleted:
            yield from _told(teller, change.before, change.after, change.setups)
    for before, after, cause in sorted(work.restated, key=lambda one: (one.before.message_id, one.before.position)):
        if cause != message.message_id:
            continue
        for setup in before.setups:
            if before.state == after.state:
                yield teller.updated(after, setup, changed_fields((before, setup), (after, setup)), caused_by=cause)
            yield from teller.restated(after, setup, before.state, after.superseded_by_message or cause)


def _withdrawn(teller: Teller, plan: PlanValue | None) -> Iterator[Event]:
    """A repeat that nothing was told of is not told to be gone either."""
    if plan is not None and not plan.is_silent:
        yield from (teller.withdrawn(plan, setup) for setup in plan.setups)


def _told(teller: Teller, before: PlanValue | None, after: PlanValue, setups: Sequence[SetupChange]) -> Iterator[Event]:
    if after.is_silent:
        return
    restated: list[Event] = []
    for pair in setups:
        if pair.after is None:
            if before and pair.before and not before.is_silent:
                yield teller.withdrawn(before, pair.before)
            continue
        # A setup of a plan that a newer one had replaced already stood for no time at all.
        stood: PlanState | None = "current"
        if before is None or pair.before is None:
            yield teller.created(after, pair.after)
        else:
            stood = before.state
            # What is told for the first time is told whole.
            changed = [] if before.is_silent else changed_fields((before, pair.before), (after, pair.after))
            if changed:
                yield teller.updated(after, pair.after, changed)
        restated += teller.restated(after, pair.after, stood, after.superseded_by_message)
    yield from restated
