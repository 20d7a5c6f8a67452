"""What the commands' handlers work with."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from worker.db.shared_session import SharedSession
from worker.gateway.catch_up import CatchUp
from worker.health import Health
from worker.ingest.channels import ChannelBook
from worker.ingest.erasure import Erased
from worker.settings import Settings


@dataclass(frozen=True, slots=True)
class CommandContext:
    """`session` is the commands' own. After a change, `on_commit` wakes who listens for events, and `reload_channels`
    brings `book` up to the database. What is written belongs under `epoch`. `erase` erases everybody who was asked for
    and is not erased yet; it returns what was erased, by user id."""

    session: SharedSession
    book: ChannelBook
    catch_up: CatchUp
    settings: Settings
    health: Health
    epoch: int
    on_commit: Callable[[], None]
    reload_channels: Callable[[], Awaitable[None]]
    erase: Callable[[], Awaitable[dict[int, Erased]]]
