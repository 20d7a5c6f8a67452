"""Which of two states of one message stands. Decides the same whatever order they come in.

The edit time decides; a deletion wins over everything; what Discord itself told wins over an export, which can hold
rendered text and so only fills holes."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto

from worker.ingest.prepared import PreparedMessage
from worker.words import Origin


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """What of a stored message decides about another state of it; `revision` is 0 while only its deletion is known."""

    message_id: int
    channel_id: int
    guild_id: int | None
    text: str
    edited_at: datetime | None
    deleted_at: datetime | None
    deletion_inferred: bool
    revision: int
    origin: Origin
    embed_count: int
    has_plans: bool


class Verdict(Enum):
    INSERT = auto()  # not stored yet
    FILL = auto()  # only its deletion was stored
    REVISE = auto()  # another text stands from now on
    REFRESH = auto()  # the same text with a newer edit time or more embeds: no revision, no event
    FORMER = auto()  # another text that does not stand: an older one seen late, or one from an export
    NOTHING = auto()


def verdict(stored: StoredMessage | None, seen: PreparedMessage) -> Verdict:
    """What to do with a state of a message that was seen, given what is stored of it."""
    if stored is None:
        return Verdict.INSERT
    if stored.revision == 0:
        return Verdict.FILL
    if _rank(seen) > _rank(stored):
        return Verdict.REFRESH if seen.text == stored.text else Verdict.REVISE
    if seen.text == stored.text or seen.edited_at == stored.edited_at:
        return Verdict.NOTHING
    return Verdict.FORMER


_SECOND_HAND = ("replay", "legacy")
_NEVER = datetime.min.replace(tzinfo=UTC)


def is_second_hand(origin: Origin) -> bool:
    """Whether somebody else kept it and it is not Discord's own word."""
    return origin in _SECOND_HAND


def _rank(state: StoredMessage | PreparedMessage) -> tuple[bool, datetime, int, int, str]:
    """Orders the states of one message; the greatest stands. One that was never edited is the oldest.

    Discord adds embeds and fills in a bot's deferred answer without an edit time, so at the same edit time the fuller
    state is the newer one. The content of embeds cannot decide: addresses in it are signed anew on every request."""
    return (
        not is_second_hand(state.origin),
        state.edited_at or _NEVER,
        state.embed_count,
        len(state.text),
        state.text,
    )
