"""`python -m worker run` against the sandbox, over real sockets and a real PostgreSQL."""

import signal
import time
from datetime import UTC, datetime

import pytest

from tests.support.waiting import until
from tests.support.worker_process import WorkerProcess, settings_for, worker_process
from worker import correlation
from worker.db.connection import Database, connected
from worker.demo_posts import opening_plan
from worker.sandbox import Channel, Sandbox


def settings(sandbox: Sandbox, database: Database, channel: Channel) -> dict[str, str]:
    return settings_for(sandbox, DATABASE_URL=database.dsn, DISCORD_CHANNELS=str(channel.id), HISTORY_PAGE_SECONDS="0")


async def stored(database: Database) -> dict[int, tuple[str, bool]]:
    """Text and deletion of each stored message."""
    async with connected(database, purpose="test") as connection:
        rows = await connection.fetch("SELECT message_id, text, deleted_at IS NOT NULL AS gone FROM discord_messages")
    return {row["message_id"]: (row["text"], row["gone"]) for row in rows}


async def event_types(database: Database, message_id: int) -> list[str]:
    async with connected(database, purpose="test") as connection:
        rows = await connection.fetch(
            "SELECT event_type FROM events WHERE correlation_id = $1 ORDER BY id", correlation.of_message(message_id)
        )
    return [row["event_type"] for row in rows]


async def test_a_post_its_edit_and_its_deletion_become_rows_and_events(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    async with worker_process("run", env=settings(sandbox, empty_database, channel)) as worker:
        await worker.ready()
        plan = sandbox.post(channel, opening_plan(datetime.now(UTC).date()))
        chat = sandbox.post(channel, "good morning")
        forward = sandbox.post(channel, forward_of=plan)
        elsewhere = sandbox.post(sandbox.add_guild("Others").add_channel("general"), "not for us")

        async def all_stored() -> bool:
            return {plan.id, chat.id, forward.id} <= set(await stored(empty_database))

        await until(all_stored, "three messages to be stored")
        sandbox.edit(chat, "good evening")
        sandbox.delete(plan)

        async def both_changed() -> bool:
            rows = await stored(empty_database)
            return rows[chat.id] == ("good evening", False) and rows[plan.id][1]

        await until(both_changed, "the edit and the deletion to be stored")
        assert await worker.stop() == 0

    rows = await stored(empty_database)
    assert elsewhere.id not in rows
    assert rows[forward.id][0] == rows[plan.id][0]
    assert await event_types(empty_database, chat.id) == ["discord.message.stored", "discord.message.edited"]
    told = await event_types(empty_database, plan.id)
    assert told[:2] == ["discord.message.stored", "parsing.message.parsed"]
    assert told.count("setup.created") == told.count("setup.withdrawn") == 10
    assert "discord.message.deleted" in told
    async with connected(empty_database, purpose="test") as connection:
        assert await connection.fetchval("SELECT count(*) FROM current_setups") == 10  # the forward's


async def test_what_was_posted_while_the_worker_was_killed_is_stored_after_its_next_start(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    env = settings(sandbox, empty_database, channel)
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        before = sandbox.post(channel, "before")
        await until(lambda: stored(empty_database), "the first message to be stored")
        await worker.stop(signal.SIGKILL)
    missed = [sandbox.post(channel, f"missed {number}") for number in range(250)]
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        after = sandbox.post(channel, "after")
        wanted = {message.id for message in (before, *missed, after)}

        async def complete() -> bool:
            return set(await stored(empty_database)) == wanted

        await until(complete, "every message to be stored")
        assert await worker.stop() == 0
    for message in (before, missed[0], missed[-1], after):
        assert await event_types(empty_database, message.id) == ["discord.message.stored"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_drains_and_ends_within_ten_seconds(
    sandbox: Sandbox, channel: Channel, empty_database: Database, number: int
) -> None:
    async with worker_process("run", env=settings(sandbox, empty_database, channel)) as worker:
        await worker.ready()
        posted = [sandbox.post(channel, f"message {count}") for count in range(50)]
        began = time.monotonic()
        assert await worker.stop(number) == 0
        assert time.monotonic() - began < 10
    assert worker.logged("worker.stopped")
    assert not worker.logged("worker.not_drained")
    # What arrived after the signal is not lost either: the next start finds it missing.
    async with worker_process("run", env=settings(sandbox, empty_database, channel)) as worker:

        async def complete() -> bool:
            return set(await stored(empty_database)) == {message.id for message in posted}

        await until(complete, "every message to be stored")


async def test_health_says_what_it_waits_for(sandbox: Sandbox, channel: Channel, empty_database: Database) -> None:
    sandbox.faults.rest.answer("GET /users/@me", status=503, times=None)
    async with worker_process("run", env=settings(sandbox, empty_database, channel)) as worker:

        async def waiting() -> bool:
            status, body = await worker.health()
            return status == 503 and "gateway" in body["waiting_for"]

        await until(waiting, "the worker to wait for Discord")
        assert (await worker.health("/livez"))[0] == 200
        status, metrics = await worker.health("/metrics")
        assert status == 200
        assert "worker_gateway_connected 0.0" in metrics
        sandbox.faults.clear()
        await worker.ready()
        assert await worker.stop() == 0


async def test_no_token_is_ever_logged(sandbox: Sandbox, channel: Channel, empty_database: Database) -> None:
    env = settings(sandbox, empty_database, channel) | {"LOG_LEVEL": "DEBUG"}
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        await worker.stop()
    assert len(worker.log) > 10
    assert "sandbox-token" not in str(worker.log) + str(worker.output)


class TestWrongInput:
    """Each ends in one plain sentence that names what to change, its exit code and no traceback."""

    async def refused(self, env: dict[str, str], code: int, *words: str) -> None:
        async with worker_process("run", env=env) as worker:
            assert await worker.ended() == code, (worker.output, worker.log)
        said = self._sentence(worker)
        for word in words:
            assert word in said

    def _sentence(self, worker: WorkerProcess) -> str:
        everything = "\n".join(worker.output) + str(worker.log)
        assert "Traceback" not in everything
        lines = [line for line in worker.output if line.strip()]
        assert len(lines) == 1, worker.output
        return lines[0]

    async def test_no_token(self, sandbox: Sandbox, channel: Channel, empty_database: Database) -> None:
        env = settings(sandbox, empty_database, channel)
        await self.refused(env | {"DISCORD_TOKEN": ""}, 78, "DISCORD_TOKEN")

    async def test_wrong_token(self, sandbox: Sandbox, channel: Channel, empty_database: Database) -> None:
        env = settings(sandbox, empty_database, channel)
        await self.refused(env | {"DISCORD_TOKEN": "another"}, 77, "DISCORD_TOKEN")

    async def test_intent_not_granted(self, channel: Channel, sandbox: Sandbox, empty_database: Database) -> None:
        sandbox.set_privileged(type(sandbox.gateway.privileged)(0))
        await self.refused(settings(sandbox, empty_database, channel), 77, "Message Content")

    async def test_database_out_of_reach(self, sandbox: Sandbox, channel: Channel, empty_database: Database) -> None:
        env = settings(sandbox, empty_database, channel)
        env |= {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none", "DATABASE_WAIT_SECONDS": "1"}
        await self.refused(env, 69, "DATABASE_URL", "127.0.0.1:9")

    async def test_malformed_url(self, sandbox: Sandbox, channel: Channel, empty_database: Database) -> None:
        env = settings(sandbox, empty_database, channel)
        await self.refused(env | {"DATABASE_URL": "mysql://here"}, 78, "DATABASE_URL")

    async def test_health_port_taken(self, sandbox: Sandbox, channel: Channel, empty_database: Database) -> None:
        env = settings(sandbox, empty_database, channel)
        port = sandbox.api_url.split(":")[2].split("/")[0]
        await self.refused(env | {"HEALTH_PORT": port}, 78, "HEALTH_PORT", port)

    async def test_plain_http_beyond_loopback(
        self, sandbox: Sandbox, channel: Channel, empty_database: Database
    ) -> None:
        env = settings(sandbox, empty_database, channel)
        await self.refused(env | {"DISCORD_API_URL": "http://discord.example/api"}, 78, "DISCORD_API_URL", "https")
        await self.refused(env | {"DISCORD_GATEWAY_URL": "ws://192.0.2.1/"}, 78, "DISCORD_GATEWAY_URL", "wss")

    async def test_wrong_setting(self, sandbox: Sandbox, channel: Channel, empty_database: Database) -> None:
        env = settings(sandbox, empty_database, channel)
        await self.refused(env | {"EVENT_RETENTION_DAYS": "soon"}, 78, "EVENT_RETENTION_DAYS")
        await self.refused(env | {"PLAN_TIMEZONE": "Chicago"}, 78, "PLAN_TIMEZONE")

    async def test_database_newer_than_the_code(
        self, sandbox: Sandbox, channel: Channel, migrated_database: Database
    ) -> None:
        async with connected(migrated_database, purpose="test") as connection:
            await connection.execute("UPDATE alembic_version SET version_num = 'from_the_future'")
            await connection.execute("UPDATE schema_floor SET floor = 1000000")
        await self.refused(settings(sandbox, migrated_database, channel), 76, "newer")
