"""What the database holds of a room, by content: ids that PostgreSQL gave are left out or only compared."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from asyncpg import Connection

from tests.support.observations import Room
from tests.support.oracle import ExpectedMessage, ExpectedPlan, ExpectedSetup, FormerText
from worker import correlation

_MESSAGES = """
SELECT message_id, CASE WHEN revision > 0 THEN text END, edited_at, deleted_at IS NOT NULL,
       ARRAY(SELECT (edited_at, text) FROM message_revisions r WHERE r.message_id = m.message_id)
  FROM discord_messages m
 WHERE channel_id = $1
"""

_PLANS = """
SELECT p.id, p.message_id, p.ticker, p.trading_day, p.state, newer.message_id, 'fewer_setups' = ANY(p.flags)
  FROM ticker_plans p LEFT JOIN ticker_plans newer ON newer.id = p.superseded_by
 WHERE p.channel_id = $1 AND p.state <> 'withdrawn'
"""

_SETUPS = """
SELECT plan_id, kind, strategy, direction,
       ARRAY(SELECT (price_low, price_high) FROM parsed_levels l
              WHERE l.setup_id = s.id AND role = 'trigger' ORDER BY sequence),
       ARRAY(SELECT price_low FROM parsed_levels l WHERE l.setup_id = s.id AND role = 'target' ORDER BY sequence),
       (SELECT price_low FROM parsed_levels l WHERE l.setup_id = s.id AND role = 'stop')
  FROM trade_setups s WHERE plan_id = ANY($1::bigint[]) AND state <> 'withdrawn' ORDER BY plan_id, position
"""

_TOLD = """
SELECT id, event_type, correlation_id, data FROM events WHERE data->>'channel_id' = ANY($1::text[]) ORDER BY id
"""

# Nothing of this may ever be found, whatever happened.
_CONTRADICTIONS = """
SELECT 'a setup stands otherwise than its plan', s.id
  FROM trade_setups s JOIN ticker_plans p ON p.id = s.plan_id WHERE s.state NOT IN (p.state, 'withdrawn')
UNION ALL
SELECT 'a plan points wrongly at what superseded it', id
  FROM ticker_plans WHERE (state = 'superseded') <> (superseded_by IS NOT NULL) AND state <> 'withdrawn'
UNION ALL
SELECT 'a deleted message has a plan that stands', p.id
  FROM ticker_plans p JOIN discord_messages m USING (message_id) WHERE deleted_at IS NOT NULL AND state <> 'withdrawn'
UNION ALL
SELECT 'a setup that stands has no trigger', s.id
  FROM trade_setups s
 WHERE state <> 'withdrawn' AND NOT EXISTS (SELECT FROM parsed_levels WHERE setup_id = s.id AND role = 'trigger')
UNION ALL
SELECT 'a level has another plan than its setup', l.id
  FROM parsed_levels l JOIN trade_setups s ON s.id = l.setup_id WHERE s.plan_id <> l.plan_id
"""

_CURRENT = """
SELECT setup_id, ticker, trading_day::text, kind, strategy, direction, trigger_low, trigger_high, targets, stop,
       bias_direction, flags, confidence, instrument, quantity, message_id, plan_id
  FROM current_setups WHERE channel_id = ANY($1::bigint[])
"""

_NEXT_STATE: dict[tuple[str, str], str] = {
    ("never told", "setup.created"): "current",
    ("never told", "setup.reinstated"): "current",  # a repeat of a plan that is withdrawn
    ("current", "setup.updated"): "current",
    ("superseded", "setup.updated"): "superseded",
    ("current", "setup.superseded"): "superseded",
    ("superseded", "setup.reinstated"): "current",
    ("current", "setup.withdrawn"): "withdrawn",
    ("superseded", "setup.withdrawn"): "withdrawn",
}


@dataclass(frozen=True, slots=True)
class Told:
    """A row of events."""

    id: int
    event_type: str
    correlation_id: UUID
    data: dict[str, Any]


async def stored_messages(connection: Connection, room: Room) -> dict[int, ExpectedMessage]:
    return {
        message_id: ExpectedMessage(text, edited_at, is_deleted, frozenset(FormerText(*one) for one in former))
        for message_id, text, edited_at, is_deleted, former in await connection.fetch(_MESSAGES, room.channel_id)
    }


async def stored_plans(connection: Connection, room: Room) -> list[ExpectedPlan]:
    """Those that are not withdrawn, in order of message and text."""
    plans = await connection.fetch(_PLANS, room.channel_id)
    setups: dict[int, list[ExpectedSetup]] = {plan["id"]: [] for plan in plans}
    for row in await connection.fetch(_SETUPS, list(setups)):
        plan_id, kind, strategy, direction, triggers, targets, stop = row
        zones = tuple((low, high) for low, high in triggers)
        setups[plan_id].append(ExpectedSetup(kind, strategy, direction, zones, tuple(targets), stop))
    found = []
    for plan_id, message_id, ticker, day, state, superseded_by, has_fewer_setups in plans:
        said = tuple(setups[plan_id])
        found.append(ExpectedPlan(message_id, ticker, day, state, superseded_by, has_fewer_setups, said))
    return sorted(found, key=lambda plan: (plan.message_id, plan.ticker or "", plan.setups, plan.state))


async def told(connection: Connection, *rooms: Room) -> list[Told]:
    channels = [str(room.channel_id) for room in rooms]
    return [Told(*row) for row in await connection.fetch(_TOLD, channels)]


def assert_told_once(events: Iterable[Told]) -> None:
    """No fact about a message twice, and each under the id of the message that it is about."""
    facts = [
        (event.event_type, event.data["message_id"], event.data["edited_at"])
        for event in events
        if event.event_type.startswith("discord.message.")
    ]
    assert len(facts) == len(set(facts)), facts
    for once in ("stored", "deleted"):
        of_message = [fact[1] for fact in facts if fact[0].endswith(once)]
        assert len(of_message) == len(set(of_message)), facts
    for event in events:
        assert event.correlation_id == correlation.of_message(int(event.data["message_id"]))


def lives(events: Iterable[Told]) -> dict[str, tuple[str, dict[str, Any]]]:
    """The state and the last fact of each setup, by its id; fails where an event cannot follow the one before it."""
    setups = dict[str, tuple[str, dict[str, Any]]]()
    for event in events:
        if not event.event_type.startswith("setup."):
            continue
        setup_id = event.data["setup_id"]
        state, _ = setups.get(setup_id, ("never told", {}))
        following = _NEXT_STATE.get((state, event.event_type))
        assert following, f"{event.event_type} of a setup that is {state}: {event.data}"
        setups[setup_id] = following, event.data
    return setups


async def assert_sound(connection: Connection, *rooms: Room) -> None:
    """The tables contradict themselves nowhere, and who has followed the events knows what current_setups shows."""
    assert await connection.fetch(_CONTRADICTIONS) == []
    events = await told(connection, *rooms)
    assert_told_once(events)
    known = {setup_id: data for setup_id, (state, data) in lives(events).items() if state == "current"}
    shown = dict[str, list[dict[str, Any]]]()
    for row in await connection.fetch(_CURRENT, [room.channel_id for room in rooms]):
        shown.setdefault(str(row["setup_id"]), []).append(dict(row))
    assert {setup_id: _of_view(rows) for setup_id, rows in shown.items()} == {
        setup_id: _of_event(data) for setup_id, data in known.items()
    }


def _of_view(rows: list[dict[str, Any]]) -> dict[str, Any]:
    first = rows[0]
    return {
        "triggers": sorted((row["trigger_low"], row["trigger_high"]) for row in rows),
        "targets": first["targets"],
        "stop": first["stop"],
        "confidence": first["confidence"],
        "flags": first["flags"],
        "message_id": str(first["message_id"]),
        "plan_id": str(first["plan_id"]),
        **{name: first[name] for name in _AS_THEY_ARE},
    }


def _of_event(data: dict[str, Any]) -> dict[str, Any]:
    return {
        "triggers": sorted((Decimal(low), Decimal(high)) for low, high in data["triggers"]),
        "targets": [Decimal(target) for target in data["targets"]],
        "stop": Decimal(data["stop"]) if data["stop"] else None,
        "confidence": Decimal(data["confidence"]),
        "flags": data["plan_flags"] + data["flags"],
        "message_id": data["message_id"],
        "plan_id": data["plan_id"],
        **{name: data[name] for name in _AS_THEY_ARE},
    }


_AS_THEY_ARE = (
    "ticker",
    "trading_day",
    "kind",
    "strategy",
    "direction",
    "bias_direction",
    "instrument",
    "quantity",
)
