"""Messages that are made to break what stores them: half of them live, half of them from history."""

import asyncio
import signal
from typing import Any

from tests.faults.run import Run

DEPTH = 100
HUGE_EMBED = {"title": "t" * 256, "description": "d" * 4096, "fields": [{"name": "n", "value": "v" * 1024}]}


def _nested(depth: int) -> Any:
    value: Any = "\x00"
    for _ in range(depth):
        value = {"components": [value]}
    return value


# The arguments of Sandbox.post by kind.
CONTENT: dict[str, dict[str, Any]] = {
    "NUL": {"text": "a\x00b\x00"},
    "surrogate": {"text": "a\ud800b\udfff", "embeds": [{"title": "\udc00"}]},
    "huge": {"text": "\U0001f680" * 4000, "embeds": [HUGE_EMBED]},
    "deep": {"text": "deep", "extra": {"nonce": _nested(DEPTH)}},
    "hostile plan": {
        "text": "A+ Scalp Trade Setups — Thu May 15\n\nSPY\n\x00Rejection 586.49 🔻 \u2028584.20,\ud83d 1e309\n" * 20
    },
    "numbers": {"text": "9" * 2000, "extra": {"nonce": 10**400}},
    "keys": {"text": "keys", "extra": {"nonce": {"\x00": {"\ud800": "\x00"}}}},
    "lines": {"text": "\u2028\u2029\x85\x0b\x1b[2J\r\n" * 100},
    "nothing": {"text": ""},
}


async def hostile_content(run: Run, times: int) -> None:
    kinds = [run.chance.choice(sorted(CONTENT)) for _ in range(times)]
    async with run.at_work() as worker:
        run.traders.act()
        for kind in kinds[::2]:
            await _posted(run, kind)
        await run.settled()
        await worker.stop(signal.SIGKILL)
    with run.traders.nobody_there():
        for kind in kinds[1::2]:
            await _posted(run, kind)
    await run.recovered()


async def _posted(run: Run, kind: str) -> None:
    """Now and then a text becomes a hostile one by an edit."""
    content = CONTENT[kind]
    message = run.traders.post(run.chance.choice(run.traders.channels), **content)
    if run.chance.random() < 0.2:
        run.sandbox.edit(message, content["text"][::-1] + "edited")
    run.struck[kind] += 1
    await asyncio.sleep(0.01)
