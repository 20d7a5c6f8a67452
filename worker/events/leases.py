"""A consumer's standing in the database: who reads under its name, how far it has come, what failed.

Every function but `register` and `take` raises ReaderLeaseLostError when another reader has taken over the name.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from asyncpg import Connection

from worker.events import statements as sql
from worker.faults import named
from worker.waiting import doubled

LONGEST_PAUSE_SECONDS = 60.0  # between two tries of an event
REASON_LENGTH = 500  # characters that are kept of why something failed


class ReaderLeaseLostError(Exception):
    """Another reader has taken over the consumer's name; what this one has in hand is no longer its own."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to read under a consumer's name, for `seconds` after each renewal."""

    consumer: str
    token: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a consumer stood when its lease was taken; the fields are those of `event_consumers`."""

    lease: Lease
    position: int
    tries: int
    failed_up_to: int | None
    retry_in: float


@dataclass(frozen=True, slots=True)
class Done:
    """What a reader has dealt with: everything up to `position`, of which `handled` was its last event; letters."""

    position: int
    handled: int | None = None
    letters: tuple[int, ...] = ()


async def register(connection: Connection, consumer: str, channels: Sequence[str], start_after: int | None) -> None:
    """Makes the consumer known unless it is: its first event is the one after `start_after`, None: after the newest."""
    await connection.execute(sql.REGISTER, consumer, channels, start_after)


async def take(
    connection: Connection, consumer: str, channels: Sequence[str], holder: str, seconds: float
) -> Standing | None:
    """Takes the lease for `holder`, who must be named uniquely. None: another one holds it."""
    row = await connection.fetchrow(sql.TAKE_LEASE, consumer, channels, holder, seconds)
    if row is None:
        return None
    lease = Lease(consumer, row["lease_token"], seconds)
    return Standing(lease, row["position"], row["tries"], row["failed_up_to"], row["retry_in"])


async def acknowledge(connection: Connection, lease: Lease, done: Done) -> int:
    """Renews the lease and writes what is done; returns the consumer's position.

    In a transaction it is undone with it, and until its end nobody can take over."""
    position: int | None = await connection.fetchval(
        sql.ACKNOWLEDGE, lease.consumer, lease.token, done.position, done.handled, lease.seconds
    )
    _require(position is not None, lease)
    if done.letters:
        taken = await connection.fetch(sql.TAKE_LETTERS, lease.consumer, lease.token, done.letters)
        _require(len(taken) == len(done.letters), lease)
    return position or 0


async def fail(
    connection: Connection, lease: Lease, *, tries: int, failed_up_to: int | None, reason: str, pause: float
) -> None:
    """Writes that what comes next was tried in vain; `pause` is the seconds to wait before the next try."""
    row = await connection.fetchrow(sql.FAIL, lease.consumer, lease.token, tries, failed_up_to, reason, pause)
    _require(row is not None, lease)


async def set_aside(connection: Connection, lease: Lease, event_id: int, *, tries: int, reason: str) -> None:
    """Makes an event a dead letter and passes it."""
    position = await connection.fetchval(sql.SET_ASIDE, lease.consumer, lease.token, event_id, tries, reason)
    _require(position is not None, lease)


async def fail_letter(
    connection: Connection, lease: Lease, event_id: int, *, reason: str, pause: float, tries: int
) -> bool:
    """Writes that a letter was tried in vain; the pause doubles with each try. True: it is dead after so many."""
    row = await connection.fetchrow(
        sql.FAIL_LETTER, lease.consumer, lease.token, event_id, reason, pause, LONGEST_PAUSE_SECONDS, tries
    )
    _require(row is not None, lease)
    return row is not None and row["state"] == "dead"


async def release(connection: Connection, lease: Lease) -> None:
    """Lets the next reader in at once."""
    await connection.execute(sql.RELEASE_LEASE, lease.consumer, lease.token)


def pause_seconds(first: float, tries: int) -> float:
    """How long to wait after so many tries in vain: doubling, with jitter, up to LONGEST_PAUSE_SECONDS and a half."""
    return doubled(first, LONGEST_PAUSE_SECONDS, max(tries - 1, 0))


def _require(is_ours: bool, lease: Lease) -> None:
    if not is_ours:
        raise ReaderLeaseLostError(f"the lease of {lease.consumer} went to another reader")


def reason_of(error: BaseException) -> str:
    """Why something failed, short enough to be kept."""
    return named(error)[:REASON_LENGTH]
