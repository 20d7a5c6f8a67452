"""Plans, setups and levels from and to their tables, a batch a statement."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal, NamedTuple

import asyncpg
from asyncpg import Connection

from parsers.reading import Level
from worker.events.catalogue import as_json
from worker.ingest import plan_statements as sql
from worker.ingest.plans import FEWER_SETUPS, REPEAT, PlanValue, SetupValue
from worker.words import PlanState


def columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    """Rows turned into one list a column, the shape in which unnest takes them."""
    return [list(column) for column in zip(*rows, strict=True)]


def array_texts(rows: Sequence[tuple[Any, ...]]) -> list[str]:
    """The same with each list as PostgreSQL writes an array, for where there are many: asyncpg asks every single value
    whether it is a list itself, and takes five times as long."""
    return [f"{{{','.join(map(_element, column))}}}" for column in zip(*rows, strict=True)]


def _element(value: str | int | Decimal | None) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return "NULL" if value is None else str(value)


async def load_plans(connection: Connection, ids: Sequence[int], *, by: Literal["id", "message_id"]) -> list[PlanValue]:
    """The plans that are not withdrawn, with the setups that are not."""
    plans = await connection.fetch(sql.LOAD_PLANS.format(by=by), ids)
    setups = defaultdict[int, list[SetupValue]](list)
    for row in await connection.fetch(sql.LOAD_SETUPS, [plan["id"] for plan in plans]):
        setups[row["plan_id"]].append(_setup(row))
    return [_plan(row, tuple(setups[row["id"]])) for row in plans]


def _plan(row: asyncpg.Record, setups: tuple[SetupValue, ...]) -> PlanValue:
    flags = row["flags"]
    return PlanValue(
        plan_id=row["id"],
        message_id=row["message_id"],
        channel_id=row["channel_id"],
        position=row["position"],
        is_day_plan=row["is_day_plan"],
        ticker=row["ticker"],
        trading_day=row["trading_day"],
        trading_day_source=row["trading_day_source"],
        bias_text=row["bias_text"],
        bias_direction=row["bias_direction"],
        bias_levels=(),
        fingerprint=row["fingerprint"],
        flags=tuple(flag for flag in flags if flag not in (FEWER_SETUPS, REPEAT)),
        state=row["state"],
        setups=setups,
        has_fewer_setups=FEWER_SETUPS in flags,
        is_silent=REPEAT in flags,
    )


def _setup(row: asyncpg.Record) -> SetupValue:
    return SetupValue(
        setup_id=row["id"],
        position=row["position"],
        kind=row["kind"],
        strategy=row["strategy"],
        direction=row["direction"],
        triggers=tuple(zip(row["trigger_lows"], row["trigger_highs"], strict=True)),
        targets=tuple(row["targets"]),
        stop=row["stop"],
        flags=tuple(row["flags"]),
        confidence=row["confidence"],
        instrument=row["instrument"],
        quantity=row["quantity"],
    )


async def insert_plans(connection: Connection, plans: Sequence[PlanValue]) -> dict[tuple[int, int], int]:
    """Returns the new ids by message and position. The states have to be derived."""
    if not plans:
        return {}
    rows = [
        (
            plan.message_id,
            plan.channel_id,
            plan.position,
            plan.is_day_plan,
            plan.ticker,
            plan.trading_day,
            plan.trading_day_source,
            plan.bias_text,
            plan.bias_direction,
            plan.fingerprint,
            ",".join(plan.plan_flags),
            plan.state,
        )
        for plan in plans
    ]
    inserted = await connection.fetch(sql.INSERT_PLANS, *columns(rows))
    return {(row["message_id"], row["position"]): row["id"] for row in inserted}


async def update_plans(connection: Connection, plans: Sequence[PlanValue]) -> None:
    """Everything of stored plans but their states, which RESTATE_PLANS sets."""
    if not plans:
        return
    rows = [
        (
            plan.plan_id,
            plan.position,
            plan.is_day_plan,
            plan.trading_day,
            plan.trading_day_source,
            plan.bias_text,
            plan.bias_direction,
            plan.fingerprint,
            ",".join(plan.plan_flags),
        )
        for plan in plans
    ]
    await connection.execute(sql.UPDATE_PLANS, *columns(rows))


async def restate_plans(connection: Connection, due: dict[int, PlanState]) -> None:
    if due:
        await connection.execute(sql.RESTATE_PLANS, list(due), list(due.values()))


class NewSetup(NamedTuple):
    plan_id: int
    state: PlanState
    setup: SetupValue


async def insert_setups(connection: Connection, setups: Sequence[NewSetup]) -> dict[tuple[int, int], int]:
    """Returns the new ids by plan and position."""
    if not setups:
        return {}
    rows = [
        (
            new.plan_id,
            new.setup.position,
            new.setup.kind,
            new.setup.strategy,
            new.setup.direction,
            new.setup.raw_line,
            *new.setup.span,
            new.setup.confidence,
            ",".join(new.setup.flags),
            new.state,
            as_json(new.setup.instrument) if new.setup.instrument else None,
            new.setup.quantity,
        )
        for new in setups
    ]
    inserted = await connection.fetch(sql.INSERT_SETUPS, *array_texts(rows))
    return {(row["plan_id"], row["position"]): row["id"] for row in inserted}


async def update_setups(connection: Connection, setups: Sequence[SetupValue]) -> None:
    if not setups:
        return
    rows = [
        (
            setup.setup_id,
            setup.position,
            setup.direction,
            setup.raw_line,
            *setup.span,
            setup.confidence,
            ",".join(setup.flags),
            as_json(setup.instrument) if setup.instrument else None,
            setup.quantity,
        )
        for setup in setups
    ]
    await connection.execute(sql.UPDATE_SETUPS, *columns(rows))


class NewLevel(NamedTuple):
    plan_id: int
    setup_id: int | None
    sequence: int
    level: Level


async def insert_levels(connection: Connection, levels: Sequence[NewLevel]) -> None:
    if not levels:
        return
    rows = [
        (
            new.plan_id,
            new.setup_id,
            new.level.role,
            new.sequence,
            new.level.low,
            new.level.high,
            new.level.relation,
            *new.level.span,
        )
        for new in levels
    ]
    await connection.execute(sql.INSERT_LEVELS, *array_texts(rows))
