"""Sessions that only seem to live are given up for a fresh login, and a lost intent turns readiness red."""

from tests.acceptance.test_catch_up import settings
from tests.support.ledger import settled
from tests.support.waiting import until
from tests.support.worker_process import WorkerProcess, worker_process
from worker.db.connection import Database
from worker.sandbox import Channel, Intent, Rules, Sandbox


async def given_up(worker: WorkerProcess, reason: str) -> None:
    async def counted() -> bool:
        text = (await worker.health("/metrics"))[1]
        return f'worker_sessions_forced_total{{reason="{reason}"}} 1.0' in text

    await until(counted, f"a session to be given up: {reason}")


async def test_a_session_that_hears_nothing(sandbox: Sandbox, channel: Channel, empty_database: Database) -> None:
    env = settings(sandbox, empty_database, channel, GATEWAY_CHECK_SECONDS="0.5")
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        before = sandbox.post(channel, "heard")
        await settled(empty_database, sandbox, channel)
        sandbox.faults.gateway.deafen()
        sandbox.post(channel, "not heard")
        sandbox.edit(before, "an edit that is not heard")
        await given_up(worker, "deaf")
        await settled(empty_database, sandbox, channel)
        sandbox.post(channel, "heard again")
        await settled(empty_database, sandbox, channel)
    assert [record.operation for record in sandbox.identifies] == ["identify", "identify"]


async def test_a_session_that_is_resumed_at_a_dead_host(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    env = settings(sandbox, empty_database, channel, GATEWAY_PATIENCE_SECONDS="8", GATEWAY_CHECK_SECONDS="1")
    sandbox.faults.gateway.set_resume_url("ws://127.0.0.1:9/")
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        sandbox.faults.gateway.cut()
        sandbox.post(channel, "while it tries to resume")
        await given_up(worker, "lost")
        await settled(empty_database, sandbox, channel)
        await worker.ready()


async def test_a_session_whose_heartbeats_are_not_answered(empty_database: Database) -> None:
    async with Sandbox(token="sandbox-token", rules=Rules(heartbeat_seconds=0.4)) as sandbox:
        channel = sandbox.add_guild("Traders").add_channel("plans")
        env = settings(sandbox, empty_database, channel, GATEWAY_CHECK_SECONDS="1")
        async with worker_process("run", env=env) as worker:
            await worker.ready()
            sandbox.faults.gateway.silence()
            sandbox.post(channel, "into the silence")
            await given_up(worker, "unanswered")
            await settled(empty_database, sandbox, channel)


async def test_a_session_that_is_well_is_left_alone(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    hidden = channel.guild.add_channel("hidden")
    forum = channel.guild.add_channel("forum", "forum")
    env = settings(sandbox, empty_database, channel, hidden, forum, GATEWAY_CHECK_SECONDS="0.2")
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        thread = forum.add_thread("a post", "text")
        for number in range(30):
            sandbox.post(channel, f"message {number}")
            sandbox.post(thread, f"message {number}")
        checks = len(_checks(sandbox))
        await sandbox.until(lambda: len(_checks(sandbox)) > checks + 5)
        await settled(empty_database, sandbox, channel, thread)
        assert "worker_sessions_forced_total{" not in (await worker.health("/metrics"))[1]
    assert len(sandbox.identifies) == 1


async def test_a_lost_intent_turns_readiness_red_until_it_is_granted_again(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    async with worker_process("run", env=settings(sandbox, empty_database, channel)) as worker:
        await worker.ready()
        sandbox.set_privileged(Intent(0))

        async def says_so() -> bool:
            status, body = await worker.health()
            return status == 503 and "Message Content" in body["waiting_for"].get("gateway", "")

        await until(says_so, "readiness to name the intent")
        sandbox.post(channel, "while it is not granted")
        sandbox.set_privileged(Intent.MESSAGE_CONTENT)
        await worker.ready()
        await settled(empty_database, sandbox, channel)


def _checks(sandbox: Sandbox) -> list[str]:
    return [request.path for request in sandbox.requests if request.path == "/oauth2/applications/@me"]
