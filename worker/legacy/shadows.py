"""Temporary copies that stand in for our tables during a dry run: everything is done, and nothing is written.

A temporary table is found before any other of its name, so the import does not know the difference."""

from asyncpg import Connection

from worker.legacy.catalogue import quoted

# What decides what is to be done is copied; bulky columns that decide nothing are not.
_LEFT_OUT = {"discord_messages": ("raw_original", "attachments"), "message_revisions": ("raw",)}
_SHADOWED = (
    "channel_changes",
    "discord_channels",
    "discord_messages",
    "message_revisions",
    "ticker_plans",
    "trade_setups",
    "setup_revisions",
    "parsed_levels",
    "events",
    "import_runs",
    "legacy_map",
    "import_quarantine",
)

_COLUMNS = """
SELECT attname, attidentity <> '' AS is_identity FROM pg_attribute
 WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped
 ORDER BY attnum
"""


# Of the events those that an import brought, which a second one recognises.
_WHICH = {"events": "WHERE id < 0"}


async def stand_in(connection: Connection) -> None:
    """Makes the copies, for this session alone."""
    schema = quoted(await connection.fetchval("SELECT current_schema()"))
    for table in _SHADOWED:
        await _make(connection, schema, table)
        await _fill(connection, schema, table)


async def _make(connection: Connection, schema: str, table: str) -> None:
    await connection.execute(f"CREATE TEMPORARY TABLE {table} (LIKE {schema}.{table} INCLUDING ALL)")


async def _fill(connection: Connection, schema: str, table: str) -> None:
    columns = await connection.fetch(_COLUMNS, f"{schema}.{table}")
    names = ", ".join(name for name, _ in columns if name not in _LEFT_OUT.get(table, ()))
    await connection.execute(
        f"INSERT INTO pg_temp.{table} ({names}) OVERRIDING SYSTEM VALUE "  # noqa: S608
        f"SELECT {names} FROM {schema}.{table} {_WHICH.get(table, '')}"
    )
    for name, is_identity in columns:
        if is_identity:
            sequence = f"pg_get_serial_sequence('pg_temp.{table}', '{name}')"
            await connection.execute(
                f"SELECT setval({sequence}, greatest(max({name}), 0) + 1, false) FROM pg_temp.{table}"  # noqa: S608
            )
    await connection.execute(f"ANALYZE pg_temp.{table}")
