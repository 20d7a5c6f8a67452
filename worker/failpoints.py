"""Points of the code at which a test makes the process die, to show that nothing is lost there. Off unless armed."""

import os
import signal
from typing import Literal, get_args

from worker.exits import ConfigError

Failpoint = Literal[
    "gateway.received",  # a frame became an observation that waits in memory
    "writer.begun",  # a transaction is open
    "writer.rows_written",  # and has its rows, but neither coverage nor events
    "writer.committed",  # COMMIT was answered
    "history.page_received",  # a page is in memory
    "history.page_written",  # and committed, with its coverage
    "history.gaps_accounted",  # gaps are opened and told
    "look_back.page_written",  # a stretch was read again, which is not accounted for yet
    "migration.locked",  # this process alone may migrate
    "migration.applied",  # a revision is recorded, and not committed
    "migration.finished",  # all are committed, and not told
    "lease.locked",  # the lock is held, the epoch has not begun
    "lease.taken",  # the epoch has begun
    "lease.renewed",
    "erasure.asked",  # somebody is to be erased, and nothing of theirs is yet
    "announcer.row_committed",  # a post is about to be sent
    "announcer.posted",  # and is there, which its row does not say yet
]
FAILPOINTS: tuple[Failpoint, ...] = get_args(Failpoint)

_armed: dict[str, int] = {}  # how often each may still be passed


def arm(specification: str) -> None:
    """`specification` names points with how often each is passed before it kills: "writer.begun=2,lease.taken=0".

    Raises ConfigError for a name that is none."""
    _armed.clear()
    for part in filter(None, specification.split(",")):
        name, _, passes = part.partition("=")
        if name not in FAILPOINTS or not passes.isdigit():
            raise ConfigError(f"FAILPOINTS names no failpoint with a number: {part!r}.")
        _armed[name] = int(passes)


def reach(point: Failpoint) -> None:
    """Kills the process, as kill -9 does, if this point is armed and due."""
    if point not in _armed:
        return
    if _armed[point] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    _armed[point] -= 1
