"""The signs of life of one session, as its frames show them."""

import asyncio
import json

HELLO, HEARTBEAT_ACK = 10, 11
MISSED_HEARTBEATS = 2.5  # intervals without an answer

_LONGEST_CONTROL_FRAME = 256


class Pulse:
    """Times are those of the loop's clock."""

    def __init__(self) -> None:
        self._interval: float | None = None
        self._answered_at = self._now()
        self._connected = False
        self._changed_at = self._now()

    def frame(self, frame: str) -> None:
        """Takes a frame as it came."""
        if len(frame) > _LONGEST_CONTROL_FRAME:
            return
        payload = json.loads(frame)
        if payload.get("op") == HELLO:
            self._interval = payload["d"]["heartbeat_interval"] / 1000
            self._answered_at = self._now()
        elif payload.get("op") == HEARTBEAT_ACK:
            self._answered_at = self._now()

    def connected(self) -> None:
        self._connected, self._changed_at = True, self._now()

    def disconnected(self) -> None:
        if self._connected:
            self._connected, self._changed_at = False, self._now()

    @property
    def is_connected(self) -> bool:
        return self._connected

    @property
    def is_unanswered(self) -> bool:
        """Whether heartbeats are no longer answered."""
        if not self._connected or self._interval is None:
            return False
        return self._now() - self._answered_at > MISSED_HEARTBEATS * self._interval

    @property
    def disconnected_seconds(self) -> float:
        """For how long there has been no session, attempts to resume it included."""
        return 0.0 if self._connected else self._now() - self._changed_at

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
