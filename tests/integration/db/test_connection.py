import json

from worker.db.connection import Database, connect


async def test_a_session_is_in_utc_named_and_reads_json_as_values(empty_database: Database) -> None:
    connection = await connect(empty_database, purpose="reader", idle_in_transaction_timeout="2s")
    try:
        value = {"price": "584.20", "targets": [1, None]}
        assert await connection.fetchval("SELECT $1::jsonb", json.dumps(value)) == value
        assert await connection.fetchval("SELECT $1::json", json.dumps(value)) == value
        for name, expected in (
            ("timezone", "UTC"),
            ("application_name", "discord-plan-worker:reader"),
            ("standard_conforming_strings", "on"),
            ("idle_in_transaction_session_timeout", "2s"),
        ):
            assert await connection.fetchval("SELECT current_setting($1)", name) == expected
    finally:
        await connection.close()
