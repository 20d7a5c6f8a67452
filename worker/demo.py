"""The worker's main job from end to end on this machine: a local Discord, an analyst's posts, what they become."""

import asyncio
import json
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from asyncpg import Connection
from pydantic import SecretStr
from rich.console import Console

from worker import correlation, demo_posts
from worker.app import Worker, running
from worker.db.connection import connected
from worker.exits import ExitCode, UnavailableError
from worker.sandbox import Sandbox
from worker.sandbox.world.model import Channel, Message
from worker.settings import Settings
from worker.views.events import show_events
from worker.views.levels import show_levels
from worker.views.setups import show_setups
from worker.views.stored_plans import current_plans
from worker.views.tail import read_events
from worker.views.terminal import terminal

STEP_SECONDS = 30  # for a busy machine; a step takes milliseconds
POLL_SECONDS = 0.02
TOKEN = "sandbox-token"  # noqa: S105  it opens nothing but the sandbox

_TOLD = "SELECT count(*) FROM events WHERE correlation_id = $1 AND event_type = $2"


async def run(settings: Settings, *, keep: bool) -> ExitCode:
    """Shows everything and ends, or with `keep` goes on until Ctrl-C with the sandbox and the worker at work."""
    console = terminal()
    folder = _scratch_folder()
    try:
        async with Sandbox(token=TOKEN) as sandbox:
            await _show(console, settings, sandbox, folder, keep=keep)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return ExitCode.OK


def _scratch_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="plan-worker-demo-"))
    # Where root may make no user namespace, the server runs as another account, which has to get through.
    folder.chmod(0o711)
    return folder


async def _show(console: Console, settings: Settings, sandbox: Sandbox, folder: Path, *, keep: bool) -> None:
    channel = sandbox.add_guild("Traders").add_channel("day-plans")
    own = settings.model_copy(
        update={
            "discord_token": SecretStr(TOKEN),
            "discord_api_url": sandbox.api_url,
            "discord_gateway_url": sandbox.gateway_url,
            "discord_channels": (channel.id,),
            "database_url": None,
            "database_direct_url": None,
            "data_directory": folder,
            "health_port": 0,
        }
    )
    _step(console, f"A local Discord answers at {sandbox.api_url}")
    async with running(own) as worker:
        _step(
            console,
            f"An embedded PostgreSQL is up and migrated; health at http://127.0.0.1:{worker.health_port}/readyz",
        )
        async with connected(worker.database, purpose="demo") as connection:
            await _until(lambda: _is_ready(worker), "the worker to connect")
            _step(console, "The worker is connected and listens to #day-plans")
            zone = ZoneInfo(own.plan_timezone)
            today = datetime.now(zone).date()
            await _post(console, sandbox, channel, connection, today)
            await _show_results(console, connection, zone, today)
        if keep:
            await _keep(console, sandbox, channel, folder, worker)


def _step(console: Console, text: str) -> None:
    # An address broken over two lines cannot be opened from the terminal.
    console.print(f"▸ {text}", style="bold", soft_wrap=True)


async def _post(console: Console, sandbox: Sandbox, channel: Channel, connection: Connection, today: date) -> None:
    """What happens in the channel; each step waits until its event is told."""

    async def told(message: Message, event_type: str) -> None:
        async def is_told() -> bool:
            found: int = await connection.fetchval(_TOLD, correlation.of_message(message.id), event_type)
            return found > 0

        await _until(is_told, f"{event_type} of {message.id}")

    analyst, trader = sandbox.add_user("analyst"), sandbox.add_user("trader")
    plan = sandbox.post(channel, demo_posts.opening_plan(today), author=analyst)
    await told(plan, "setup.created")
    _step(console, "The analyst posted the day's plan for SPY and NVDA")
    sandbox.edit(plan, demo_posts.corrected_plan(today))
    await told(plan, "setup.withdrawn")
    _step(console, "... edited it: one target mended, NVDA's bounce taken back")
    forward = sandbox.post(channel, author=analyst, forward_of={"content": demo_posts.forwarded_plan(today), "type": 0})
    await told(forward, "setup.created")
    _step(console, "... forwarded a plan for TSLA: the forward's own content is empty")
    mistake = sandbox.post(channel, demo_posts.withdrawn_plan(today), author=analyst)
    await told(mistake, "setup.created")
    sandbox.delete(mistake)
    await told(mistake, "setup.withdrawn")
    _step(console, "... posted a plan for QQQ by mistake and deleted it")
    chat = sandbox.post(channel, demo_posts.CHAT, author=trader)
    await told(chat, "discord.message.stored")
    _step(console, "A trader chatted: stored, and read as no plan")


async def _show_results(console: Console, connection: Connection, zone: ZoneInfo, today: date) -> None:
    console.print()
    _step(console, "Setups that stand now (python -m worker setups TICKER)")
    for ticker in ("SPY", "NVDA", "TSLA"):
        show_setups(console, await current_plans(connection, ticker, day=today, today=today), zone)
    _step(console, "Levels of TSLA (python -m worker levels TSLA)")
    show_levels(console, await current_plans(connection, "TSLA", day=today, today=today))
    console.print()
    _step(console, "What other programs were told (python -m worker events tail)")
    show_events(console, await read_events(connection, after=0))


async def _keep(console: Console, sandbox: Sandbox, channel: Channel, folder: Path, worker: Worker) -> None:
    post = json.dumps({"channel": str(channel.id), "text": "A+ Trade Setups\n\nIWM\nBounce 201.50 -> 203.00"})
    console.print()
    _step(console, "Still running; Ctrl-C ends it. From another terminal:")
    console.print(f"  DATA_DIRECTORY={folder} .venv/bin/python -m worker events tail --follow", soft_wrap=True)
    console.print(f"  curl -X POST {sandbox.control_url}/post -d '{post}'", soft_wrap=True)
    await worker.wait()


async def _is_ready(worker: Worker) -> bool:
    return not worker.health.waiting


async def _until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    end = asyncio.get_running_loop().time() + STEP_SECONDS
    while not await condition():
        if asyncio.get_running_loop().time() > end:
            raise UnavailableError(f"The demo waited {STEP_SECONDS} s in vain for {what}; its log says why.")
        await asyncio.sleep(POLL_SECONDS)
