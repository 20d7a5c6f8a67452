"""What was missed comes in over REST: the worker as a process, against the sandbox and a real PostgreSQL."""

import asyncio
import json
import signal
from typing import Any

from tests.support.cable import cable_to
from tests.support.command_line import Ended
from tests.support.command_line import worker as run_command
from tests.support.ledger import settled
from tests.support.waiting import until
from tests.support.worker_process import WorkerProcess, settings_for, worker_process
from worker.db.connection import Database, connected
from worker.sandbox import Channel, Permission, Sandbox


def settings(sandbox: Sandbox, database: Database, *channels: Channel, **more: str) -> dict[str, str]:
    return settings_for(
        sandbox,
        DATABASE_URL=database.dsn,
        DISCORD_CHANNELS=",".join(str(channel.id) for channel in channels),
        HISTORY_PAGE_SECONDS="0",
        LEASE_SECONDS="1",
        **more,
    )


async def command(database: Database, *arguments: str) -> Ended:
    return await run_command(*arguments, database=database)


async def gaps(database: Database) -> list[tuple[int, str, str | None]]:
    """Channel, reason and outcome of each gap that was ever found."""
    async with connected(database, purpose="test") as connection:
        rows = await connection.fetch("SELECT channel_id, reason, outcome FROM ingestion_gaps ORDER BY id")
    return [tuple(row) for row in rows]


async def all_closed(database: Database) -> None:
    async def closed() -> bool:
        found = await gaps(database)
        return bool(found) and all(outcome for _, _, outcome in found)

    await until(closed, "every gap to be closed")


async def told_of_gaps(database: Database) -> list[tuple[str, dict[str, Any]]]:
    async with connected(database, purpose="test") as connection:
        rows = await connection.fetch(
            "SELECT event_type, data FROM events WHERE event_type LIKE 'ingestion.gap.%' ORDER BY id"
        )
    return [(row["event_type"].rpartition(".")[2], row["data"]) for row in rows]


async def started_once(sandbox: Sandbox, env: dict[str, str], database: Database, *channels: Channel) -> None:
    """A first run that leaves everything covered."""
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        for channel in channels:
            sandbox.post(channel, "before")
        await settled(database, sandbox, *channels)
        await worker.stop(signal.SIGKILL)


async def test_several_channels_are_caught_up_side_by_side_and_each_gap_is_told_once(
    sandbox: Sandbox, empty_database: Database
) -> None:
    guild = sandbox.add_guild("Traders")
    channels = [guild.add_channel(f"plans-{number}") for number in range(4)]
    env = settings(sandbox, empty_database, *channels, LOOK_BACK_MESSAGES="0")
    await started_once(sandbox, env, empty_database, *channels)
    for number in range(230):
        sandbox.post(channels[0], f"missed {number}")
    for channel in channels[1:3]:
        sandbox.post(channel, "missed")
    asked = len(sandbox.requests)
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        await settled(empty_database, sandbox, *channels)
        await all_closed(empty_database)
        status = json.loads((await command(empty_database, "status", "--json")).out)
        metrics = (await worker.health("/metrics"))[1]
    assert [channel["gaps"] for channel in status["channels"]] == [[]] * 4
    assert "worker_open_gap_since_seconds{" not in metrics
    # The channel that nothing was missed of costs no request.
    paths = [request.path for request in sandbox.requests[asked:] if request.path.endswith("/messages")]
    assert not [path for path in paths if str(channels[3].id) in path]
    assert len([path for path in paths if str(channels[0].id) in path]) == 3
    facts = await told_of_gaps(empty_database)
    keys = [(what, data["channel_id"], data["first_id"]) for what, data in facts]
    assert len(keys) == len(set(keys))
    assert sum(what == "opened" for what, _ in facts) == sum(what == "closed" for what, _ in facts)


async def test_a_gap_behind_more_than_a_page_of_the_last_minute_is_closed(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    # Pages begin a minute before the gap: the first ones hold nothing of it.
    env = settings(sandbox, empty_database, channel)
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        for number in range(250):
            sandbox.post(channel, f"just before {number}")
        await settled(empty_database, sandbox, channel)
        await worker.stop(signal.SIGKILL)
    sandbox.post(channel, "missed")
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        await settled(empty_database, sandbox, channel)
        await all_closed(empty_database)


async def test_the_first_message_after_a_change_of_permissions_leaves_no_gap(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    async with worker_process("run", env=settings(sandbox, empty_database, channel)) as worker:
        await worker.ready()
        sandbox.post(channel, "before")
        await settled(empty_database, sandbox, channel)
        channel.set_permissions(allow=Permission.READ_MESSAGE_HISTORY)
        # The look that follows a change is over by then; nothing shows it, and earlier there would be nothing to find.
        await asyncio.sleep(0.3)
        sandbox.post(channel, "after")
        await settled(empty_database, sandbox, channel)


async def test_what_may_not_be_read_is_no_empty_channel(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    env = settings(sandbox, empty_database, channel)
    await started_once(sandbox, env, empty_database, channel)
    sandbox.post(channel, "missed")
    channel.set_permissions(deny=Permission.READ_MESSAGE_HISTORY)
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        await until(lambda: _logged(worker, "history.not_permitted"), "the worker to find that it may not read")
        sandbox.post(channel, "live all the same")
        status = json.loads((await command(empty_database, "status", "--json")).out)
        (gap,) = status["channels"][0]["gaps"]
        assert (gap["reason"], gap["is_forbidden"], gap["percent"]) == ("start", True, 0.0)
        assert 'reason="start"} ' in (await worker.health("/metrics"))[1]
        channel.set_permissions()
        await settled(empty_database, sandbox, channel)
        await all_closed(empty_database)


async def test_a_permission_that_goes_while_a_page_is_asked_for_proves_nothing(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    env = settings(sandbox, empty_database, channel)
    await started_once(sandbox, env, empty_database, channel)
    sandbox.post(channel, "missed")
    # Discord answers as without the permission, and the gateway has not told of it yet.
    fault = sandbox.faults.rest.answer("GET /channels/*/messages", 200, times=1, body=[])
    refused = sandbox.faults.rest.answer("GET /channels/*/messages/*", 403, times=1)
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        await until(lambda: _logged(worker, "history.not_permitted"), "the worker to find that it may not read")
        assert (fault.hits, refused.hits) == (1, 1)
        assert (await gaps(empty_database))[-1][2] is None
        channel.set_permissions(allow=Permission.READ_MESSAGE_HISTORY)
        await settled(empty_database, sandbox, channel)


async def test_an_empty_page_is_not_believed_where_its_last_message_is_there(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    """As if the permission had gone before the page was asked for, and come again before its proof."""
    env = settings(sandbox, empty_database, channel, LOOK_BACK_DAYS="0")
    await started_once(sandbox, env, empty_database, channel)
    sandbox.post(channel, "missed")
    fault = sandbox.faults.rest.answer("GET /channels/*/messages", 200, body=[])
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        await settled(empty_database, sandbox, channel)
        assert fault.hits == 1


async def test_a_catch_up_that_is_interrupted_is_told_once(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    env = settings(sandbox, empty_database, channel, LOOK_BACK_DAYS="0")
    await started_once(sandbox, env, empty_database, channel)
    sandbox.post(channel, "missed")
    fault = sandbox.faults.rest.answer("GET /channels/*/messages", 403, times=3)
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        await settled(empty_database, sandbox, channel)
        await until(lambda: _logged(worker, "history.completed"), "the end to be told")
        assert await worker.stop() == 0
    assert fault.hits == 3
    async with connected(empty_database, purpose="test") as connection:
        told = "SELECT event_type FROM events WHERE event_type LIKE 'ingestion.catchup.%' ORDER BY id DESC LIMIT 2"
        rows = await connection.fetch(told)
        beginnings = "SELECT count(*) FROM events WHERE event_type = 'ingestion.catchup.started' AND id >= $1"
        last = await connection.fetchval("SELECT min(id) FROM events WHERE event_type = 'ingestion.gap.opened'")
        assert await connection.fetchval(beginnings, last) == 1
    assert [row["event_type"] for row in rows] == ["ingestion.catchup.completed", "ingestion.catchup.started"]


async def test_an_outage_of_the_guild_is_no_missing_permission(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    other = sandbox.add_guild("Others").add_channel("others")
    env = settings(sandbox, empty_database, channel, other)
    await started_once(sandbox, env, empty_database, channel, other)
    sandbox.post(channel, "missed")
    channel.guild.set_available(False)
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        await until(lambda: _logged(worker, "history.out_of_sight"), "the look-back to find that nothing is told")
        async with connected(empty_database, purpose="test") as connection:
            state = "SELECT permission_state FROM discord_channels WHERE channel_id = $1"
            assert await connection.fetchval(state, channel.id) != "missing"
        channel.guild.set_available(True)
        await settled(empty_database, sandbox, channel)


async def test_what_was_posted_while_the_channel_was_hidden_comes_in_once_it_is_seen_again(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    role = channel.guild.roles[channel.guild.id]
    async with worker_process("run", env=settings(sandbox, empty_database, channel)) as worker:
        await worker.ready()
        sandbox.post(channel, "seen")
        await settled(empty_database, sandbox, channel)
        channel.set_permissions(deny=Permission.VIEW_CHANNEL)
        sandbox.post(channel, "hidden")
        channel.set_permissions()
        sandbox.post(channel, "seen again")
        await settled(empty_database, sandbox, channel)
        everything = role.permissions
        channel.guild.set_role(role, everything & ~Permission.VIEW_CHANNEL)
        sandbox.post(channel, "hidden by a role")
        channel.guild.set_role(role, everything)
        sandbox.post(channel, "seen at last")
        await settled(empty_database, sandbox, channel)


async def test_what_did_not_fit_into_memory_is_fetched_once_the_database_is_back(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    async with cable_to(empty_database) as (cable, url):
        env = settings(sandbox, empty_database, channel, QUEUE_LIMIT="5") | {"DATABASE_URL": url, "LEASE_SECONDS": "30"}
        async with worker_process("run", env=env) as worker:
            await worker.ready()
            sandbox.post(channel, "before")
            await settled(empty_database, sandbox, channel)
            cable.cut()
            for number in range(40):
                sandbox.post(channel, f"while the database was away {number}")
            await until(lambda: _logged(worker, "ingest.queue_full"), "the queue to be full")
            cable.mend()
            await settled(empty_database, sandbox, channel)
            await all_closed(empty_database)
            assert ("queue_full", "fetched") in [gap[1:] for gap in await gaps(empty_database)]
            assert len(sandbox.identifies) == 1


async def test_whatever_rest_does_wrong_history_comes_in(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    env = settings(sandbox, empty_database, channel)
    await started_once(sandbox, env, empty_database, channel)
    missed = [sandbox.post(channel, f"missed {number}") for number in range(120)]
    pages = "GET /channels/*/messages"
    faults = [
        sandbox.faults.rest.limit(pages, times=1),
        sandbox.faults.rest.limit(pages, times=1, via=False),
        sandbox.faults.rest.answer(pages, 503, times=1),
        sandbox.faults.rest.cut(pages),
        sandbox.faults.rest.reset(pages, times=2),
        sandbox.faults.rest.headers(pages, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "0.3"}),
    ]
    sandbox.delete(missed[-1])
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        await settled(empty_database, sandbox, channel, unobserved=[missed[-1].id])
        await all_closed(empty_database)
        assert 'worker_invalid_requests_total{status="429"} 2.0' in (await worker.health("/metrics"))[1]
    assert [fault.hits for fault in faults] == [1, 1, 1, 1, 2, 1]


async def test_a_channel_that_is_gone_leaves_no_open_gap(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    other = sandbox.add_guild("Left").add_channel("plans")
    third = channel.guild.add_channel("third")
    last = channel.guild.add_channel("last")
    env = settings(sandbox, empty_database, channel, other, third, last)
    await started_once(sandbox, env, empty_database, channel, other, third, last)
    for one in (channel, other, third):
        sandbox.post(one, "missed")
        one.set_permissions(deny=Permission.READ_MESSAGE_HISTORY)
    async with worker_process("run", env=env) as worker:
        await worker.ready()

        async def three_are_open() -> bool:
            return [outcome for _, _, outcome in await gaps(empty_database)].count(None) == 3

        await until(three_are_open, "three gaps to be open")
        sandbox.post(third, "stored, though what lies before it is missing")
        sandbox.post(last, "stored after it")
        await settled(empty_database, sandbox, last)
        channel.delete()
        other.guild.remove_bot()
        await until(lambda: _unreachable(empty_database, channel, other), "two channels to be given up")
        await worker.stop(signal.SIGKILL)
    third.delete()
    sandbox.post(last, "shows that gaps were looked for")
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        await until(lambda: _unreachable(empty_database, channel, other, third), "the third to be given up too")
        await settled(empty_database, sandbox, last)
        await all_closed(empty_database)
        of_gone = [outcome for channel_id, _, outcome in await gaps(empty_database) if channel_id != last.id]
        assert of_gone == ["unreachable"] * 3
        status = json.loads((await command(empty_database, "status", "--json")).out)
        assert [one["gaps"] for one in status["channels"]] == [[]] * 4


async def test_history_is_fetched_as_far_back_as_asked_for(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    sandbox.seed(channel, 350)
    env = settings(sandbox, empty_database, channel)
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        async with connected(empty_database, purpose="test") as connection:
            assert await connection.fetchval("SELECT count(*) FROM discord_messages") == 0
        done = await command(empty_database, "backfill", str(channel.id), "--since", "2015-01-01")
        assert done.code == 0, done
        await settled(empty_database, sandbox, channel)
        assert worker.logged("history.completed")[-1]["messages"] == 350
    unknown = await command(empty_database, "backfill", "123", "--since", "2015-01-01")
    assert unknown.code == 66


async def _logged(worker: WorkerProcess, event: str) -> bool:
    return bool(worker.logged(event))


async def _unreachable(database: Database, *channels: Channel) -> bool:
    async with connected(database, purpose="test") as connection:
        rows = await connection.fetch("SELECT channel_id FROM discord_channels WHERE unreachable_since IS NOT NULL")
    return {row["channel_id"] for row in rows} == {channel.id for channel in channels}


async def test_history_ends_where_a_channel_is_listened_to_no_longer(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    messages = 1500
    sandbox.seed(channel, messages)
    env = settings(sandbox, empty_database, channel) | {"DISCORD_CHANNELS": "", "HISTORY_PAGE_SECONDS": "0.5"}
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        assert (await command(empty_database, "channels", "add", str(channel.id))).code == 0
        async with connected(empty_database, purpose="test") as connection:
            await connection.execute("UPDATE discord_channels SET history_from = '2015-01-01Z'")

            async def stored() -> int:
                return int(await connection.fetchval("SELECT count(*) FROM discord_messages"))

            await until(stored, "history to be fetched")
            assert (await command(empty_database, "channels", "remove", str(channel.id))).code == 0
            await all_closed(empty_database)
            assert await stored() < messages
        assert [outcome for _, _, outcome in await gaps(empty_database)] == ["cancelled"]
