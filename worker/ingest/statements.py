"""The SQL of the write path, in the order in which a transaction uses it.

Rows travel as one array a column: a page of a hundred messages is one statement and one plan."""

from collections.abc import Iterable


def with_ids(statement: str, *columns: Iterable[int]) -> str:
    """The statement with its parameters written out, for the simple protocol: several of them in one round trip."""
    for place, ids in enumerate(columns, start=1):
        statement = statement.replace(f"${place}", f"'{{{','.join(map(str, ids))}}}'")
    return statement


# A plan that was made while a table was small is kept for the session, and must not scan it when it has grown.
WITHOUT_SCANS = "SET LOCAL enable_seqscan = off"

# Everything that happens in one channel happens one after the other: this lock is what lets the writer read what is
# stored, decide, and write. In order of id, so that two writers never wait for each other.
LOCK_CHANNELS = """
SELECT channel_id FROM discord_channels WHERE channel_id = ANY($1::bigint[]) ORDER BY channel_id FOR NO KEY UPDATE
"""

# A message can come from a channel that was never configured: a thread, an export.
ADD_CHANNELS = """
INSERT INTO discord_channels (channel_id, guild_id)
SELECT * FROM unnest($1::bigint[], $2::bigint[])
ON CONFLICT (channel_id) DO NOTHING
"""

STORED_MESSAGES = """
SELECT message_id, channel_id, guild_id, text, edited_at, deleted_at, deletion_inferred, revision, origin,
       coalesce(jsonb_array_length(embeds), 0) AS embed_count,
       EXISTS (SELECT FROM ticker_plans p WHERE p.message_id = m.message_id) AS has_plans
  FROM discord_messages m
 WHERE message_id = ANY($1::bigint[])
 ORDER BY message_id
   FOR NO KEY UPDATE
"""

# What the row holds becomes a revision.
KEEP_REVISIONS = """
INSERT INTO message_revisions (message_id, edited_at, content, text, raw)
SELECT message_id, edited_at, content, text, raw FROM discord_messages WHERE message_id = ANY($1::bigint[])
ON CONFLICT (message_id, edited_at) DO NOTHING
"""

# Of two texts with one edit time the fuller one is kept; what an export says only fills a hole.
ADD_FORMER_REVISION = """
INSERT INTO message_revisions AS kept (message_id, edited_at, content, text, raw)
VALUES ($1, $2, $3, $4, $5::text::jsonb)
ON CONFLICT (message_id, edited_at) DO UPDATE
   SET content = excluded.content, text = excluded.text, raw = excluded.raw
 WHERE NOT $6 AND length(excluded.text) > length(kept.text)
"""

# A text was seen at several edit times where something else was edited: the newest counts. Which of them came first
# must not show, so what is none is found by the edit times of all: a text at the edit time of the one that stands, one
# that the next one repeats, and one of an export that repeats the one that stands.
REMOVE_REPEATED_REVISIONS = """
WITH former AS (
  SELECT r.id, r.message_id, r.edited_at, r.text
    FROM message_revisions r JOIN discord_messages m USING (message_id)
   WHERE r.message_id = ANY($1::bigint[]) AND r.edited_at IS DISTINCT FROM m.edited_at
     AND NOT (r.text = m.text AND coalesce(r.edited_at, '-infinity') > coalesce(m.edited_at, '-infinity'))
), ordered AS (
  SELECT id, text IS DISTINCT FROM lead(text) OVER (PARTITION BY message_id ORDER BY edited_at NULLS FIRST) AS is_last
    FROM (SELECT id, message_id, edited_at, text FROM former UNION ALL
          SELECT NULL, message_id, edited_at, text FROM discord_messages WHERE message_id = ANY($1::bigint[])) AS texts
)
DELETE FROM message_revisions r
 WHERE message_id = ANY($1::bigint[]) AND NOT EXISTS (SELECT FROM ordered o WHERE o.id = r.id AND o.is_last)
"""

# An edit that an export told of can be seen again when Discord tells of it in other words.
TOLD_EDITS = """
SELECT correlation_id, (data->>'edited_at')::timestamptz
  FROM events
 WHERE correlation_id = ANY($1::uuid[]) AND event_type = 'discord.message.edited'
"""

# The tombstone stays: deleted_at is not among what an update sets. A text that stays keeps its reading, which can still
# be to come.
UPDATE_MESSAGES = """
UPDATE discord_messages m
   SET guild_id = coalesce(seen.guild_id, m.guild_id), author_id = seen.author_id, author_name = seen.author_name,
       is_webhook = seen.is_webhook, kind = seen.kind, content = seen.content, text = seen.text,
       embeds = seen.embeds::jsonb, attachments = seen.attachments::jsonb, raw = seen.raw::jsonb,
       raw_original = seen.raw_original, text_flags = string_to_array(seen.text_flags, ','),
       edited_at = seen.edited_at, revision = seen.revision, origin = seen.origin,
       parse_state = CASE WHEN m.revision = seen.revision THEN m.parse_state ELSE seen.parse_state END,
       parse_reason = CASE WHEN m.revision = seen.revision THEN m.parse_reason ELSE seen.parse_reason END,
       parser = CASE WHEN m.revision = seen.revision THEN m.parser ELSE seen.parser END,
       parser_version = CASE WHEN m.revision = seen.revision THEN m.parser_version ELSE seen.parser_version END
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::boolean[], $6::text[], $7::text[], $8::text[],
              $9::text[], $10::text[], $11::text[], $12::bytea[], $13::text[], $14::timestamptz[], $15::integer[],
              $16::text[], $17::text[], $18::text[], $19::text[], $20::integer[])
    AS seen (message_id, guild_id, author_id, author_name, is_webhook, kind, content, text, embeds, attachments, raw,
             raw_original, text_flags, edited_at, revision, origin, parse_state, parse_reason, parser, parser_version)
 WHERE m.message_id = seen.message_id
"""

MARK_DELETED = """
UPDATE discord_messages m
   SET deleted_at = gone.deleted_at, deletion_inferred = gone.deletion_inferred
  FROM unnest($1::bigint[], $2::timestamptz[], $3::boolean[]) AS gone (message_id, deleted_at, deletion_inferred)
 WHERE m.message_id = gone.message_id
"""

ADD_COVERAGE = """
UPDATE discord_channels c
   SET covered = c.covered + had.covered
  FROM (SELECT channel_id, range_agg(int8range(after, up_to, '(]')) AS covered
          FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS range (channel_id, after, up_to)
         GROUP BY channel_id) AS had
 WHERE c.channel_id = had.channel_id AND NOT c.covered @> had.covered
"""
