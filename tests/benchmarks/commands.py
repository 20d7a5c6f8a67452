"""How long a member waits for an answer while the worker catches up with history and posts come in."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

from tests.support.postgres import embedded_server
from tests.support.sql import fetch
from tests.support.waiting import until
from tests.support.worker_process import settings_for, worker_process
from worker.db.connection import Database
from worker.db.migrate import migrate
from worker.demo_posts import opening_plan
from worker.sandbox import Channel, Permission, Sandbox
from worker.sandbox.world.model import User

ASKED = 40  # times each command
LIVE_A_SECOND = 20
HISTORY = 60_000
GOAL_MILLISECONDS = 300

COMMANDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("status", {}),
    ("channels list", {}),
    ("setups", {}),
    ("plan", {"ticker": "SPY"}),
    ("levels", {"ticker": "SPY"}),
)


async def main() -> None:
    with embedded_server(durable=True) as server:
        database = Database(server.dsn(), server.dsn())
        await migrate(database, budget_seconds=60, lock_timeout_milliseconds=200)
        async with Sandbox(token="sandbox-token") as sandbox:
            await _measure(database, sandbox)


async def _measure(database: Database, sandbox: Sandbox) -> None:
    guild = sandbox.add_guild("Traders")
    plans, history = guild.add_channel("plans"), guild.add_channel("history")
    admin = sandbox.add_user("admin")
    guild.add_member(admin, [guild.add_role("admins", Permission.MANAGE_GUILD)])
    env = settings_for(
        sandbox,
        DATABASE_URL=database.dsn,
        DISCORD_CHANNELS=str(plans.id),
        HISTORY_PAGE_SECONDS="0",
    )
    async with worker_process("run", env=env) as worker:
        await worker.ready()
        await until(lambda: fetch(database, "SELECT FROM synced_commands"), "the commands to be known")
        sandbox.post(plans, opening_plan(datetime.now(UTC).date()))
        await until(lambda: fetch(database, "SELECT FROM current_setups"), "the plan to be read")
        bare = await _bare(sandbox)
        for name, options in COMMANDS:
            _report(f"/{name}, at rest", await _asked(sandbox, plans, admin, name, options), bare)
        sandbox.seed(history, HISTORY, start=datetime.now(UTC) - timedelta(days=20))
        await sandbox.invoke("channels add", plans, admin, {"channel": history, "history": "30d"}).message(30)
        chatter = asyncio.create_task(_chatter(sandbox, plans))
        await until(lambda: fetch(database, "SELECT FROM discord_messages OFFSET 500 LIMIT 1"), "history to come in")
        for name, options in COMMANDS:
            _report(f"/{name}, under load", await _asked(sandbox, plans, admin, name, options), bare)
        ((stored,),) = await fetch(database, "SELECT count(*) FROM discord_messages")
        print(f"stored meanwhile: {stored} of {HISTORY} messages of history (all of them: there was no load)")
        chatter.cancel()
        await asyncio.gather(chatter, return_exceptions=True)


async def _chatter(sandbox: Sandbox, channel: Channel) -> None:
    while True:
        sandbox.post(channel, "what a morning")
        await asyncio.sleep(1 / LIVE_A_SECOND)


async def _asked(
    sandbox: Sandbox, channel: Channel, user: User, name: str, options: dict[str, Any]
) -> tuple[list[float], list[float]]:
    """Seconds to the first answer, and to the one that says it all."""
    first, whole = [], []
    for _ in range(ASKED):
        began = time.perf_counter()
        asked = sandbox.invoke(name, channel, user, options)
        await asked.answered(60)
        first.append(time.perf_counter() - began)
        await asked.message(60)
        whole.append(time.perf_counter() - began)
    return first, whole


async def _bare(sandbox: Sandbox) -> float:
    """Seconds of a request that asks the sandbox for next to nothing."""
    taken = []
    async with aiohttp.ClientSession(headers={"Authorization": "Bot sandbox-token"}) as session:
        for _ in range(100):
            began = time.perf_counter()
            async with session.get(f"{sandbox.api_url}/users/@me") as answer:
                await answer.read()
            taken.append(time.perf_counter() - began)
    return sorted(taken)[len(taken) // 2]


def _report(what: str, taken: tuple[list[float], list[float]], bare: float) -> None:
    for which, seconds in zip(("first answer", "whole answer"), taken, strict=True):
        middle, last = sorted(seconds)[len(seconds) // 2], max(seconds)
        goal = f"; goal: at most {GOAL_MILLISECONDS} ms" if which == "first answer" else ""
        print(
            f"{what}, {which}: p50 {middle / bare:.1f}, worst {last / bare:.1f} times a bare request "
            f"({middle * 1000:.0f} and {last * 1000:.0f} ms against {bare * 1000:.1f} ms{goal})"
        )
