"""Everything a schema consists of, as plain values that two schemas can be compared by."""

import asyncpg

from worker.db.connection import Database, connect

Catalogue = dict[str, list[tuple[object, ...]]]

_QUERIES = {
    "relations": """
        SELECT c.relname, c.relkind::text, c.relpersistence::text, pg_get_userbyid(c.relowner), c.relacl::text,
            obj_description(c.oid, 'pg_class'), CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END,
            pg_get_partkeydef(c.oid), pg_get_expr(c.relpartbound, c.oid)
        FROM pg_class AS c WHERE c.relnamespace = quote_ident(current_schema())::regnamespace
    """,
    "columns": """
        SELECT c.relname, row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum), a.attname,
            format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity::text,
            pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum)
        FROM pg_class AS c
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE c.relnamespace = quote_ident(current_schema())::regnamespace
    """,
    "constraints": """
        SELECT coalesce(c.relname, t.typname), k.conname, k.contype::text, pg_get_constraintdef(k.oid)
        FROM pg_constraint AS k
        LEFT JOIN pg_class AS c ON c.oid = k.conrelid LEFT JOIN pg_type AS t ON t.oid = k.contypid
        WHERE k.connamespace = quote_ident(current_schema())::regnamespace
    """,
    "indexes": """
        SELECT t.relname, c.relname, pg_get_indexdef(i.indexrelid), i.indisvalid, obj_description(c.oid, 'pg_class')
        FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_class AS t ON t.oid = i.indrelid
        WHERE c.relnamespace = quote_ident(current_schema())::regnamespace
    """,
    "sequences": """
        SELECT c.relname, format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqcache, owner.relname
        FROM pg_sequence AS s JOIN pg_class AS c ON c.oid = s.seqrelid
        LEFT JOIN pg_depend AS d ON d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
        LEFT JOIN pg_class AS owner ON owner.oid = d.refobjid
        WHERE c.relnamespace = quote_ident(current_schema())::regnamespace
    """,
    "triggers": """
        SELECT c.relname, t.tgname, t.tgenabled::text, pg_get_triggerdef(t.oid)
        FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
        WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND NOT t.tgisinternal
    """,
    "functions": """
        SELECT p.proname, pg_get_function_identity_arguments(p.oid), pg_get_function_result(p.oid),
            l.lanname, regexp_replace(btrim(p.prosrc), '\\s+', ' ', 'g')
        FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang
        WHERE p.pronamespace = quote_ident(current_schema())::regnamespace
    """,
    "types": """
        SELECT t.typname, t.typtype::text,
            ARRAY(SELECT e.enumlabel FROM pg_enum AS e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder)::text
        FROM pg_type AS t WHERE t.typnamespace = quote_ident(current_schema())::regnamespace
    """,
}


async def read_catalogue(connection: asyncpg.Connection) -> Catalogue:
    """What the current schema holds, rows not included; each part in an order of its own values."""
    return {
        part: sorted((tuple(row) for row in await connection.fetch(query)), key=repr)
        for part, query in _QUERIES.items()
    }


async def read_rows(connection: asyncpg.Connection) -> Catalogue:
    """All rows of the current schema's tables and the state of its sequences, as text."""
    tables = await connection.fetch(
        "SELECT relname FROM pg_class "
        "WHERE relnamespace = quote_ident(current_schema())::regnamespace AND relkind IN ('r', 'S')"
    )
    return {
        name: sorted(tuple(row) for row in await connection.fetch(f'SELECT ROW(r.*)::text FROM "{name}" AS r'))  # noqa: S608
        for (name,) in tables
    }


async def snapshot(database: Database) -> tuple[Catalogue, Catalogue]:
    """The current schema's catalogue and rows."""
    connection = await connect(database, purpose="test")
    try:
        return await read_catalogue(connection), await read_rows(connection)
    finally:
        await connection.close()
