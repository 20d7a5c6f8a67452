"""The script as a user meets it: what it refuses and how it says so, the map, another database, the report."""

import asyncio
import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.legacy import CHANNEL_ID, naive, posting_time
from tests.support.legacy_run import imported, old_rows, script
from tests.support.sql import execute, fetch
from tests.support.worker_process import ROOT, environment
from worker.db.connection import Database, connected
from worker.db.schema import HEAD
from worker.legacy.ending import PreflightError, UsageError


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--nonsense",), "No such option '--nonsense'"),
        (("--map", "nowhere.json"), "nowhere.json cannot be read: No such file or directory."),
        (("--execute", "now"), "Got unexpected extra argument (now)"),
        (("--report", "/proc/report.json"), "/proc/report.json cannot be written: No such file or directory."),
    ],
)
async def test_wrong_usage_is_told_in_a_sentence(
    old_database: Database, arguments: tuple[str, ...], sentence: str
) -> None:
    ended = await script(old_database, *arguments)
    assert ended.code == 64
    assert sentence in ended.errors
    assert "Traceback" not in ended.errors


async def test_help_tells_the_exit_codes() -> None:
    text = subprocess.run(  # noqa: ASYNC221  nothing else runs
        [sys.executable, "scripts/legacy_import.py", "--help"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    assert "--execute" in text
    assert "Exit codes: 0 clean, 2 done with rows in quarantine" in " ".join(text.split())


def test_outside_of_the_projects_environment_it_says_where_it_runs(tmp_path: Path) -> None:
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin:" + os.environ["PATH"])
    assert python is not None
    ended = subprocess.run(
        [python, "-I", "-S", ROOT / "scripts" / "legacy_import.py"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 4
    assert "run `make setup`, then .venv/bin/python scripts/legacy_import.py" in ended.stderr
    assert "Traceback" not in ended.stderr


async def test_a_schema_that_is_behind_is_refused_where_nobody_can_be_asked(left_database: Database) -> None:
    for arguments in ((), ("--execute",)):
        ended = await script(left_database, *arguments)
        assert ended.code == 4
        assert f"the import needs {HEAD}: run `python -m worker migrate` first" in " ".join(ended.errors.split())


async def test_on_a_terminal_it_offers_to_migrate(left_database: Database) -> None:
    main, terminal = pty.openpty()
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("scripts/legacy_import.py", "--execute"),
            cwd=ROOT,
            env=environment(DATABASE_URL=left_database.dsn, TERM="dumb"),
            stdin=terminal,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        os.write(main, b"y\n")
        _, errors = await process.communicate()
    finally:
        os.close(main)
        os.close(terminal)
    assert process.returncode == 2, errors
    assert "Migrate now?" in errors.decode()
    assert await fetch(left_database, "SELECT FROM legacy_map")


async def test_a_database_without_old_tables_is_refused(migrated_database: Database) -> None:
    with pytest.raises(PreflightError, match="nothing to import"):
        await imported(migrated_database)


async def test_old_tables_that_are_written_to_are_refused_and_a_dry_run_does_not_mind(old_database: Database) -> None:
    async with connected(old_database, purpose="former application") as former:
        await former.execute("BEGIN; INSERT INTO old_events (channel) VALUES ('still at work')")
        report = await imported(old_database)
        assert report.is_dry
        with pytest.raises(PreflightError, match="stop the former application"):
            await imported(old_database, execute=True)


async def test_nobody_may_write_to_the_old_tables_meanwhile(old_database: Database) -> None:
    held = asyncio.create_task(imported(old_database, execute=True))
    async with connected(old_database, purpose="former application") as former:
        while not await former.fetchval("SELECT count(*) FROM legacy_map"):  # noqa: ASYNC110  another session's rows
            await asyncio.sleep(0.005)
        await former.execute("INSERT INTO old_events (channel) VALUES ('waits')")
    report = await held
    assert report.run.tables["old_events"].rows == 107
    assert all(found.is_unchanged for found in report.verifications.values())


async def test_a_dry_run_takes_no_lock_that_others_could_feel(old_database: Database) -> None:
    """Whatever it holds at any moment, it keeps nobody from reading or writing rows."""
    dry = asyncio.create_task(imported(old_database))
    seen: set[str] = set()
    async with connected(old_database, purpose="test") as watching:
        while not dry.done():
            seen |= {
                row[0]
                for row in await watching.fetch(
                    "SELECT l.mode FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid) "
                    "JOIN pg_class AS c ON c.oid = l.relation "
                    "WHERE a.application_name LIKE '%:legacy-%' AND c.relpersistence = 'p' "
                    "AND c.relnamespace <> 'pg_catalog'::regnamespace"
                )
            }
    await dry
    assert seen == {"AccessShareLock"}


async def test_two_imports_at_once_are_refused(old_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.legacy.sessions.TURN_ATTEMPTS", 2)
    async with connected(old_database, purpose="test") as holding:
        # The first one has begun and cannot end.
        await holding.execute("BEGIN; LOCK TABLE legacy_map IN SHARE MODE")
        first = asyncio.create_task(imported(old_database, execute=True))
        while not await holding.fetchval("SELECT count(*) FROM import_runs"):  # noqa: ASYNC110  another session's rows
            await asyncio.sleep(0.005)
        with pytest.raises(PreflightError, match="Another import into this database is going on"):
            await imported(old_database, execute=True)
        await holding.execute("COMMIT")
    assert (await first).exit_code == 2


async def test_the_map_says_what_the_tables_do_not(old_database: Database, tmp_path: Path) -> None:
    written = tmp_path / "map.json"
    await imported(old_database, write_map=written)
    plan = json.loads(written.read_text())
    assert any("as UTC 1.0 s" in because for because in plan["tables"]["old_discord_messages"]["because"])
    setups = plan["tables"]["old_setups"]
    assert setups["columns"] == {
        "content": "raw_text",
        "day": "date",
        "stored_at": "created_at",
        "source": "source",
    }
    setups["channel_id"] = str(CHANNEL_ID)
    setups["columns"]["source"] = None  # take samples too
    setups["zones"]["created_at"] = "America/Chicago"
    plan["tables"]["old_ingestion_status"]["as"] = "ignore"
    plan["tables"]["old_user_notes"] = {"as": "messages", "columns": {"content": "note"}}
    written.write_text(json.dumps(plan))
    report = await imported(old_database, execute=True, map_file=written)
    assert "old_ingestion_status" not in report.run.tables
    assert dict(report.run.tables["old_user_notes"].reasons) == {"bad_time": 1}
    assert "sample" not in report.run.tables["old_setups"].reasons
    rows = await fetch(
        old_database,
        "SELECT channel_id, posted_at FROM discord_messages JOIN legacy_map ON new_id = message_id "
        "WHERE old_table = 'old_setups' AND old_key = '16'",
    )
    assert rows[0]["channel_id"] == CHANNEL_ID
    assert naive(rows[0]["posted_at"], "America/Chicago") == naive(posting_time(0)).replace(hour=14, minute=4)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('{"tables": {"old_setups": {"columns": {"content": "nowhere"}}}}', "old_setups has no column nowhere; it has"),
        ('{"tables": {"elsewhere": {}}}', "speaks of elsewhere, and there is no such table"),
    ],
)
async def test_a_map_that_does_not_fit_is_refused(
    old_database: Database, tmp_path: Path, content: str, sentence: str
) -> None:
    file = tmp_path / "map.json"
    file.write_text(content)
    with pytest.raises(UsageError, match=sentence):
        await imported(old_database, execute=True, map_file=file)
    assert not await fetch(old_database, "SELECT FROM import_runs")


async def test_the_old_tables_of_another_database(migrated_database: Database, other_database: Database) -> None:
    before = {table: await old_rows(other_database, table) for table in ("setups", "events", "discord_messages")}
    dry = await imported(migrated_database, source=other_database.dsn)
    report = await imported(migrated_database, source=other_database.dsn, execute=True)
    assert report.as_json()["tables"] == dry.as_json()["tables"]
    label = next(label for label in report.run.tables if label.endswith("/events"))
    assert report.run.tables[label].inserted == 105
    for table, rows in before.items():
        assert await old_rows(other_database, table) == rows
    again = await imported(migrated_database, source=other_database.dsn, execute=True)
    assert again.run.written == 0


async def test_the_workers_own_database_is_no_other_one(old_database: Database) -> None:
    with pytest.raises(PreflightError, match="--source is the worker's own database"):
        await imported(old_database, source=old_database.dsn)


async def test_a_source_that_cannot_be_reached_is_told_without_its_password(old_database: Database) -> None:
    ended = await script(old_database, "--source", "postgresql://me:hunter22@127.0.0.1:1/x")
    assert ended.code == 4
    assert "it accepts no connections" in ended.errors
    assert "hunter22" not in ended.errors + ended.output


async def test_what_was_damaged_since_is_found(old_database: Database) -> None:
    await imported(old_database, execute=True)
    await execute(
        old_database,
        "UPDATE events SET data = jsonb_set(data, '{n}', '-1') WHERE id < 0 AND data->>'n' = '7';"
        "UPDATE discord_messages SET text = 'other' WHERE message_id = (SELECT max(message_id) FROM discord_messages)",
    )
    report = await imported(old_database, execute=True)
    changed = {label: one.reasons["changed"] for label, one in report.run.tables.items() if one.reasons["changed"]}
    assert changed == {"old_events": 1, "old_discord_messages": 1}
    assert report.exit_code == 2


@pytest.mark.parametrize(
    ("damage", "table"),
    [
        ("events FOR EACH ROW WHEN (NEW.data->>'n' = '7') EXECUTE FUNCTION damage_event()", "old_events"),
        (
            "discord_messages FOR EACH ROW WHEN (NEW.text = 'no id') EXECUTE FUNCTION damage_text()",
            "old_discord_messages",
        ),
        ("legacy_map FOR EACH ROW WHEN (NEW.old_key = '3') EXECUTE FUNCTION lose_row()", "old_setups"),
    ],
)
async def test_the_proof_is_of_what_is_there_and_not_of_what_was_meant(
    old_database: Database, tmp_path: Path, damage: str, table: str
) -> None:
    """The database itself writes something else than it was told, for one row."""
    await execute(
        old_database,
        """
        CREATE FUNCTION damage_event() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN NEW.data = jsonb_set(NEW.data, '{n}', '8'); RETURN NEW; END $$;
        CREATE FUNCTION damage_text() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN NEW.text = 'another'; RETURN NEW; END $$;
        CREATE FUNCTION lose_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
        """
        f"CREATE TRIGGER damage BEFORE INSERT ON {damage}",
    )
    ended = await script(old_database, "--execute", report=tmp_path / "report.json")
    assert ended.code == 3
    assert ended.report is not None
    found = {one["table"]: one["verification"]["holds"] for one in ended.report["tables"]}
    assert not found[table]
    assert "NOT VERIFIED" in ended.output


@pytest.mark.parametrize("arguments", [(), ("--execute",)])
async def test_a_user_without_the_rights_is_told_so(old_database: Database, arguments: tuple[str, ...]) -> None:
    """Not a row is blamed for it."""
    await execute(
        old_database,
        """
        CREATE ROLE visitor LOGIN;
        GRANT SELECT, UPDATE, INSERT ON ALL TABLES IN SCHEMA public TO visitor;
        REVOKE INSERT ON legacy_map FROM visitor;
        DO $$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM public', current_database()); END $$;
        """,
    )
    try:
        dsn = old_database.dsn.replace("://postgres@", "://visitor@")
        ended = await script(Database(dsn, dsn), *arguments)
    finally:
        await execute(old_database, "DROP OWNED BY visitor; DROP ROLE visitor")
    assert ended.code == 4, ended
    assert "lacks a right that the import needs: permission denied" in " ".join(ended.errors.split())
    assert not await fetch(old_database, "SELECT FROM import_quarantine")


async def test_the_same_posts_from_two_places_are_the_same_messages(
    old_database: Database, other_database: Database
) -> None:
    """As when a dump is imported that was imported in place before."""
    await imported(old_database, execute=True)
    before = await fetch(old_database, "SELECT message_id FROM discord_messages ORDER BY 1")
    report = await imported(old_database, source=other_database.dsn, execute=True)
    assert await fetch(old_database, "SELECT message_id FROM discord_messages ORDER BY 1") == before
    assert not any(one.inserted for label, one in report.run.tables.items() if "events" not in label)
