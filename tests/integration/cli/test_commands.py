"""The commands as a user runs them, on a database that a replay has filled."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from asyncpg import Connection
from pydantic import SecretStr

from tests.support.command_line import GENEROUS_SECONDS, ROOT, start, worker
from tests.support.logging_state import logging_as_before
from worker import commands, correlation, logs
from worker.db.connection import Database, connected
from worker.exits import ExitCode, NotFoundError
from worker.ingest.channel_changes import COMMAND_LINE, add_channel
from worker.ingest.channels import ChannelBook, load_channels
from worker.ingest.replay import ReplayOptions, replay
from worker.settings import Settings
from worker.views.stored_explanation import read_explanation
from worker.views.tail import EventFilter, read_events, tail

EXPORTS = ROOT / "tests" / "data" / "exports"


@pytest.fixture
async def filled(migrated_database: Database) -> Database:
    paths = [EXPORTS / "day_plans.json", EXPORTS / "messages.jsonl"]
    await replay(migrated_database, paths, ReplayOptions(None, "America/Chicago", 10), lambda _: None)
    return migrated_database


Shown = Callable[[Coroutine[Any, Any, None]], Awaitable[str]]


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Shown]:
    """What a command writes to a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")

    async def run(command: Coroutine[Any, Any, None]) -> str:
        capsys.readouterr()
        await command
        return capsys.readouterr().out

    with logging_as_before():
        logs.configure(Settings(), quiet=True)
        yield run


def settings_of(database: Database) -> Settings:
    return Settings(database_url=SecretStr(database.dsn), database_wait_seconds=10)


async def test_setups_and_levels_are_shown(filled: Database, shown: Shown) -> None:
    ended = await worker("setups", "$spy", "--day", "2025-06-18", database=filled)
    assert (ended.code, ended.err) == (ExitCode.OK, "")
    assert "rejection  short       598.40  596.90, 595.25, 593.80" in ended.out
    assert "https://discord.com/channels/900000000000000001/900000000000000002/1384879837629382656" in ended.out
    assert "601.15" not in ended.out
    levels = await shown(commands.levels(settings_of(filled), "SPY", date(2025, 6, 18)))
    prices = [line.split()[0] for line in levels.splitlines()[3:]]
    assert len(prices) > 10
    assert prices == sorted(prices, key=float, reverse=True)
    assert "594.90  flip below" in levels


async def test_the_status_is_shown(filled: Database, shown: Shown) -> None:
    assert "#day-plans" in await shown(commands.status(settings_of(filled), is_json=False))
    found = json.loads(await shown(commands.status(settings_of(filled), is_json=True)))
    assert found["messages"] == {"not_a_plan": 4, "parsed": 5}
    assert found["schema"]["revisions"] == [found["schema"]["head"]]
    assert {channel["channel_id"]: channel["messages"] for channel in found["channels"]} == {
        "900000000000000002": 6,
        "900000000000000005": 3,
    }


async def test_the_status_knows_the_gaps_of_a_channel_that_is_listened_to(filled: Database, shown: Shown) -> None:
    async with connected(filled, purpose="test") as connection:
        await connection.execute(
            "UPDATE discord_channels SET is_listen = true, history_from = '2025-06-18T00:00:00Z',"
            " covered = int8multirange(int8range($1, $2)) WHERE channel_id = 900000000000000002",
            1384879837629382656,
            1385603971153920000,
        )
    found = json.loads(await shown(commands.status(settings_of(filled), is_json=True)))
    gaps = [(gap["first_id"], gap["last_id"]) for gap in found["channels"][0]["gaps"]]
    assert gaps[0][0] == "1385603971153920000"
    assert gaps[1][1] == "1384879837629382655"
    assert len(gaps) == 2


@pytest.mark.parametrize(
    ("parent", "thread", "listens"),  # is_listen, is_active, includes_threads
    [
        ((True, True, True), (False, True, True), True),
        ((True, False, True), (False, True, True), False),
        ((True, True, False), (False, True, True), False),
        ((True, True, True), (False, False, True), False),
        ((False, True, True), (True, True, True), True),
        ((False, True, True), (False, True, True), False),
    ],
)
async def test_a_thread_is_listened_to_through_its_parent(
    filled: Database, shown: Shown, parent: tuple[bool, ...], thread: tuple[bool, ...], *, listens: bool
) -> None:
    async with connected(filled, purpose="test") as connection:
        await connection.executemany(
            "UPDATE discord_channels SET is_listen = $2, is_active = $3, includes_threads = $4, parent_id = $5"
            " WHERE channel_id = $1",
            [(900000000000000002, *parent, None), (900000000000000005, *thread, 900000000000000002)],
        )
        book = ChannelBook()
        book.replace(await load_channels(connection))
        explained = await read_explanation(connection, 900000000000000005, 1384879837629382000)
    found = json.loads(await shown(commands.status(settings_of(filled), is_json=True)))
    told = {channel["channel_id"]: channel["listens"] for channel in found["channels"]}
    assert told["900000000000000005"] is listens
    assert book.listens_to(900000000000000005, 900000000000000002) is listens
    assert explained.channel is not None
    assert explained.channel.listens is listens


async def test_a_thread_that_is_listened_to_with_its_channel_leads_to_that(filled: Database, shown: Shown) -> None:
    settings, channel_id, thread_id = settings_of(filled), 900000000000000002, 900000000000000005
    async with connected(filled, purpose="test") as connection:
        await connection.execute(
            "UPDATE discord_channels SET is_listen = true, history_from = '2025-06-18T00:00:00Z',"
            " parent_id = CASE channel_id WHEN $1 THEN $2::bigint END WHERE channel_id IN ($1, $2)",
            thread_id,
            channel_id,
        )
    removed = await shown(commands.remove_channel(settings, thread_id))
    assert f"is no longer listened to by itself; its channel {channel_id} is" in removed
    for refused in (
        commands.remove_channel(settings, thread_id),
        commands.backfill(settings, thread_id, datetime(2025, 6, 1, tzinfo=UTC)),
    ):
        with pytest.raises(NotFoundError, match=f"listened to with the channel {channel_id} that it hangs on"):
            await refused
    explained = await shown(commands.explain(settings, thread_id, 1370000000000000000))
    assert f"backfill {channel_id} --since 2025-05-08" in explained


async def test_what_is_not_there_is_answered_with_what_is(filled: Database) -> None:
    settings = settings_of(filled)
    with pytest.raises(NotFoundError) as error:
        await commands.levels(settings, "TSLA", date(2025, 6, 19))
    assert str(error.value) == "There is no plan for TSLA on 2025-06-19; there are plans for 2025-06-23, 2025-06-18."
    with pytest.raises(NotFoundError) as error:
        await commands.setups(settings, "XYZ", None, None)
    assert str(error.value) == "There is no plan for XYZ; there are plans for NVDA, QQQ, SPY, TSLA."
    with pytest.raises(NotFoundError) as error:
        await commands.setups(settings, "SPY", None, None)
    assert str(error.value).startswith("There is no plan for SPY today (")
    assert str(error.value).endswith("the newest is for 2025-06-23: add --day 2025-06-23.")


async def test_events_are_told_in_order_and_by_correlation_id(filled: Database, shown: Shown) -> None:
    async def told(after: int | None = None, correlation_id: UUID | None = None, *channels: str) -> list[Any]:
        command = commands.tail_events(
            settings_of(filled),
            after=after,
            event_channels=channels,
            correlation_id=correlation_id,
            follow=False,
            is_json=True,
        )
        return [json.loads(line) for line in (await shown(command)).splitlines()]

    events = await told(0)
    ids = [event["id"] for event in events]
    assert ids == sorted(ids)
    assert len(ids) > 20
    assert list(events[0]) == ["id", "channel", "event_type", "source", "correlation_id", "data", "created_at"]
    assert [event["id"] for event in await told()] == ids[-20:]
    assert [event["id"] for event in await told(ids[-3])] == ids[-2:]
    about_plan = await told(None, correlation.of_message(1384879837629382656), "parsing:setup")
    assert [event["event_type"] for event in about_plan] == ["parsing.message.parsed", *["setup.created"] * 6]


async def test_pages_of_events_join_without_a_seam(
    filled: Database, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ids() -> list[int]:
        wanted = EventFilter()
        return [event.id async for event in tail(filled, wanted, after=0, follow=False, wait_seconds=10)]

    whole = await ids()
    monkeypatch.setattr("worker.views.tail.PAGE_SIZE", 1)
    assert await ids() == whole


async def lines_of(process: asyncio.subprocess.Process) -> AsyncIterator[dict[str, Any]]:
    assert process.stdout
    while line := await process.stdout.readline():
        yield json.loads(line)


@asynccontextmanager
async def following(database: Database) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await start(
        *("events", "tail", "--follow", "--json", "--channel", "channel:config"),
        database=database,
        more={"DATABASE_WAIT_SECONDS": "30"},
    )
    try:
        async with asyncio.timeout(GENEROUS_SECONDS):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def end_sessions_of_tail(connection: Connection) -> None:
    await connection.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
        "WHERE application_name LIKE '%:events' AND datname = current_database()"
    )


async def errors_of(process: asyncio.subprocess.Process) -> str:
    assert process.stderr
    return (await process.stderr.read()).decode()


@pytest.mark.parametrize("how_it_ends", [signal.SIGINT, signal.SIGTERM])
async def test_following_shows_what_comes_even_after_a_lost_connection(
    migrated_database: Database, how_it_ends: signal.Signals
) -> None:
    async with following(migrated_database) as process, connected(migrated_database, purpose="test") as connection:
        events = lines_of(process)
        for channel_id in (1, 2):
            await add_channel(connection, channel_id, by=COMMAND_LINE)
            event = await anext(events)
            assert (event["event_type"], event["data"]["channel_id"]) == ("channel.added", str(channel_id))
            await end_sessions_of_tail(connection)
        process.send_signal(how_it_ends)
        assert await process.wait() == ExitCode.OK
    errors = await errors_of(process)
    assert "Traceback" not in errors
    assert "events.reconnecting" in errors


async def test_ctrl_c_ends_following_though_the_connection_was_lost_at_the_same_moment(
    migrated_database: Database,
) -> None:
    async with following(migrated_database) as process, connected(migrated_database, purpose="test") as connection:
        await add_channel(connection, 1, by=COMMAND_LINE)
        await anext(lines_of(process))
        process.send_signal(signal.SIGSTOP)
        await end_sessions_of_tail(connection)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGCONT)
        assert await process.wait() == ExitCode.OK
    assert "Traceback" not in await errors_of(process)


async def test_channels_are_added_listed_and_removed(migrated_database: Database, shown: Shown) -> None:
    settings, channel_id = settings_of(migrated_database), 1384879837629382656
    assert await shown(commands.add_channel(settings, channel_id, "aplus")) == f"Channel {channel_id} is listened to.\n"
    again = await shown(commands.add_channel(settings, channel_id, None))
    assert again == f"Channel {channel_id} was listened to already.\n"
    listed = await shown(commands.list_channels(settings))
    assert listed.splitlines()[2].split() == [str(channel_id), "unknown", "yes", "aplus"]
    gone = await shown(commands.remove_channel(settings, channel_id))
    assert gone == f"Channel {channel_id} is no longer listened to; its messages stay.\n"
    assert await shown(commands.remove_channel(settings, channel_id)) == f"Channel {channel_id} was not listened to.\n"
    with pytest.raises(NotFoundError, match="Nothing is known of a channel 5"):
        await commands.remove_channel(settings, 5)
    async with connected(migrated_database, purpose="test") as connection:
        told = await read_events(connection, after=0, wanted=EventFilter(["channel:config"]))
    assert [event.event_type for event in told] == ["channel.added", "channel.removed"]


def test_what_only_some_commands_need_of_discord_is_not_imported_for_the_others() -> None:
    script = "import sys, worker.commands; sys.exit('discord' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 0


async def test_migrate_plans_prints_and_does(empty_database: Database, shown: Shown) -> None:
    settings = settings_of(empty_database)
    assert "would apply 0001" in await shown(commands.show_migration_plan(settings))
    assert "CREATE TABLE" in await shown(commands.print_migration_sql(settings))
    done = await worker("migrate", database=empty_database, more={"LOG_LEVEL": "WARNING"})
    assert done.out.startswith("Applied 0001, ")
    assert await shown(commands.migrate(settings)) == "The schema is at the newest revision already.\n"
    assert "Nothing to do." in await shown(commands.show_migration_plan(settings))


async def test_a_command_migrates_what_it_needs(empty_database: Database) -> None:
    ended = await worker("setups", "SPY", database=empty_database)
    assert ended.code == ExitCode.NO_INPUT
    assert ended.err == "There is no plan for SPY: none is stored yet; `run` and `replay` bring them.\n"


async def test_without_a_database_url_a_command_starts_its_own(tmp_path: Path) -> None:
    more = {"DATABASE_URL": "", "DATA_DIRECTORY": str(tmp_path), "DATABASE_WAIT_SECONDS": "30"}
    ended = await worker("status", more=more)
    assert ended.code == ExitCode.OK, ended.err
    assert "PostgreSQL" in ended.out


POST = (
    "A+ Setups — Wed Jun 18\n\nSPY\n❌ Rejection Near 598.40 🔻 596.90, 595.25\n⚠️ \x1b[2Jbullish \x9b31mabove 596.20\n"
)


async def test_a_post_is_parsed_without_a_database(tmp_path: Path) -> None:
    path = tmp_path / "post.txt"
    path.write_text(POST, encoding="utf-8")
    shown, program, from_file = await asyncio.gather(
        worker("parse", "--posted-at", "2025-06-18T12:58:00Z", stdin=POST),
        worker("parse", "-", "--json", "--posted-at", "2025-06-18T12:58:00Z", stdin=POST),
        worker("parse", str(path), "--json", "--posted-at", "2025-06-18T12:58:00Z"),
    )
    assert [ended.err for ended in (shown, program, from_file)] == [""] * 3
    assert "\x1b" not in shown.out
    assert "\x9b" not in shown.out
    assert "␛[2Jbullish <U+009B>31mabove 596.20" in shown.out
    assert "rejection  short       598.40  596.90, 595.25" in shown.out
    reading = json.loads(program.out)
    assert (reading["status"], reading["trading_day"]) == ("parsed", "2025-06-18")
    assert reading["plans"][0]["setups"][0]["triggers"] == [["598.40", "598.40"]]
    assert json.loads(from_file.out) == reading


async def test_lines_of_posts_are_answered_one_by_one() -> None:
    process = await start("parse", "--jsonl", "--timezone", "America/Chicago", more={"LOG_LEVEL": "ERROR"})
    assert process.stdin
    assert process.stdout
    posts = [
        {"id": "1", "posted_at": "2025-06-18T12:58:00Z", "content": POST},
        {"id": "2", "posted_at": "2025-06-18T12:58:00Z", "content": "a\u2028b \x00 \ud800 \x1b[31m" + "x" * 4000},
        {"id": "3"},
    ]
    async with asyncio.timeout(GENEROUS_SECONDS):
        for post, status in zip(posts, ("parsed", "not_a_plan", "failed"), strict=True):
            process.stdin.write(json.dumps(post).encode() + b"\n")
            await process.stdin.drain()
            answer = json.loads(await process.stdout.readline())
            assert (answer["id"], answer["status"]) == (post["id"], status)
        process.stdin.close()
        assert await process.wait() == ExitCode.OK
