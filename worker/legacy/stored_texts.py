"""What is known of a message's texts, and what another old row with its id adds to that."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from asyncpg import Connection

from worker.ingest.precedence import is_second_hand
from worker.legacy.posts import Post, digest_of
from worker.legacy.target import Refusal
from worker.words import Origin

_NEVER = datetime.min.replace(tzinfo=UTC)

# The payload of an imported message names the old table that it is from.
_STORED = """
SELECT m.message_id, m.origin, m.revision, m.text, m.edited_at, m.raw #>> '{legacy,table}' AS label,
       ARRAY(SELECT r.text FROM message_revisions AS r WHERE r.message_id = m.message_id) AS former_texts,
       ARRAY(SELECT r.edited_at FROM message_revisions AS r WHERE r.message_id = m.message_id) AS former_edits
  FROM discord_messages AS m
 WHERE m.message_id = ANY($1::bigint[])
"""


@dataclass(slots=True)
class StoredTexts:
    """The texts of one message: which they are, and when each was edited; the first one never was.

    `origin` is None where no text is known. `label` is the old table that an imported one is from."""

    origin: Origin | None = None
    edited_at: datetime | None = None
    label: str | None = None
    digests: set[UUID] = field(default_factory=set)
    edits: set[datetime | None] = field(default_factory=set)

    def placed(self, post: Post, label: str) -> Post | Refusal | None:
        """The post as it is to be written, None where that adds nothing, or why its text has no place.

        A text that differs is another state of the message: of rows of one table the one that was kept at another time
        was edited by then. What Discord or an export told stands; an older text is kept beside it."""
        if self.origin is None:
            return post
        if post.digest in self.digests:
            return None
        if self.origin != "legacy":
            is_older = not is_second_hand(self.origin) or (post.edited_at or _NEVER) < (self.edited_at or _NEVER)
            return post if is_older and post.edited_at not in self.edits else None
        if post.edited_at not in self.edits:
            return post
        if label == self.label and post.stored_at not in self.edits:
            return post.edited(post.stored_at)
        return Refusal("changed", f"another text of message {post.message_id}, and no time tells the two apart")

    def add(self, post: Post, label: str) -> None:
        """Takes up a post that is to be written."""
        if self.origin is None or self.origin == "legacy":
            self.origin, self.label, self.edited_at = "legacy", label, post.edited_at
        self.digests.add(post.digest)
        self.edits.add(post.edited_at)


async def stored_texts(connection: Connection, message_ids: Iterable[int]) -> dict[int, StoredTexts]:
    """Those of the messages that have a row; a row whose deletion alone is known has no text."""
    rows = await connection.fetch(_STORED, list(message_ids))
    return {
        row["message_id"]: StoredTexts(
            row["origin"],
            row["edited_at"],
            row["label"],
            {digest_of(text) for text in (row["text"], *row["former_texts"])},
            {row["edited_at"], *row["former_edits"]},
        )
        if row["revision"]
        else StoredTexts()
        for row in rows
    }
