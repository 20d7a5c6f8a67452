"""SQL that renames what another application left under our names, and gives the names back.

Blocks of plpgsql, so that `alembic upgrade --sql` holds them too. They look only at the current schema, which is where
our tables are made. Each rename is recorded in `set_aside`.
"""

NAMES = (
    "channel_changes",
    "guild_settings",
    "synced_commands",
    "announcements",
    "alarms",
    "erased_users",
    "ingestion_gaps",
    "channel_verifications",
    "ingest_lease",
    "discord_channels",
    "discord_messages",
    "message_revisions",
    "ticker_plans",
    "trade_setups",
    "setup_revisions",
    "parsed_levels",
    "events",
    "event_consumers",
    "event_letters",
    "event_acknowledgements",
    "migration_runs",
    "schema_floor",
    "import_runs",
    "legacy_map",
    "import_quarantine",
    "current_setups",
)


def _has_columns(table: str, columns: str) -> str:
    """An expression: whether the current schema's table has just these columns."""
    return f"""(
        SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum)
        FROM pg_catalog.pg_attribute
        WHERE attrelid = to_regclass(quote_ident(current_schema()) || '.{table}') AND attnum > 0 AND NOT attisdropped
    ) IS NOT DISTINCT FROM '{columns}'"""  # noqa: S608  put together from constants


# By its shape, since another application may have a table of that name. It is in the first revision and stays as it is.
IS_OURS = _has_columns("schema_floor", "only_row boolean, floor integer")
_SET_ASIDE_IS_OURS = _has_columns(
    "set_aside", "id bigint, kind text, relation text, former_name text, present_name text"
)
_VERSION_TABLE_IS_ALEMBICS = _has_columns("alembic_version", "version_num character varying(32)")

# Partitions and children keep their names: only what stands under a name of ours is in the way. An index of a
# constraint is renamed by its constraint, an inherited constraint by its parent's.
_THINGS = """
    WITH standing AS (
        SELECT c.oid, c.relname, ours.position
        FROM unnest({names}) WITH ORDINALITY AS ours (name, position)
        JOIN pg_class AS c ON c.relname = ours.name AND c.relnamespace = home
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND NOT (ours.name = 'set_aside' AND {set_aside_is_ours})
    )
    SELECT 'relation' AS kind, position, 0 AS rank, oid AS relation, oid AS thing, relname AS name
    FROM standing
    UNION ALL
    SELECT 'sequence', s.position, 1, s.oid, q.oid, q.relname
    FROM standing AS s
    JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = s.oid
        AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
    JOIN pg_class AS q ON q.oid = d.objid AND q.relkind = 'S' AND q.relnamespace = home
    WHERE q.oid NOT IN (SELECT oid FROM standing)
    UNION ALL
    SELECT 'constraint', s.position, 2, s.oid, k.oid, k.conname
    FROM standing AS s
    JOIN pg_constraint AS k ON k.conrelid = s.oid
    WHERE k.contype <> 't' AND k.coninhcount = 0 AND k.conparentid = 0
    UNION ALL
    SELECT 'index', s.position, 3, s.oid, c.oid, c.relname
    FROM standing AS s
    JOIN pg_index AS i ON i.indrelid = s.oid
    JOIN pg_class AS c ON c.oid = i.indexrelid
    WHERE NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conrelid = s.oid AND k.conindid = c.oid)
    ORDER BY position, rank, name
"""

_RENAME = """
DO $set_aside$
DECLARE
    home CONSTANT oid := quote_ident(current_schema())::regnamespace;
    longest CONSTANT integer := current_setting('max_identifier_length')::integer;
    item record;
    stem text;
    number integer;
    candidate text;
    renames jsonb := '[]';
BEGIN
    {condition}
    FOR item IN {things}
    LOOP
        stem := item.name;
        number := 1;
        LOOP
            candidate := 'old_' || stem || CASE WHEN number > 1 THEN '_' || number ELSE '' END;
            IF octet_length(candidate) > longest THEN
                stem := left(stem, -1);
                CONTINUE;
            END IF;
            EXIT WHEN NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = home AND relname = candidate)
                AND NOT EXISTS (SELECT FROM pg_type WHERE typnamespace = home AND typname = candidate)
                AND NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = item.relation AND conname = candidate);
            number := number + 1;
        END LOOP;
        IF item.kind = 'constraint' THEN
            EXECUTE format(
                'ALTER TABLE %s RENAME CONSTRAINT %I TO %I', item.relation::regclass, item.name, candidate
            );
        ELSE
            EXECUTE format('ALTER TABLE %s RENAME TO %I', item.thing::regclass, candidate);
        END IF;
        renames := renames || jsonb_build_object(
            'kind', item.kind,
            'relation', (SELECT relname FROM pg_class WHERE oid = item.relation),
            'former_name', item.name,
            'present_name', candidate
        );
    END LOOP;
    IF NOT {set_aside_is_ours} THEN
        CREATE TABLE set_aside (
            id bigint GENERATED ALWAYS AS IDENTITY,
            kind text NOT NULL,
            relation text NOT NULL,
            former_name text NOT NULL,
            present_name text NOT NULL,
            CONSTRAINT pk_set_aside PRIMARY KEY (id),
            CONSTRAINT ck_set_aside_kind CHECK (kind IN ('relation', 'index', 'constraint', 'sequence'))
        );
    END IF;
    INSERT INTO set_aside (kind, relation, former_name, present_name)
    SELECT r.item ->> 'kind', r.item ->> 'relation', r.item ->> 'former_name', r.item ->> 'present_name'
    FROM jsonb_array_elements(renames) WITH ORDINALITY AS r (item, position)
    ORDER BY r.position;
END
$set_aside$
"""

# Alembic makes an empty one of its own before the first revision, which must not be taken for another application's.
_ONLY_A_FOREIGN_VERSION_TABLE = f"""
    IF {IS_OURS} OR to_regclass(quote_ident(current_schema()) || '.alembic_version') IS NULL THEN
        RETURN;
    END IF;
    IF {_VERSION_TABLE_IS_ALEMBICS} THEN
        EXECUTE format('SELECT count(*) FROM %I.alembic_version', current_schema()) INTO number;
        IF number = 0 THEN
            RETURN;
        END IF;
    END IF;
"""  # noqa: S608  put together from constants

_NOT_OURS = f"""
    IF {IS_OURS} THEN
        RAISE EXCEPTION 'this schema holds the worker''s tables already, but alembic_version names no revision of them'
            USING HINT = 'Restore alembic_version from a backup, or write it with: alembic stamp <revision>';
    END IF;
"""


def _array(names: tuple[str, ...]) -> str:
    return "ARRAY[" + ", ".join(f"'{name}'" for name in names) + "]"


def _rename(names: tuple[str, ...], condition: str) -> str:
    things = _THINGS.format(names=_array(names), set_aside_is_ours=_SET_ASIDE_IS_OURS)
    return _RENAME.format(condition=condition.strip(), things=things.strip(), set_aside_is_ours=_SET_ASIDE_IS_OURS)


LIST_IN_THE_WAY = f"""
SELECT c.relname AS name
FROM unnest({_array(("alembic_version", "set_aside", *NAMES))}) WITH ORDINALITY AS ours (name, position)
JOIN pg_class AS c ON c.oid = to_regclass(quote_ident(current_schema()) || '.' || ours.name)
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND NOT (ours.name = 'set_aside' AND {_SET_ASIDE_IS_OURS})
ORDER BY ours.position
"""  # noqa: S608  put together from constants
"""What stands under our names in a database that is not ours; alembic_version may be an empty one that stays."""

SET_VERSION_TABLE_ASIDE = _rename(("set_aside", "alembic_version"), _ONLY_A_FOREIGN_VERSION_TABLE)
"""To run before Alembic reads the version. Does nothing if there is no foreign alembic_version."""

DROP_EMPTY_VERSION_TABLE = f"""
DO $drop_empty$
DECLARE
    number integer;
BEGIN
    IF {_VERSION_TABLE_IS_ALEMBICS} THEN
        EXECUTE format('SELECT count(*) FROM %I.alembic_version', current_schema()) INTO number;
        IF number = 0 THEN
            DROP TABLE alembic_version;
        END IF;
    END IF;
END
$drop_empty$
"""  # noqa: S608  put together from constants
"""To run before SQL that was written out: it makes the table, and a downgrade to base leaves an empty one."""

SET_NAMES_ASIDE = _rename(("set_aside", *NAMES), _NOT_OURS)
"""To run in the first revision, which makes the table `set_aside` by it."""

GIVE_NAMES_BACK = """
DO $give_names_back$
DECLARE
    home CONSTANT oid := quote_ident(current_schema())::regnamespace;
    renames CONSTANT jsonb := (SELECT coalesce(jsonb_agg(to_jsonb(s) ORDER BY s.id DESC), '[]') FROM set_aside AS s);
    item record;
BEGIN
    DROP TABLE set_aside;
    IF renames @> '[{"kind": "relation", "former_name": "alembic_version"}]' THEN
        DROP TABLE alembic_version;
    END IF;
    FOR item IN
        SELECT r.* FROM jsonb_to_recordset(renames)
        AS r (kind text, relation text, former_name text, present_name text)
    LOOP
        IF item.kind <> 'constraint' THEN
            IF EXISTS (SELECT FROM pg_class WHERE relnamespace = home AND relname = item.present_name) THEN
                EXECUTE format(
                    'ALTER TABLE %I.%I RENAME TO %I', current_schema(), item.present_name, item.former_name
                );
            END IF;
        ELSIF EXISTS (
            SELECT FROM pg_constraint AS k
            JOIN pg_class AS c ON c.oid = k.conrelid
            WHERE c.relnamespace = home AND c.relname = item.relation AND k.conname = item.present_name
        ) THEN
            EXECUTE format(
                'ALTER TABLE %I.%I RENAME CONSTRAINT %I TO %I',
                current_schema(), item.relation, item.present_name, item.former_name
            );
        END IF;
    END LOOP;
END
$give_names_back$
"""
"""To run after Alembic has written that no revision is left, in the same transaction. What is gone is skipped."""
