"""How fast Discord is asked for history. Its own rate-limit headers mislead there, so the pace is ours."""

import asyncio
import re
from collections import deque
from types import SimpleNamespace

import aiohttp
import structlog

from worker import metrics

log = structlog.get_logger(__name__)

REQUESTS_PER_SECOND = 45  # in all; Discord's global limit is 50
MADE_UP_FOR = 4  # turns that nobody took in time, which may follow at once: at most 50 in any second
LONGEST_PAGE_SECONDS = 30.0
# Discord bans an address after 10,000 answers of 401, 403 or 429 within 10 minutes.
INVALID_LIMIT, INVALID_WINDOW_SECONDS = 1000, 600.0
INVALID_STATUSES = (401, 403, 429)
# Discord resets the token of a bot that identifies more than 1,000 times a day: 20 in 30 minutes are 960.
IDENTIFY_LIMIT, IDENTIFY_WINDOW_SECONDS = 20, 1800.0


class BudgetSpentError(Exception):
    """History has to wait: too many requests were refused of late."""


class Pace:
    """Turns for requests: so many a second in all, and for each channel a least time between two of its pages.

    A channel that Discord limits is asked half as often, and gradually more often again."""

    def __init__(self, page_seconds: float) -> None:
        self._page_seconds = page_seconds
        self._next_turn = 0.0
        self._next_page: dict[int, float] = {}
        self._slower: dict[int, float] = {}  # channel -> seconds that it is given beyond page_seconds

    async def turn(self) -> None:
        """Waits for a request's turn, in the order of the calls."""
        now = asyncio.get_running_loop().time()
        turn = max(now - MADE_UP_FOR / REQUESTS_PER_SECOND, self._next_turn)
        self._next_turn = turn + 1 / REQUESTS_PER_SECOND
        await asyncio.sleep(max(turn - now, 0))

    async def page(self, channel_id: int) -> None:
        """Waits until a channel may be asked for its next page, and for the request's turn."""
        clock = asyncio.get_running_loop().time
        await asyncio.sleep(max(self._next_page.get(channel_id, 0) - clock(), 0))
        await self.turn()
        slower = self._slower.get(channel_id, 0)
        self._next_page[channel_id] = clock() + self._page_seconds + slower
        self._slower[channel_id] = slower * 0.8 if slower > 0.01 else 0

    def limited(self, channel_id: int) -> None:
        """Discord answered 429 for a channel."""
        slower = self._slower.get(channel_id, 0) * 2 or 1.0
        self._slower[channel_id] = min(slower, LONGEST_PAGE_SECONDS)


class Identifies:
    """Counts logins at the gateway, and makes those wait that would be too many."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=IDENTIFY_LIMIT)

    async def turn(self) -> None:
        clock = asyncio.get_running_loop().time
        if len(self._times) == IDENTIFY_LIMIT:
            wait = self._times[0] + IDENTIFY_WINDOW_SECONDS - clock()
            if wait > 0:
                log.error("gateway.too_many_logins", wait_seconds=round(wait))
                await asyncio.sleep(wait)
        self._times.append(clock())
        metrics.IDENTIFIES.inc()


_MESSAGES_OF_CHANNEL = re.compile(r"/channels/(\d+)/messages")


class InvalidRequests:
    """Counts the answers that Discord bans for."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def answered(self, status: int) -> None:
        if status in INVALID_STATUSES:
            metrics.INVALID_REQUESTS.labels(str(status)).inc()
            self._times.append(asyncio.get_running_loop().time())

    def check(self) -> None:
        """Raises BudgetSpentError while history has to wait."""
        oldest = asyncio.get_running_loop().time() - INVALID_WINDOW_SECONDS
        while self._times and self._times[0] < oldest:
            self._times.popleft()
        if len(self._times) >= INVALID_LIMIT:
            raise BudgetSpentError(
                f"{len(self._times)} requests were refused within {INVALID_WINDOW_SECONDS / 60:.0f} minutes"
            )


def watch_answers(pace: Pace, invalid: InvalidRequests) -> aiohttp.TraceConfig:
    """Shows every answer to both, those too that the library deals with by itself."""

    async def ended(_: aiohttp.ClientSession, __: SimpleNamespace, answered: aiohttp.TraceRequestEndParams) -> None:
        status = answered.response.status
        invalid.answered(status)
        if status == 429 and (found := _MESSAGES_OF_CHANNEL.search(answered.url.path)):
            pace.limited(int(found[1]))

    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(ended)
    return trace
