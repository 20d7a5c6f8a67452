"""The SQL of plans, setups and levels."""

LOAD_PLANS = """
SELECT p.id, p.message_id, p.channel_id, p.position, p.is_day_plan, p.ticker, p.trading_day, p.trading_day_source,
       p.bias_text, p.bias_direction, p.fingerprint, p.flags, p.state
  FROM ticker_plans p
 WHERE p.{by} = ANY($1::bigint[]) AND p.state <> 'withdrawn'
 ORDER BY p.message_id, p.position, p.id
"""

LOAD_SETUPS = """
SELECT s.id, s.plan_id, s.position, s.kind, s.strategy, s.direction, s.flags, s.confidence, s.instrument, s.quantity,
       level.*
  FROM trade_setups s
 CROSS JOIN LATERAL (
       SELECT coalesce(array_agg(price_low ORDER BY sequence) FILTER (WHERE role = 'trigger'), '{}') AS trigger_lows,
              coalesce(array_agg(price_high ORDER BY sequence) FILTER (WHERE role = 'trigger'), '{}') AS trigger_highs,
              coalesce(array_agg(CASE s.direction WHEN 'short' THEN price_high ELSE price_low END ORDER BY sequence)
                         FILTER (WHERE role = 'target'), '{}') AS targets,
              min(CASE s.direction WHEN 'short' THEN price_low ELSE price_high END)
                FILTER (WHERE role = 'stop') AS stop
         FROM parsed_levels l WHERE l.setup_id = s.id) AS level
 WHERE s.plan_id = ANY($1::bigint[]) AND s.state <> 'withdrawn'
 ORDER BY s.plan_id, s.position, s.id
"""

# The other plans that compete for the same channel, ticker and trading day.
LOAD_CONTENDERS = """
SELECT p.id, p.message_id, p.position, p.channel_id, p.ticker, p.trading_day, p.fingerprint, p.state,
       'fewer_setups' = ANY(p.flags) AS has_fewer_setups,
       (SELECT count(*) FROM trade_setups s WHERE s.plan_id = p.id AND s.state <> 'withdrawn') AS setups
  FROM ticker_plans p
  JOIN unnest($1::bigint[], $2::text[], $3::date[]) AS key (channel_id, ticker, trading_day)
    ON p.channel_id = key.channel_id AND p.ticker = key.ticker AND p.trading_day = key.trading_day
 WHERE p.is_day_plan AND p.state <> 'withdrawn' AND p.message_id <> ALL($4::bigint[])
"""

INSERT_PLANS = """
INSERT INTO ticker_plans (message_id, channel_id, position, is_day_plan, ticker, trading_day, trading_day_source,
                          bias_text, bias_direction, fingerprint, flags, state)
SELECT message_id, channel_id, position, is_day_plan, ticker, trading_day, trading_day_source,
       bias_text, bias_direction, fingerprint, coalesce(string_to_array(nullif(flags, ''), ','), '{}'), state
  FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::boolean[], $5::text[], $6::date[], $7::text[],
              $8::text[], $9::text[], $10::bytea[], $11::text[], $12::text[])
    AS read (message_id, channel_id, position, is_day_plan, ticker, trading_day, trading_day_source,
             bias_text, bias_direction, fingerprint, flags, state)
RETURNING id, message_id, position
"""

UPDATE_PLANS = """
UPDATE ticker_plans p
   SET position = read.position, is_day_plan = read.is_day_plan, trading_day = read.trading_day,
       trading_day_source = read.trading_day_source, bias_text = read.bias_text, bias_direction = read.bias_direction,
       fingerprint = read.fingerprint, flags = coalesce(string_to_array(nullif(read.flags, ''), ','), '{}'),
       updated_at = now()
  FROM unnest($1::bigint[], $2::smallint[], $3::boolean[], $4::date[], $5::text[], $6::text[], $7::text[],
              $8::bytea[], $9::text[])
    AS read (id, position, is_day_plan, trading_day, trading_day_source, bias_text, bias_direction, fingerprint, flags)
 WHERE p.id = read.id
"""

# Run first for what steps down and then for what becomes current: the unique index allows one current plan at any time.
RESTATE_PLANS = """
UPDATE ticker_plans p SET state = due.state, updated_at = now()
  FROM unnest($1::bigint[], $2::text[]) AS due (id, state)
 WHERE p.id = due.id AND p.state <> due.state
"""

POINT_PLANS = """
UPDATE ticker_plans p SET superseded_by = due.superseded_by
  FROM unnest($1::bigint[], $2::bigint[]) AS due (id, superseded_by)
 WHERE p.id = due.id AND p.superseded_by IS DISTINCT FROM due.superseded_by
"""

# A setup's state is its plan's, unless it was withdrawn alone.
RESTATE_SETUPS = """
UPDATE trade_setups s SET state = p.state, updated_at = now()
  FROM ticker_plans p
 WHERE p.id = ANY($1::bigint[]) AND s.plan_id = p.id AND s.state <> 'withdrawn' AND s.state <> p.state
"""

WITHDRAW_SETUPS = """
UPDATE trade_setups SET state = 'withdrawn', updated_at = now() WHERE id = ANY($1::bigint[])
"""

INSERT_SETUPS = """
INSERT INTO trade_setups (plan_id, position, kind, strategy, direction, raw_line, span, confidence, flags, state,
                          instrument, quantity)
SELECT plan_id, position, kind, strategy, direction, raw_line, int4range(span_start, span_end), confidence,
       coalesce(string_to_array(nullif(flags, ''), ','), '{}'), state, instrument::jsonb, quantity
  FROM unnest($1::text::bigint[], $2::text::smallint[], $3::text::text[], $4::text::text[], $5::text::text[],
              $6::text::text[], $7::text::integer[], $8::text::integer[], $9::text::numeric[], $10::text::text[],
              $11::text::text[], $12::text::text[], $13::text::text[])
    AS read (plan_id, position, kind, strategy, direction, raw_line, span_start, span_end, confidence, flags, state,
             instrument, quantity)
RETURNING id, plan_id, position
"""

UPDATE_SETUPS = """
UPDATE trade_setups s
   SET position = read.position, direction = read.direction, raw_line = read.raw_line,
       span = int4range(read.span_start, read.span_end), confidence = read.confidence,
       flags = coalesce(string_to_array(nullif(read.flags, ''), ','), '{}'), instrument = read.instrument::jsonb,
       quantity = read.quantity, updated_at = now()
  FROM unnest($1::bigint[], $2::smallint[], $3::text[], $4::text[], $5::integer[], $6::integer[], $7::numeric[],
              $8::text[], $9::text[], $10::text[])
    AS read (id, position, direction, raw_line, span_start, span_end, confidence, flags, instrument, quantity)
 WHERE s.id = read.id
"""

# The former levels of a setup live on in setup_revisions.
REMOVE_LEVELS = """
DELETE FROM parsed_levels WHERE setup_id = ANY($1::bigint[]) OR (plan_id = ANY($2::bigint[]) AND setup_id IS NULL)
"""

INSERT_LEVELS = """
INSERT INTO parsed_levels (plan_id, setup_id, role, sequence, price_low, price_high, relation, span)
SELECT plan_id, setup_id, role, sequence, price_low, price_high, relation, int4range(span_start, span_end)
  FROM unnest($1::text::bigint[], $2::text::bigint[], $3::text::text[], $4::text::smallint[], $5::text::numeric[],
              $6::text::numeric[], $7::text::text[], $8::text::integer[], $9::text::integer[])
    AS read (plan_id, setup_id, role, sequence, price_low, price_high, relation, span_start, span_end)
"""

KEEP_SETUPS = """
INSERT INTO setup_revisions (setup_id, data) SELECT * FROM unnest($1::bigint[], $2::text[]::jsonb[])
"""
