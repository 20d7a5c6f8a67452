"""Rate limits of the REST API: a fixed window per bucket and major id, one for the bot, and the ban behind them.

Source: Discord's developer documentation, "Rate Limits". The routes' own limits are not documented; these are like
the ones that are seen."""

import hashlib
import time
from collections import deque
from dataclasses import dataclass

from aiohttp import web

from worker.sandbox.rest.answers import json_answer
from worker.sandbox.rules import Rules

_DEFAULT = (50, 1.0)
_SEEN = {
    "GET /channels/{channel_id}/messages": (5, 5.0),
    "POST /channels/{channel_id}/messages": (5, 5.0),
    "PATCH /channels/{channel_id}/messages/{message_id}": (5, 5.0),
}
_INVALID_STATUSES = frozenset({401, 403, 429})
_INVALID_WINDOW = 600.0  # seconds


@dataclass(slots=True)
class _Window:
    """`used` requests since `start`, a monotonic time."""

    start: float
    used: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state of a bucket after one more request. `retry_after` seconds when that was one too many."""

    bucket: str
    limit: int
    remaining: int
    reset_after: float
    retry_after: float | None = None
    scope: str = "user"

    def headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": f"{time.time() + self.reset_after:.3f}",
            "X-RateLimit-Reset-After": f"{self.reset_after:.3f}",
            "X-RateLimit-Bucket": self.bucket,
        }


class RateLimits:
    """`routes` maps "METHOD /template" to (requests, seconds); a test may change it on a running sandbox."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self.routes = dict(_SEEN)
        self._windows: dict[tuple[str, str], _Window] = {}
        self._global = _Window(0.0)
        self._invalid: deque[float] = deque()

    def take(self, route: str, major: str, *, counts_globally: bool) -> Verdict:
        """Counts one request of the route with that major id."""
        limit, seconds = self.routes.get(route, _DEFAULT)
        moment = time.monotonic()
        window = self._windows.setdefault((route, major), _Window(moment))
        _renew(window, moment, seconds)
        left = window.start + seconds - moment
        bucket = hashlib.blake2s(route.encode(), digest_size=8).hexdigest()
        if counts_globally:
            _renew(self._global, moment, 1.0)
            if self._global.used >= self._rules.requests_per_second:
                retry_after = self._global.start + 1.0 - moment
                return Verdict(bucket, limit, limit - window.used, left, retry_after, "global")
            self._global.used += 1
        if window.used >= limit:
            return Verdict(bucket, limit, 0, left, left)
        window.used += 1
        return Verdict(bucket, limit, limit - window.used, left)

    def count_invalid(self, status: int) -> None:
        if status in _INVALID_STATUSES:
            self._invalid.append(time.monotonic())

    def banned(self) -> bool:
        """Too many invalid requests: there is nothing but the bare 429 until they are old enough."""
        oldest = time.monotonic() - _INVALID_WINDOW
        while self._invalid and self._invalid[0] < oldest:
            self._invalid.popleft()
        return len(self._invalid) >= self._rules.invalid_requests


def _renew(window: _Window, moment: float, seconds: float) -> None:
    if moment - window.start >= seconds:
        window.start, window.used = moment, 0


def too_many(retry_after: float, scope: str = "user", *, via: bool = True) -> web.Response:
    """A 429. Without `via` it looks to a client like the ban that a proxy in front of Discord hands out."""
    is_global = scope == "global"
    body = {"message": "You are being rate limited.", "retry_after": round(retry_after, 3), "global": is_global}
    response = json_answer(body, 429)
    response.headers["Retry-After"] = f"{retry_after:.3f}"
    response.headers["X-RateLimit-Scope"] = scope
    if is_global:
        response.headers["X-RateLimit-Global"] = "true"
    if via:
        response.headers["Via"] = "1.1 google"
    return response


def ban() -> web.Response:
    return web.Response(status=429, text="error code: 1015", content_type="text/plain")
