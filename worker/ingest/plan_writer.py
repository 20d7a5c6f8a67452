"""Brings plans, setups and levels in line with what messages say now, and tells exactly what that changed.

Runs inside the writer's transaction, which holds the lock of every channel concerned."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from asyncpg import Connection

from worker.events.catalogue import Event, as_json
from worker.ingest import plan_rows
from worker.ingest import plan_statements as sql
from worker.ingest.plan_changes import (
    Contender,
    PlanChange,
    PlanName,
    SetupChange,
    Standing,
    changed_fields,
    changes_between,
    is_unchanged,
    standings,
)
from worker.ingest.plan_events import Teller, setup_data
from worker.ingest.plan_rows import NewLevel, NewSetup
from worker.ingest.plans import PlanKey, PlanValue, SetupValue
from worker.words import Origin, PlanState


@dataclass(frozen=True, slots=True)
class MessagePlans:
    """What a message says now. `has_plans` is whether anything of it is stored; a deleted one's plans are withdrawn."""

    message_id: int
    channel_id: int
    guild_id: int | None
    origin: Origin
    is_deleted: bool
    has_plans: bool
    plans: tuple[PlanValue, ...]


@dataclass(slots=True)
class _Work:
    """What has been found out about a batch of messages, each message at most once."""

    messages: dict[int, MessagePlans]
    changes: dict[int, list[PlanChange]]
    standings: dict[PlanName, Standing] = field(default_factory=dict)
    # Plans of other messages whose state changes, as they were, each with the message that causes it.
    restated: dict[int, tuple[PlanValue, int]] = field(default_factory=dict)
    # Plan of these messages -> the message whose plan supersedes it.
    superseding: dict[int, int | None] = field(default_factory=dict)


async def write_plans(connection: Connection, messages: Sequence[MessagePlans]) -> dict[int, list[Event]]:
    """Writes the plans of messages and returns the events of each, in order.

    A message may stand in `messages` once only."""
    messages = [message for message in messages if message.has_plans or message.plans]
    if not messages:
        return {}
    work = await _compare(connection, messages)
    await _derive(connection, work)
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
            changes = changes_between(before, ()) + changes_between((), message.plans)
        else:
            changes = changes_between(before, message.plans)
        work.changes[message.message_id] = [_keeping_ids(change) for change in changes]
    return work


def _keeping_ids(change: PlanChange) -> PlanChange:
    """What matches keeps its ids."""
    if change.before is None or change.after is None:
        return change
    setups = tuple(
        SetupChange(pair.before, replace(pair.after, setup_id=pair.before.setup_id))
        if pair.before and pair.after
        else pair
        for pair in change.setups
    )
    return PlanChange(change.before, replace(change.after, plan_id=change.before.plan_id), setups)


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
                contending[after.key].append(Contender(_name(after), message_id, after.fingerprint, len(after.setups)))
    if not causes:
        return
    moved_by: dict[int, int] = {}
    states: dict[int, PlanState] = {}
    for row in await connection.fetch(sql.LOAD_CONTENDERS, *zip(*causes, strict=True), list(work.messages)):
        key = row["channel_id"], row["ticker"], row["trading_day"]
        states[row["id"]], moved_by[row["id"]] = row["state"], causes[key]
        contending[key].append(Contender(row["id"], row["message_id"], row["fingerprint"], row["setups"]))
    for contenders in contending.values():
        work.standings |= standings(contenders)
    if moved := [plan_id for plan_id, state in states.items() if work.standings[plan_id].state != state]:
        for plan in await plan_rows.load_plans(connection, moved, by="id"):
            if plan.plan_id is not None:
                work.restated[plan.plan_id] = plan, moved_by[plan.plan_id]


def _state(work: _Work, plan: PlanValue) -> PlanState:
    """The state that a plan of these messages is to have."""
    if work.messages[plan.message_id].is_deleted:
        return "withdrawn"
    standing = work.standings.get(_name(plan))
    return standing.state if standing else "current"


async def _write(connection: Connection, work: _Work) -> None:
    """One statement a step, whatever the number of messages. What steps down goes before what becomes current."""
    matched: list[PlanValue] = []
    created: list[PlanValue] = []
    due: dict[int, PlanState] = {plan_id: work.standings[plan_id].state for plan_id in work.restated}
    step_aside: dict[int, PlanState] = {}
    for change in _all(work):
        if change.before is None or change.before.plan_id is None:
            created += [change.after] if change.after else []
        elif change.after is None:
            due[change.before.plan_id] = "withdrawn"
        else:
            matched.append(change.after)
            due[change.before.plan_id] = _state(work, change.after)
            if change.before.key != change.after.key:
                step_aside[change.before.plan_id] = "superseded"
    await _keep_former(connection, work)
    down: dict[int, PlanState] = {plan_id: state for plan_id, state in due.items() if state != "current"}
    await plan_rows.restate_plans(connection, step_aside | down)
    await plan_rows.update_plans(connection, matched)
    ids = await plan_rows.insert_plans(connection, [(plan, _state(work, plan)) for plan in created])
    await plan_rows.restate_plans(connection, {plan_id: state for plan_id, state in due.items() if state == "current"})
    await _point(connection, work, ids)
    _assign_plan_ids(work, ids)
    await _write_setups(connection, work)
    if due:
        await connection.execute(sql.RESTATE_SETUPS, list(due))


def _all(work: _Work) -> Iterator[PlanChange]:
    for changes in work.changes.values():
        yield from changes


async def _keep_former(connection: Connection, work: _Work) -> None:
    """What setups were until now, for all that will be another or stand otherwise."""
    former: list[tuple[int | None, str]] = []
    for plan, _ in work.restated.values():
        former += [_former(plan, setup) for setup in plan.setups]
    for change in _all(work):
        before, after = change.before, change.after
        if before is None:
            continue
        stays = after is not None and _state(work, after) == before.state
        for pair in change.setups:
            if pair.before and not (stays and is_unchanged(change, pair)):
                former.append(_former(before, pair.before))
    if former:
        await connection.execute(sql.KEEP_SETUPS, *plan_rows.columns(former))


def _former(plan: PlanValue, setup: SetupValue) -> tuple[int | None, str]:
    return setup.setup_id, as_json(setup_data(plan, setup) | {"state": plan.state})


async def _point(connection: Connection, work: _Work, ids: dict[tuple[int, int], int]) -> None:
    """Sets which plan superseded which, now that all of them have ids."""

    def plan_id(name: PlanName) -> int:
        return name if isinstance(name, int) else ids[name]

    rows = [
        (
            plan_id(name),
            None if standing.superseded_by is None else plan_id(standing.superseded_by),
            standing.has_fewer_setups,
        )
        for name, standing in work.standings.items()
    ]
    if rows:
        await connection.execute(sql.POINT_PLANS, *plan_rows.columns(rows))


def _assign_plan_ids(work: _Work, ids: dict[tuple[int, int], int]) -> None:
    """New plans get their ids; the standings keep the names that they were derived under."""
    for changes in work.changes.values():
        for index, change in enumerate(changes):
            after = change.after
            if after is None:
                continue
            name = _name(after)
            standing = work.standings.get(name)
            flags = (*after.flags, "fewer_setups") if standing and standing.has_fewer_setups else after.flags
            plan_id = name if isinstance(name, int) else ids[name]
            work.superseding[plan_id] = standing.superseded_by_message if standing else None
            named = replace(
                after,
                plan_id=plan_id,
                flags=flags,
                state=_state(work, after),
                is_silent=standing is not None and standing.is_silent,
            )
            changes[index] = replace(change, after=named)


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
        SetupChange(None, replace(pair.after, setup_id=ids[plan_id, pair.after.position]))
        if pair.before is None and pair.after
        else pair
        for pair in change.setups
    )
    return PlanChange(change.before, replace(after, setups=tuple(pair.after for pair in setups if pair.after)), setups)


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
            yield from _told(teller, work, change.before, change.after, change.setups)
    for plan_id, (plan, cause) in sorted(work.restated.items()):
        if cause == message.message_id:
            standing = work.standings[plan_id]
            after = replace(plan, state=standing.state)
            for setup in plan.setups:
                yield from teller.restated(after, setup, plan.state, standing.superseded_by_message or cause)


def _withdrawn(teller: Teller, plan: PlanValue | None) -> Iterator[Event]:
    """A repeat that nothing was told of is not told to be gone either."""
    if plan is not None and not plan.is_silent:
        yield from (teller.withdrawn(plan, setup) for setup in plan.setups)


def _told(
    teller: Teller, work: _Work, before: PlanValue | None, after: PlanValue, setups: Sequence[SetupChange]
) -> Iterator[Event]:
    if before is None and after.is_silent:
        return
    restated: list[Event] = []
    for pair in setups:
        if pair.after is None:
            if before and pair.before:
                yield teller.withdrawn(before, pair.before)
            continue
        # A setup of a plan that a newer one had replaced already stood for no time at all.
        stood: PlanState | None = "current"
        if before is None or pair.before is None:
            yield teller.created(after, pair.after)
        else:
            stood = before.state
            if changed := changed_fields((before, pair.before), (after, pair.after)):
                yield teller.updated(after, pair.after, changed)
        restated += teller.restated(after, pair.after, stood, work.superseding.get(after.plan_id or 0))
    yield from restated
