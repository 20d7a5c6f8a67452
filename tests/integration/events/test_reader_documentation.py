"""docs/events.md keeps its word: its examples run as they stand there, and every event type is in it."""

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.alembic import ROOT
from tests.support.consumers import take
from tests.support.sql import execute, fetch
from tests.support.waiting import LONGEST_SECONDS, until
from worker.db.connection import Database, connected
from worker.events.catalogue import CHANNELS, EVENT_TYPES, SetupCreated
from worker.events.examples import EXAMPLES
from worker.events.reader import EventReader

PAGE = ROOT / "docs" / "events.md"
TEXT = PAGE.read_text(encoding="utf-8")
SETUP = next(example for example in EXAMPLES if isinstance(example, SetupCreated))

TELL = """
INSERT INTO events (channel, event_type, source, correlation_id, data)
SELECT 'parsing:setup', $2, 'worker', gen_random_uuid(), $3::text::jsonb FROM generate_series(1, $1)
RETURNING id
"""


def example(language: str) -> str:
    [code] = re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    return str(code)


async def tell(database: Database, number: int, fact: SetupCreated = SETUP, event_type: str | None = None) -> list[int]:
    rows = await fetch(database, TELL, number, event_type or fact.event_type, fact.model_dump_json())
    return [row["id"] for row in rows]


@asynccontextmanager
async def program(*command: str, database: Database, folder: Path) -> AsyncIterator[Process]:
    """With everything that it starts; Ctrl-C ends it."""
    environment: Mapping[str, str] = os.environ | {
        "DATABASE_URL": database.dsn,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=environment, stdout=DEVNULL, stderr=DEVNULL, start_new_session=True
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGINT)
        await asyncio.wait_for(process.wait(), LONGEST_SECONDS)


def test_every_event_type_is_named_with_its_schema() -> None:
    linked = set(re.findall(r"\]\(events/(.+?)\.json\)", TEXT))
    assert linked == EVENT_TYPES.keys()
    for event_type, fact in EVENT_TYPES.items():
        [row] = [line for line in TEXT.splitlines() if f"(events/{event_type}.json)" in line]
        assert row.startswith(f"| `{fact.channel}` |")
    assert all(f"| `{channel}` |" in TEXT for channel in CHANNELS)


async def test_the_consumer_in_python(migrated_database: Database, tmp_path: Path) -> None:
    await execute(migrated_database, "CREATE TABLE alerts (event_id bigint PRIMARY KEY, line text)")
    (tmp_path / "consumer.py").write_text(example("python"), encoding="utf-8")
    told = await tell(migrated_database, 3)
    await tell(migrated_database, 1, SETUP.model_copy(update={"origin": "history"}))
    await tell(migrated_database, 1, event_type="setup.withdrawn")

    async def alerts(number: int) -> list[tuple[int, str]]:
        rows = await fetch(migrated_database, "SELECT * FROM alerts ORDER BY event_id")
        return [tuple(row) for row in rows] if len(rows) >= number else []

    for number in (3, 5):
        async with program(sys.executable, "consumer.py", database=migrated_database, folder=tmp_path):
            found = await until(lambda number=number: alerts(number), f"{number} alerts")  # type: ignore[misc]
            assert found == [(event_id, "SPY rejection 586.49") for event_id in told]
        told += await tell(migrated_database, 2)


async def test_the_reader_in_a_shell(migrated_database: Database, tmp_path: Path) -> None:
    (tmp_path / "reader.sh").write_text(example("sh"), encoding="utf-8")
    told = await tell(migrated_database, 3)

    async def position() -> bool:
        file = tmp_path / "position"
        return file.exists() and file.read_text() == f"{told[-1]}\n"

    for _ in range(2):
        async with program("sh", "reader.sh", database=migrated_database, folder=tmp_path):
            await until(position, "the position to be written")
        told += await tell(migrated_database, 2)
    lines = (tmp_path / "setups.jsonl").read_text().splitlines()
    assert [int(re.match(r'\{"id":(\d+),', line)[1]) for line in lines] == told[:-2]  # type: ignore[index]


async def test_the_reader_in_sql(migrated_database: Database) -> None:
    once, whenever = example("sql").split("-- whenever")
    await execute(migrated_database, once)
    whenever = whenever.partition("\n")[2]
    told = await tell(migrated_database, 1200)
    await tell(migrated_database, 1, event_type="setup.withdrawn")
    async with connected(migrated_database, purpose="test") as connection:
        for _ in range(2):
            while await connection.execute(whenever) == "UPDATE 1":
                pass
            rows = await connection.fetch("SELECT * FROM my_setups ORDER BY event_id")
            assert [tuple(row) for row in rows] == [(event_id, "SPY", "rejection") for event_id in told]
            told += await tell(migrated_database, 3)


async def test_a_role_of_its_own_needs_just_the_named_rights(migrated_database: Database) -> None:
    grants = " ".join(re.findall(r"GRANT [^`]+;", TEXT))
    assert grants.count("GRANT") == 2
    told = await tell(migrated_database, 2)
    await execute(migrated_database, f"CREATE ROLE desk LOGIN; {grants}")
    try:
        async with EventReader("desk", channels=["parsing:setup"], dsn=as_desk(migrated_database)) as events:
            assert await take(events, 2) == told
            async with events.transaction():
                pass
        with pytest.raises(ValueError, match="no"):
            await fail(as_desk(migrated_database))
        rows = await fetch(migrated_database, "SELECT state FROM event_letters")
        assert [row["state"] for row in rows] == ["dead"]
    finally:
        await execute(migrated_database, "DROP OWNED BY desk; DROP ROLE desk")


def as_desk(database: Database) -> str:
    return database.dsn.replace("postgres@", "desk@")


async def fail(dsn: str) -> None:
    async with EventReader("failing", channels=["parsing:setup"], dsn=dsn, tries=1) as events:
        async for _ in events:
            raise ValueError("no")
