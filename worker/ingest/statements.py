"""The SQL of the write path, in the order in which a transaction uses it.

Rows travel as one array a column: a page of a hundred messages is one statement and one plan."""

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
SELECT message_id, channel_id, guild_id, text, content, edited_at, deleted_at, deletion_inferred, revision, origin,
       coalesce(jsonb_array_length(embeds), 0) AS embed_count,
       EXISTS (SELECT FROM ticker_plans p WHERE p.message_id = m.message_id) AS has_plans
  FROM discord_messages m
 WHERE message_id = ANY($1::bigint[])
 ORDER BY message_id
   FOR NO KEY UPDATE
"""

# The conflict clause catches an id that another channel's transaction stored meanwhile; the writer then starts again.
INSERT_MESSAGES = """
INSERT INTO discord_messages (
       message_id, channel_id, guild_id, author_id, author_name, is_webhook, kind, content, text, embeds, attachments,
       raw, raw_original, text_flags, posted_at, edited_at, deleted_at, deletion_inferred, revision, origin,
       parse_state, parse_reason, parser, parser_version, correlation_id, received_at)
SELECT message_id, channel_id, guild_id, author_id, author_name, is_webhook, kind, content, text, embeds::jsonb,
       attachments::jsonb, raw::jsonb, raw_original, string_to_array(text_flags, ','), posted_at, edited_at, deleted_at,
       deletion_inferred, revision, origin, parse_state, parse_reason, parser, parser_version, correlation_id,
       received_at
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::boolean[], $7::text[],
              $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::bytea[], $14::text[],
              $15::timestamptz[], $16::timestamptz[], $17::timestamptz[], $18::boolean[], $19::integer[], $20::text[],
              $21::text[], $22::text[], $23::text[], $24::integer[], $25::uuid[], $26::timestamptz[])
    AS seen (message_id, channel_id, guild_id, author_id, author_name, is_webhook, kind, content, text, embeds,
             attachments, raw, raw_original, text_flags, posted_at, edited_at, deleted_at, deletion_inferred, revision,
             origin, parse_state, parse_reason, parser, parser_version, correlation_id, received_at)
ON CONFLICT (message_id) DO NOTHING
RETURNING message_id
"""

# What the row holds becomes a revision. Where one with that edit time is kept already, that one is as good.
KEEP_REVISIONS = """
INSERT INTO message_revisions (message_id, edited_at, content, text, raw)
SELECT message_id, edited_at, content, text, raw FROM discord_messages WHERE message_id = ANY($1::bigint[])
ON CONFLICT (message_id, edited_at) DO NOTHING
"""

# A former text that is seen only after its successor.
ADD_FORMER_REVISION = """
WITH former AS (
  INSERT INTO message_revisions (message_id, edited_at, content, text, raw)
  VALUES ($1, $2, $3, $4, $5::text::jsonb)
  ON CONFLICT (message_id, edited_at) DO NOTHING
  RETURNING message_id
)
UPDATE discord_messages SET revision = revision + 1 WHERE message_id IN (SELECT message_id FROM former)
"""

# The tombstone stays: deleted_at is not among what an update sets.
UPDATE_MESSAGES = """
UPDATE discord_messages m
   SET guild_id = coalesce(seen.guild_id, m.guild_id), author_id = seen.author_id, author_name = seen.author_name,
       is_webhook = seen.is_webhook, kind = seen.kind, content = seen.content, text = seen.text,
       embeds = seen.embeds::jsonb, attachments = seen.attachments::jsonb, raw = seen.raw::jsonb,
       raw_original = seen.raw_original, text_flags = string_to_array(seen.text_flags, ','),
       edited_at = seen.edited_at, revision = seen.revision, origin = seen.origin,
       parse_state = seen.parse_state, parse_reason = seen.parse_reason, parser = seen.parser,
       parser_version = seen.parser_version
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
