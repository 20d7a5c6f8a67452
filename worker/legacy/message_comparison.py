"""Reads imported messages back, beside the posts that they were made of."""

from collections.abc import Sequence
from datetime import datetime

from asyncpg import Connection, Record

from worker.legacy.posts import Post, digest_of, plain
from worker.legacy.target import Pair, Refusal, Taken

_STORED = """
SELECT m.message_id, m.channel_id, m.posted_at, m.origin, m.text,
       ARRAY(SELECT r.text FROM message_revisions AS r WHERE r.message_id = m.message_id) AS former_texts
  FROM discord_messages AS m
 WHERE m.message_id = ANY($1::bigint[])
"""


async def compare_messages(connection: Connection, rows: Sequence[tuple[Post | Refusal, Taken]]) -> list[Pair]:
    """By id, text, and, where the row made the message, channel and time.

    What Discord itself has told of a message since wins over the old row, so there only the id counts."""
    records = await connection.fetch(_STORED, [taken.new_id for _, taken in rows])
    stored = {record["message_id"]: record for record in records}
    return [_pair(post, taken, stored.get(taken.new_id)) for post, taken in rows]


def _pair(post: Post | Refusal, taken: Taken, record: Record | None) -> Pair:
    if isinstance(post, Refusal) or record is None:
        return Pair(f"message {taken.new_id}", "")
    message_id = post.message_id or taken.new_id
    if record["origin"] != "legacy":
        return Pair(_spelt(message_id), _spelt(taken.new_id))
    texts = [record["text"], *record["former_texts"]]
    text = next((one for one in texts if digest_of(one) == post.digest), texts[0])
    if taken.outcome != "inserted":
        return Pair(_spelt(message_id, post.text), _spelt(taken.new_id, text))
    return Pair(
        _spelt(message_id, post.text, post.channel_id, post.posted_at),
        _spelt(taken.new_id, text, record["channel_id"], record["posted_at"]),
    )


def _spelt(
    message_id: int, text: str | None = None, channel_id: int | None = None, posted_at: datetime | None = None
) -> str:
    parts = [f"message {message_id}"]
    if posted_at is not None:
        parts.append(f"in channel {channel_id} of {posted_at.isoformat()}")
    if text is not None:
        parts.append(plain(text))
    return " ".join(parts)
