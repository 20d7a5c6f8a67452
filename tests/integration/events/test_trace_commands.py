"""trace, events replay and consumers, on a database that a replay of an export has filled."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest
from pydantic import SecretStr

from tests.support.command_line import ROOT, Ended, worker
from tests.support.consumers import reader, take
from tests.support.sql import execute, fetch
from worker import commands, correlation
from worker.db.connection import Database, connected
from worker.events.replay import Selection
from worker.exits import ExitCode
from worker.ingest.replay import ReplayOptions, replay
from worker.settings import Settings
from worker.views.stored_trace import Taking, read_trace

PLAN = 1384879837629382656
EXPORT = ROOT / "tests" / "data" / "exports" / "day_plans.json"
SETUPS = "parsing:setup"


@pytest.fixture
async def filled(migrated_database: Database) -> Database:
    await replay(migrated_database, [EXPORT], ReplayOptions(None, "America/Chicago", 10), lambda _: None)
    return migrated_database


Shown = Callable[[Coroutine[Any, Any, None]], Awaitable[str]]


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shown:
    """What a command writes to a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")

    async def run(command: Coroutine[Any, Any, None]) -> str:
        capsys.readouterr()
        await command
        return "".join(line for line in capsys.readouterr().out.splitlines(True) if "[info " not in line)

    return run


@pytest.fixture
def settings(filled: Database) -> Settings:
    return Settings(database_url=SecretStr(filled.dsn), database_wait_seconds=10)


async def refused(database: Database, *arguments: str) -> Ended:
    ended = await worker(*arguments, database=database)
    assert "Traceback" not in ended.err
    assert ended.out == ""
    return ended


async def told(database: Database) -> list[Any]:
    return await fetch(
        database, "SELECT * FROM events WHERE correlation_id = $1 ORDER BY id", correlation.of_message(PLAN)
    )


async def takings(database: Database, number: int) -> tuple[Taking, ...]:
    """What consumers made of the message's event of that number."""
    async with connected(database, purpose="test") as connection:
        return (await read_trace(connection, PLAN)).events[number].takings


async def read_some(database: Database, consumer: str, number: int, **options: Any) -> None:
    async with reader(database, consumer, channels=[SETUPS], **options) as events:
        await take(events, number)
        async with events.transaction():
            pass


async def fail_on(database: Database, consumer: str, reason: str) -> None:
    async def read() -> None:
        async with reader(database, consumer, channels=[SETUPS], tries=1) as events:
            async for _ in events:
                raise ValueError(reason)

    with pytest.raises(ValueError, match="no"):
        await read()


async def test_the_whole_way_of_a_message(filled: Database, settings: Settings, shown: Shown) -> None:
    events = await told(filled)
    await read_some(filled, "desk", 2)
    by_id = await shown(commands.trace(settings, PLAN, is_json=False))
    assert await shown(commands.trace(settings, correlation.of_message(PLAN), is_json=False)) == by_id
    lines = by_id.splitlines()
    assert all(len(line) <= 80 for line in lines if "https://" not in line)
    steps = [line for line in lines if line.startswith("202") or "desk:" in line]
    assert "posted" in steps[0]
    assert "received" in steps[1]
    types = [event["event_type"] for event in events]
    assert [found for step in steps for found in {*types} if f" {found}  event" in step] == types
    assert sum("desk: taken" in step for step in steps) == 2
    assert sum("desk: not yet taken" in step for step in steps) == len(events) - 1 - 2
    assert lines[-1].startswith("setup ")


async def test_for_programs_with_the_latency_of_each_consumer(
    filled: Database, settings: Settings, shown: Shown
) -> None:
    await read_some(filled, "desk", 1)
    found = json.loads(await shown(commands.trace(settings, PLAN, is_json=True)))
    events = await told(filled)
    assert found["correlation_id"] == str(correlation.of_message(PLAN))
    assert found["message"]["message_id"] == str(PLAN)
    assert [event["id"] for event in found["events"]] == [event["id"] for event in events]
    assert found["events"][0]["consumers"] == []
    [first] = found["events"][1]["consumers"]
    assert (first["consumer"], first["state"], first["seconds"] > 0) == ("desk", "taken", True)
    assert found["events"][2]["consumers"] == [
        {"consumer": "desk", "state": "not yet taken", "at": None, "reason": None, "seconds": None}
    ]
    assert all(setup["state"] == "current" for setup in found["setups"])


async def test_what_became_of_an_event_at_a_consumer(filled: Database, settings: Settings, shown: Shown) -> None:
    await read_some(filled, "early", 1)
    await execute(filled, "INSERT INTO event_consumers (name, started_after, position) VALUES ('late', 10000, 10000)")
    await fail_on(filled, "unlucky", "no such \x1b[31mticker")
    early, unlucky = await takings(filled, 1)
    assert (early.consumer, early.state, early.at is not None) == ("early", "taken", True)
    assert (unlucky.state, unlucky.reason) == ("dead letter", "ValueError: no such \x1b[31mticker")
    assert "\x1b" not in await shown(commands.trace(settings, PLAN, is_json=False))
    await shown(commands.requeue(settings, "unlucky", ()))
    assert (await takings(filled, 1))[1].state == "waits to be taken again"
    [row] = await fetch(filled, "SELECT count(*) AS events FROM events WHERE channel = $1", SETUPS)
    await read_some(filled, "unlucky", row["events"])
    # When it was handled, not when it was passed.
    [letter] = await fetch(filled, "SELECT changed_at FROM event_letters")
    assert (await takings(filled, 1))[1] == Taking("unlucky", "taken", letter["changed_at"])


async def test_what_is_left_when_its_events_are_gone(filled: Database, settings: Settings, shown: Shown) -> None:
    await execute(filled, "TRUNCATE events")
    for name in (PLAN, correlation.of_message(PLAN)):
        found = json.loads(await shown(commands.trace(settings, name, is_json=True)))
        assert (found["message"]["message_id"], found["events"]) == (str(PLAN), [])
        assert found["setups"]


async def test_a_fact_without_a_message(filled: Database, settings: Settings, shown: Shown) -> None:
    [event] = await fetch(filled, "SELECT * FROM events WHERE event_type = 'schema.migrated' ORDER BY id LIMIT 1")
    found = json.loads(await shown(commands.trace(settings, event["correlation_id"], is_json=True)))
    assert (found["message"], [told["id"] for told in found["events"]]) == (None, [event["id"]])
    assert "schema.migrated" in await shown(commands.trace(settings, event["correlation_id"], is_json=False))


async def test_a_replay_only_counts_unless_told_to(filled: Database, settings: Settings, shown: Shown) -> None:
    events = await told(filled)
    selection = Selection(correlation_id=correlation.of_message(PLAN))
    counted = await shown(commands.replay_events(settings, selection, consumer=None, execute=False))
    assert f"{len(events)} events in all" in counted
    assert "add --execute" in counted
    written = await shown(commands.replay_events(settings, selection, consumer=None, execute=True))
    lines = [json.loads(line) for line in written.splitlines()]
    assert [(line["id"], line["is_replay"]) for line in lines] == [(event["id"], True) for event in events]


async def test_a_replay_to_a_consumer_and_its_dead_letters(filled: Database, settings: Settings, shown: Shown) -> None:
    await fail_on(filled, "desk", "no")
    await read_some(filled, "desk", 2)
    selection = Selection(channels=(SETUPS,))
    counted = await shown(commands.replay_events(settings, selection, consumer="desk", execute=False))
    assert "3 events in all" in counted
    [listed] = json.loads(await shown(commands.list_consumers(settings, is_json=True)))
    assert (listed["waiting_letters"], listed["dead_letters"], listed["cause"]) == (0, 1, "no reader")
    [letter] = json.loads(await shown(commands.dead_letters(settings, "desk", is_json=True)))
    assert (letter["reason"], letter["tries"]) == ("ValueError: no", 1)
    assert "ValueError: no" in await shown(commands.dead_letters(settings, "desk", is_json=False))
    assert "no reader" in await shown(commands.list_consumers(settings, is_json=False))
    sent = await shown(commands.replay_events(settings, selection, consumer="desk", execute=True))
    assert sent == "3 events wait for desk.\n"
    [listed] = json.loads(await shown(commands.list_consumers(settings, is_json=True)))
    assert (listed["waiting_letters"], listed["dead_letters"]) == (3, 0)
    assert await shown(commands.dead_letters(settings, "desk", is_json=False)) == "No dead letters.\n"
    await shown(commands.remove_consumer(settings, "desk"))
    assert "No program has read" in await shown(commands.list_consumers(settings, is_json=False))


async def test_on_the_command_line(filled: Database) -> None:
    """Each command once as a user writes it."""
    plan = str(correlation.of_message(PLAN))
    events = await told(filled)
    await fail_on(filled, "desk", "no")
    ended = await asyncio.gather(
        worker("trace", plan, "--json", database=filled),
        worker("events", "replay", "--correlation", plan, "--execute", database=filled),
        worker("events", "tail", "--correlation", plan, "--json", database=filled),
        worker("consumers", "list", "--json", database=filled),
        worker("consumers", "letters", "desk", "--json", database=filled),
    )
    assert [one.code for one in ended] == [0] * 5, ended
    traced, replayed, tailed, listed, letters = (one.out for one in ended)
    assert [event["id"] for event in json.loads(traced)["events"]] == [event["id"] for event in events]
    replays = [json.loads(line) for line in replayed.splitlines()]
    assert [json.loads(line) | {"is_replay": True} for line in tailed.splitlines()] == replays
    assert len(replays) == len(events)
    assert json.loads(listed)[0]["name"] == "desk"
    [letter] = json.loads(letters)
    assert (await worker("consumers", "requeue", "desk", str(letter["event_id"]), database=filled)).out == (
        "1 dead letters wait for desk again.\n"
    )
    assert (await worker("consumers", "remove", "desk", database=filled)).code == 0


async def test_names_of_nothing_are_a_sentence(filled: Database) -> None:
    nothing, too_big, no_id, nobody, no_number, no_consumer = await asyncio.gather(
        refused(filled, "trace", "1"),
        refused(filled, "trace", "9" * 19),
        refused(filled, "trace", "SPY"),
        refused(filled, "consumers", "letters", "nobody"),
        refused(filled, "events", "replay", "--up-to", "9" * 19),
        refused(filled, "events", "replay", "--consumer", "nobody", "--execute"),
    )
    assert [ended.code for ended in (nothing, nobody, no_consumer)] == [ExitCode.NO_INPUT] * 3
    assert [ended.code for ended in (too_big, no_id, no_number)] == [ExitCode.USAGE] * 3
    assert no_consumer.err == "There is no consumer nobody: none has read yet.\n"
