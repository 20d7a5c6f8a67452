"""One post as it is stored: its text, and what became of the plans that were read from it."""

from dataclasses import dataclass
from datetime import datetime

from asyncpg import Connection

from worker.ingest.erased import ERASED

# Of a message whose deletion alone is known, nothing can be shown.
_POST = """
SELECT text, posted_at, edited_at, deleted_at, revision, parser_version,
       coalesce($3 = ANY(text_flags), false) AS is_erased
  FROM discord_messages
 WHERE message_id = $1 AND channel_id = $2 AND revision > 0
"""

_PLAN_STATES = "SELECT ticker, state FROM ticker_plans WHERE message_id = $1 ORDER BY position"


@dataclass(frozen=True, slots=True)
class StoredPost:
    """`plan_states` are ticker (None: the post named none) and state of each plan; `parser_version` read them.

    `is_erased`: what its author wrote was erased, and the text with it."""

    text: str
    posted_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None
    revision: int
    parser_version: int | None
    is_erased: bool
    plan_states: tuple[tuple[str | None, str], ...]


async def read_stored_post(connection: Connection, message_id: int, channel_id: int) -> StoredPost | None:
    """None: that message of that channel is not stored."""
    row = await connection.fetchrow(_POST, message_id, channel_id, ERASED)
    if row is None:
        return None
    states = await connection.fetch(_PLAN_STATES, message_id)
    return StoredPost(**dict(row), plan_states=tuple((plan["ticker"], plan["state"]) for plan in states))
