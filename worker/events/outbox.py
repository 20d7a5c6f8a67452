"""Events are written last in the transaction of the rows they tell about, and become visible with them.

A statement trigger on `events` takes a lock that is held until COMMIT, which is what makes ids come in commit order.
So that no stalled client ever holds it, the insert and COMMIT travel in one round trip.
"""

from collections.abc import Sequence

import asyncpg

from worker.db.lease import transaction
from worker.events.catalogue import Event

# The simple query protocol takes several statements but no parameters, hence the quoted literal. One for all events: a
# row of VALUES takes the server twice the time. They get their ids in the order of the array.
_COMMIT_EVENTS = """
INSERT INTO events (channel, event_type, source, correlation_id, data)
SELECT event->>0, event->>1, event->>2, (event->>3)::uuid, event->4 FROM jsonb_array_elements({events}) AS event;
COMMIT
"""


def _literal(value: str) -> str:
    """A string as an SQL literal, for a session with standard_conforming_strings on."""
    return "'" + value.replace("'", "''") + "'"


def _row(event: Event) -> str:
    fact = event.fact_class
    return f'["{fact.channel}","{fact.event_type}","{event.source}","{event.correlation_id}",{event.data}]'


async def commit_events(
    connection: "asyncpg.Connection[asyncpg.Record]", events: Sequence[Event], *, first: str = ""
) -> None:
    """Writes the events in their order and ends the open transaction, all in one round trip.

    The transaction must have been begun by `BEGIN` on this connection, not by asyncpg's `transaction()`, which would
    commit a second time. Without events it only commits. `first` is a statement without parameters that goes before."""
    if not connection.is_in_transaction():
        raise RuntimeError("events belong into the transaction of the rows they tell about")
    ending = _COMMIT_EVENTS.format(events=_literal(f"[{','.join(map(_row, events))}]")) if events else "COMMIT"
    await connection.execute(f"{first};{ending}")


async def tell(
    connection: "asyncpg.Connection[asyncpg.Record]", events: Sequence[Event], *, epoch: int | None = None
) -> None:
    """Events of their own, that no row changes with. Raises LeaseLostError as worker.db.lease.begin does."""
    async with transaction(connection, epoch):
        await commit_events(connection, events)
