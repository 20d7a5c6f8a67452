"""An import into the database that a worker is writing to, and the whole way from a database as it was left."""

import asyncio
from pathlib import Path

from tests.support.alembic import alembic
from tests.support.command_line import worker as run_command
from tests.support.legacy import CHANNEL_ID
from tests.support.legacy_run import imported, old_rows, script
from tests.support.sql import execute, fetch
from tests.support.waiting import until
from tests.support.worker_process import settings_for, worker_process
from worker import correlation
from worker.db.connection import Database
from worker.sandbox import Sandbox
from worker.sandbox.world.model import Channel


async def rename_channel(database: Database, channel: Channel, prefix: str) -> None:
    """The channel of the old tables is the one that the sandbox has."""
    for table in ("setup_channels", "ingestion_status", "discord_messages"):
        await execute(
            database,
            f"UPDATE {prefix}{table} SET channel_id = $1 WHERE btrim(channel_id) = $2",  # noqa: S608
            str(channel.id),
            str(CHANNEL_ID),
        )


async def are_stored(database: Database, ids: list[int]) -> bool:
    rows = await fetch(database, "SELECT count(*) FROM discord_messages WHERE message_id = ANY($1::bigint[])", ids)
    return bool(rows[0][0] == len(ids))


async def test_a_worker_and_an_import_at_once_lose_nothing(
    sandbox: Sandbox, channel: Channel, old_database: Database
) -> None:
    """Both write to the same channel, so each has to wait for the other again and again."""
    await rename_channel(old_database, channel, "old_")
    posted: list[int] = []
    settings = settings_for(sandbox, DATABASE_URL=old_database.dsn, DISCORD_CHANNELS=str(channel.id))
    async with worker_process("run", env=settings) as worker:
        await worker.ready()
        work = asyncio.create_task(imported(old_database, execute=True))
        while not work.done():
            posted.append(sandbox.post(channel, f"good morning {len(posted)}").id)
            await asyncio.sleep(0.01)
        report = await work
        await until(lambda: are_stored(old_database, posted), "every message that was posted")
        assert await worker.stop() == 0
        assert not [line for line in worker.log if line["level"] in {"error", "critical"}]
    assert report.exit_code == 2
    assert report.run.tables["old_discord_messages"].inserted == 18
    told = await fetch(
        old_database,
        "SELECT correlation_id, count(*) FROM events WHERE event_type = 'discord.message.stored' AND id > 0 GROUP BY 1",
    )
    assert {tuple(row) for row in told} == {(correlation.of_message(message_id), 1) for message_id in posted}


async def test_from_the_database_as_it_was_left_to_a_worker_that_runs(
    sandbox: Sandbox, channel: Channel, left_database: Database, tmp_path: Path
) -> None:
    await rename_channel(left_database, channel, "")
    names = ("setups", "setup_channels", "events", "discord_messages", "discord_channels", "trade_setups")
    before = {name: await old_rows(left_database, name) for name in names if name != "discord_channels"}
    missed = sandbox.post(channel, "posted while no application was running")

    migrated = await run_command("migrate", database=left_database)
    assert migrated.code == 0, migrated
    dry = await script(left_database, report=tmp_path / "dry.json")
    done = await script(left_database, "--execute", report=tmp_path / "done.json")
    assert (dry.code, done.code) == (2, 2), (dry, done)
    assert done.report is not None
    tables = {one["table"]: one["inserted"] for one in done.report["tables"]}
    assert tables == {
        "setup_channels": 2,
        "ingestion_status": 1,
        "old_discord_messages": 18,
        "setup_messages": 6,
        "setups": 4,
        "old_events": 105,
    }

    async with worker_process("run", env=settings_for(sandbox, DATABASE_URL=left_database.dsn)) as worker:
        await worker.ready()
        live = sandbox.post(channel, "good morning")
        await until(lambda: are_stored(left_database, [missed.id, live.id]), "history and today to be stored")
        assert await worker.stop() == 0
    [(day,)] = await fetch(left_database, "SELECT max(trading_day)::text FROM current_setups")
    shown = await run_command("setups", "SPY", "--day", day, database=left_database)
    assert shown.code == 0
    assert "SPY" in shown.out

    await alembic(left_database, "downgrade", "base")
    for name, rows in before.items():
        assert await old_rows(left_database, name) == rows, name
