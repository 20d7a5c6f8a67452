"""The SQL of reading events.

Whatever a consumer writes names its lease token: once another reader has taken over, it finds no row.
"""

from worker.events.stored import COLUMNS

REGISTER = """
INSERT INTO event_consumers (name, channels, started_after, position)
SELECT $1, $2, start.after, start.after
  FROM (SELECT coalesce($3::bigint, greatest((SELECT max(id) FROM events), 0))) AS start (after)
ON CONFLICT (name) DO NOTHING
"""

# Its own lease a reader may take again, which is how it starts over.
TAKE_LEASE = """
UPDATE event_consumers
   SET lease_token = lease_token + 1, lease_holder = $3, channels = $2,
       lease_until = clock_timestamp() + make_interval(secs => $4)
 WHERE name = $1 AND (lease_until IS NULL OR lease_until < clock_timestamp() OR lease_holder = $3)
RETURNING lease_token, position, tries, failed_up_to,
          greatest(extract(epoch FROM retry_at - clock_timestamp()), 0)::float8 AS retry_in
"""

LEASE_HOLDER = "SELECT lease_holder FROM event_consumers WHERE name = $1"

RELEASE_LEASE = """
UPDATE event_consumers SET lease_holder = NULL, lease_until = NULL WHERE name = $1 AND lease_token = $2
"""

# The cursor never goes back. $4 is the last event that was handled, if any; the cursor also passes what is not for
# this consumer.
ACKNOWLEDGE = """
WITH consumer AS (
  UPDATE event_consumers
     SET position = greatest(position, $3),
         tries = CASE WHEN position < $3 THEN 0 ELSE tries END,
         reason = CASE WHEN position < $3 THEN NULL ELSE reason END,
         retry_at = CASE WHEN position < $3 THEN NULL ELSE retry_at END,
         failed_up_to = CASE WHEN failed_up_to > $3 THEN failed_up_to END,
         lease_until = clock_timestamp() + make_interval(secs => $5)
   WHERE name = $1 AND lease_token = $2
  RETURNING name, position
), acknowledged AS (
  INSERT INTO event_acknowledgements (consumer, up_to)
  SELECT name, $4::bigint FROM consumer WHERE $4::bigint IS NOT NULL
  ON CONFLICT (consumer, up_to) DO NOTHING
)
SELECT position FROM consumer
"""

# `newest` is of the same snapshot: ids come in commit order, so nothing at or below it is still to come.
PAGE = f"""
WITH newest AS (
  SELECT greatest(max(id), $1) AS id FROM events
)
SELECT page.*, newest.id AS newest
  FROM newest
  LEFT JOIN LATERAL (
       SELECT {COLUMNS}, false AS is_replay
         FROM events
        WHERE id > $1 AND ($2::text[] = '{{}}' OR channel = ANY($2))
        ORDER BY id
        LIMIT $3) AS page ON true
 ORDER BY page.id
"""  # noqa: S608  put together from constants

FAIL = """
UPDATE event_consumers
   SET tries = $3, failed_up_to = $4, reason = $5, retry_at = clock_timestamp() + make_interval(secs => $6)
 WHERE name = $1 AND lease_token = $2
RETURNING position
"""

# One that was dead, taken or waiting before is dead again.
SET_ASIDE = """
WITH consumer AS (
  UPDATE event_consumers
     SET position = greatest(position, $3), tries = 0, reason = NULL, retry_at = NULL,
         failed_up_to = CASE WHEN failed_up_to > $3 THEN failed_up_to END
   WHERE name = $1 AND lease_token = $2
  RETURNING name, position
), letter AS (
  INSERT INTO event_letters (
         consumer, event_id, channel, event_type, source, correlation_id, data, created_at, state, tries, reason)
  SELECT consumer.name, e.id, e.channel, e.event_type, e.source, e.correlation_id, e.data, e.created_at, 'dead', $4, $5
    FROM events AS e, consumer
   WHERE e.id = $3
  ON CONFLICT (consumer, event_id)
  DO UPDATE SET state = 'dead', tries = excluded.tries, reason = excluded.reason, changed_at = clock_timestamp()
)
SELECT position FROM consumer
"""

WAITING_LETTERS = f"""
SELECT {COLUMNS.replace("id,", "event_id AS id,", 1)}, is_replay
  FROM event_letters
 WHERE consumer = $1 AND state = 'waiting' AND (retry_at IS NULL OR retry_at <= clock_timestamp())
 ORDER BY event_id
 LIMIT $2
"""  # noqa: S608  put together from constants

TAKE_LETTERS = """
UPDATE event_letters AS letter
   SET state = 'taken', reason = NULL, retry_at = NULL, changed_at = clock_timestamp()
  FROM event_consumers AS c
 WHERE letter.consumer = $1 AND letter.event_id = ANY($3::bigint[]) AND letter.state = 'waiting'
   AND c.name = letter.consumer AND c.lease_token = $2
RETURNING letter.event_id
"""

FAIL_LETTER = """
UPDATE event_letters AS letter
   SET tries = letter.tries + 1, reason = $4, changed_at = clock_timestamp(),
       retry_at = clock_timestamp() + make_interval(secs => least($5 * 2 ^ letter.tries, $6) * (0.5 + random())),
       state = CASE WHEN letter.tries + 1 >= $7 THEN 'dead' ELSE 'waiting' END
  FROM event_consumers AS c
 WHERE letter.consumer = $1 AND letter.event_id = $3 AND letter.state = 'waiting'
   AND c.name = letter.consumer AND c.lease_token = $2
RETURNING letter.state, letter.tries
"""
