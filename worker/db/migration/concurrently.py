"""Indexes on tables that are in use, for revisions: each such revision does nothing else.

CREATE INDEX CONCURRENTLY lets writers go on. It runs outside a transaction, waits for every transaction that is older
than itself, and leaves an INVALID index when it is interrupted.
"""

from alembic import op


def create_index_concurrently(name: str, table: str, definition: str) -> None:
    """Makes the index `name` on `table`, where `definition` is what follows the table's name in CREATE INDEX.

    What an interrupted run left of it is dropped first; an index of that name on another table is an error.
    A short lock_timeout would fail it beside any longer transaction, so it has none: statement_timeout bounds it."""
    with op.get_context().autocommit_block():
        op.execute(f"""
            DO $leftover$
            BEGIN
                IF EXISTS (
                    SELECT FROM pg_index WHERE indexrelid = to_regclass('{name}') AND indrelid = '{table}'::regclass
                ) THEN
                    DROP INDEX {name};
                END IF;
            END
            $leftover$
        """)
        op.execute("SELECT set_config('worker.lock_timeout', current_setting('lock_timeout'), false)")
        op.execute("SET lock_timeout = 0")
        op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {table} {definition}")
        op.execute("SELECT set_config('lock_timeout', current_setting('worker.lock_timeout'), false)")


def drop_index_concurrently(name: str) -> None:
    """Drops the index `name` while its table is in use."""
    with op.get_context().autocommit_block():
        op.execute("SELECT set_config('worker.lock_timeout', current_setting('lock_timeout'), false)")
        op.execute("SET lock_timeout = 0")
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        op.execute("SELECT set_config('lock_timeout', current_setting('worker.lock_timeout'), false)")
