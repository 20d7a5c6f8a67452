"""What the code expects of the schema beyond the tables in worker.db.models, without importing SQLAlchemy or Alembic.

The views and triggers below are what the revisions in alembic/versions come to; a test compares the two.
"""

SCHEMA_LEVEL = 2
"""Counts the releases that older code cannot run beside. A revision raises `schema_floor.floor` to it."""

HEAD = "0008"
"""The newest revision, so that a start at head need not import Alembic."""

# Keys of advisory locks, which are one number a database: the bytes of "dpw.migr", "dpw.evnt" and "dpw.impt".
MIGRATION_LOCK = 7237415642472212338
EVENTS_ORDER_LOCK = 7237415642338848372
IMPORT_LOCK = 7237415642405367924

# Likewise "dpw.leas" and "dpw.epch": who ingests, and whose transactions may still commit.
INGEST_LEASE_LOCK = 7237415642455171443
INGEST_EPOCH_LOCK = 7237415642338452328
LEASE_LOST_STATE = "LE001"

EVENTS_TRIGGER = "events_in_commit_order"

HOLD_EPOCH_SQL = f"""
CREATE FUNCTION hold_ingest_epoch(expected bigint) RETURNS void LANGUAGE plpgsql AS $function$
BEGIN
    PERFORM pg_advisory_xact_lock_shared({INGEST_EPOCH_LOCK});
    IF (SELECT epoch FROM ingest_lease) <> expected THEN
        RAISE EXCEPTION 'ingest epoch % is over', expected USING ERRCODE = '{LEASE_LOST_STATE}';
    END IF;
END
$function$
"""  # noqa: S608  constants of ours
"""Keeps the epoch from ending before the transaction does, and refuses one that has ended.

A statement in a volatile function sees what committed while the one before it waited."""

EVENTS_FUNCTION_SQL = f"""
CREATE FUNCTION events_in_commit_order() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    PERFORM pg_advisory_xact_lock({EVENTS_ORDER_LOCK});
    RETURN NULL;
END
$function$
"""

EVENTS_TRIGGER_SQL = """
CREATE TRIGGER events_in_commit_order BEFORE INSERT ON events
FOR EACH STATEMENT WHEN (current_setting('worker.import', true) IS DISTINCT FROM 'on')
EXECUTE FUNCTION events_in_commit_order()
"""

CURRENT_SETUPS_SQL = """
CREATE VIEW current_setups AS
SELECT
    plan.trading_day,
    plan.ticker,
    setup.kind,
    setup.strategy,
    setup.direction,
    entry.price_low AS trigger_low,
    entry.price_high AS trigger_high,
    ARRAY(
        SELECT CASE setup.direction WHEN 'short' THEN target.price_high ELSE target.price_low END
        FROM parsed_levels AS target
        WHERE target.setup_id = setup.id AND target.role = 'target'
        ORDER BY target.sequence
    ) AS targets,
    (
        SELECT CASE setup.direction WHEN 'short' THEN stop.price_low ELSE stop.price_high END
        FROM parsed_levels AS stop
        WHERE stop.setup_id = setup.id AND stop.role = 'stop'
        ORDER BY stop.sequence
        LIMIT 1
    ) AS stop,
    plan.bias_text,
    plan.bias_direction,
    plan.flags || setup.flags AS flags,
    setup.confidence,
    setup.instrument,
    setup.quantity,
    message.channel_id,
    message.message_id,
    setup.id AS setup_id,
    plan.id AS plan_id,
    message.posted_at,
    'https://discord.com/channels/' || coalesce(message.guild_id::text, '@me')
        || '/' || message.channel_id || '/' || message.message_id AS message_link
FROM trade_setups AS setup
JOIN ticker_plans AS plan ON plan.id = setup.plan_id
JOIN discord_messages AS message ON message.message_id = plan.message_id
JOIN parsed_levels AS entry ON entry.setup_id = setup.id AND entry.role = 'trigger'
WHERE setup.state = 'current'
"""
