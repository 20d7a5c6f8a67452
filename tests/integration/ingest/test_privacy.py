"""What was written and who wrote it stays in the tables: neither events nor ordinary log lines repeat it."""

import asyncio
import json

from asyncpg import Connection
from structlog.typing import EventDict

from tests.support.observations import Room
from tests.support.stored import told
from worker.events.catalogue import EVENT_TYPES, read_fact
from worker.health import Health
from worker.ingest.queue import IngestQueue
from worker.ingest.sweep import read_pending
from worker.ingest.writer import Writer

SECRET, NAME = "mockingbird", "Atticus"
PLAN = f"day plan 2025-05-15\nSPY\nbounce - 580 > 585\nbias bullish 579\n# {SECRET}\nrejection - 600 > 595"
REFUSED = f"day plan 2025-05-15\nTSLA\nbounce {SECRET} 310 > 315"
BROKEN = f"day plan 2025-05-15\nSPY\nbounce - 580{SECRET} > 585"


async def test_no_event_and_no_line_at_info_has_text_or_names(
    connection: Connection, writer: Writer, logged: list[EventDict]
) -> None:
    room = Room()
    author = {"id": "700000000000000009", "username": NAME, "global_name": NAME}
    observations = [
        room.posted(1, PLAN, author=author),
        room.posted(1, PLAN + "\nTSLA\nbounce - 310 > 315", edited=1, author=author),
        room.posted(1, SECRET, edited=2, author=author),
        room.posted(2, PLAN, origin="history", author=author),
        room.posted(3, REFUSED, author=author),
        room.posted(4, BROKEN, author=author),
        room.posted(5, f"{SECRET}\x00", embeds=[{"title": SECRET}], author=author),
        room.posted(6, PLAN, origin="replay", author=author),
        room.deleted(2),
    ]
    queue = IngestQueue(writer, limit=100, health=Health(), on_commit=lambda: None)
    running = asyncio.create_task(queue.run())
    for one in observations:
        queue.put(one)
    await queue.drained()
    running.cancel()
    await asyncio.wait([running])
    await connection.execute("UPDATE discord_messages SET parse_state = 'pending'")
    await read_pending(connection, writer._read, lambda _: None)

    events = await told(connection, room)
    assert len({event.event_type for event in events}) > 6
    for event in events:
        data = json.dumps(event.data)
        assert NAME not in data
        assert SECRET not in data
        fact = read_fact(event.event_type, data)
        assert isinstance(fact, EVENT_TYPES[event.event_type])
        assert json.loads(fact.model_dump_json()).keys() == event.data.keys()
    ordinary = [line for line in logged if line["log_level"] in ("debug", "info")]
    assert "ingest.written" in [line["event"] for line in ordinary]
    assert SECRET not in repr(ordinary)
    assert NAME not in repr(logged)
