"""Which of two states of one message stands. Decides the same whatever order they come in.

The edit time decides; a deletion wins over everything; what Discord itself told wins over an export, which can hold
rendered text and so only fills holes."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto

from worker.db.models import Origin
from worker.ingest.prepared import PreparedMessage


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """What of a stored message decides about another state of it; `revision` is 0 while only its deletion is known."""

    message_id: int
    channel_id: int
    guild_id: int | None
    text: str
    content: str
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
    REVISE = auto()  # another text: the stored one becomes a revision
    REFRESH = auto()  # the same text with a newer edit time or more embeds: no revision, no event
    FORMER = auto()  # an older text that is seen later than its successor
    NOTHING = auto()


_SECOND_HAND = ("replay", "legacy")


def verdict(stored: StoredMessage | None, seen: PreparedMessage) -> Verdict:
    """What to do with a state of a message that was seen, given what is stored of it."""
    if stored is None:
        return Verdict.INSERT
    if stored.revision == 0:
        return Verdict.FILL
    same_text = seen.text == stored.text and seen.content == stored.content
    if (seen.origin in _SECOND_HAND) != (stored.origin in _SECOND_HAND):
        if seen.origin in _SECOND_HAND:
            return Verdict.NOTHING
        return Verdict.REFRESH if same_text else Verdict.REVISE
    if same_text:
        return Verdict.REFRESH if _age(seen) > _age(stored) else Verdict.NOTHING
    return Verdict.FORMER if _age(seen) < _age(stored) else Verdict.REVISE


def _age(state: StoredMessage | PreparedMessage) -> tuple[datetime, int]:
    """Orders the states of one message: by edit time, one that was never edited first.

    Discord adds embeds without an edit time, so at the same edit time the state with more of them is the newer one.
    Their content cannot decide: addresses in it are signed anew on every request."""
    return state.edited_at or _NEVER, state.embed_count


_NEVER = datetime.min.replace(tzinfo=UTC)
