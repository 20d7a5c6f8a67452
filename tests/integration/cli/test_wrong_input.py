"""Wrong input ends in one plain sentence, with a documented exit code and without a traceback."""

import asyncio
import gzip
import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tests.support.command_line import GENEROUS_SECONDS, ROOT, Ended, environment, worker
from worker import cli
from worker.db.connection import Database
from worker.exits import ConfigError, ExitCode

EXPORTS = ROOT / "tests" / "data" / "exports"


def one_sentence(ended: Ended, code: ExitCode) -> str:
    assert ended.code == code, ended.err
    assert ended.out == ""
    assert "Traceback" not in ended.err
    assert len(ended.err.strip().splitlines()) == 1, ended.err
    assert ended.err.strip().endswith(".")
    return ended.err.strip()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((), "Commands:"),
        (("nonsense",), "nonsense"),
        (("setups",), "TICKER"),
        (("setups", "SPY", "--day", "tomorrow"), "'tomorrow' is no day such as 2025-05-15."),
        (("setups", "SPY", "--as-of", "noon"), "2025-05-15T12:55:00Z"),
        (("events", "tail", "--channel", "gossip"), "discord:message"),
        (("events", "tail", "--correlation", "12"), "'12' is no correlation id"),
        (("events", "tail", "--after", "soon"), "'soon' is no event id such as 42."),
        (("events", "tail", "--after", str(1 << 63)), "no event id"),
        (("channels", "add", "general"), "'general' is no id such as 1372540316212031569"),
        (("channels", "add", "0"), "'0' is no id"),
        (("channels", "add", str(1 << 63)), "no id"),
        (("channels", "add", "7", "--parser", "tea_leaves"), "aplus"),
        (("parse", "--posted-at", "yesterday"), "2025-05-15T12:55:00Z"),
        (("parse", "--timezone", "Mars/Olympus"), "America/Chicago"),
        (("replay",), "FILE"),
    ],
)
def test_wrong_usage_shows_the_usage(
    arguments: tuple[str, ...], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == ExitCode.USAGE
    out, err = capsys.readouterr()
    assert "Usage: python -m worker" in err
    assert named in err
    assert out == ""


@pytest.mark.parametrize(
    ("arguments", "more", "code", "named"),
    [
        (("run",), {}, ExitCode.CONFIG, "DISCORD_TOKEN"),
        (("status",), {"LOG_LEVEL": "LOUD"}, ExitCode.CONFIG, "LOG_LEVEL"),
        (("status",), {"DATABASE_URL": "mysql://somewhere"}, ExitCode.CONFIG, "DATABASE_URL"),
        (("status",), {"DATABASE_URL": "postgresql://u:secret@127.0.0.1:1/x"}, ExitCode.UNAVAILABLE, "DATABASE_URL"),
        (("parse", "/nowhere/post.txt"), {}, ExitCode.NO_INPUT, "/nowhere/post.txt"),
        (("replay", "/nowhere/export.json"), {}, ExitCode.NO_INPUT, "/nowhere/export.json"),
        (("replay", str(EXPORTS)), {}, ExitCode.NO_INPUT, "folder"),
    ],
)
async def test_what_the_user_has_to_mend_is_said_in_a_sentence(
    arguments: tuple[str, ...], more: dict[str, str], code: ExitCode, named: str
) -> None:
    sentence = one_sentence(await worker(*arguments, more={"LOG_LEVEL": "ERROR"} | more), code)
    assert named in sentence
    assert "secret" not in sentence


async def test_code_without_its_migrations_says_so(
    empty_database: Database, migrated_database: Database, tmp_path: Path
) -> None:
    """As a wheel installs it."""
    for package in ("worker", "parsers"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    for database in (empty_database, migrated_database):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "worker", "status"),
            cwd=tmp_path,
            env=environment(database, {"LOG_LEVEL": "ERROR"}),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        sentence = one_sentence(Ended(process.returncode or 0, out.decode(), err.decode()), ExitCode.CONFIG)
        assert "run the worker from a checkout" in sentence


async def test_a_file_of_another_format_is_refused_before_the_database_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "export.json.gz"
    path.write_bytes(gzip.compress(b"{}"))
    ended = await worker("replay", str(EXPORTS / "day_plans.json"), str(path), more={"LOG_LEVEL": "ERROR"})
    assert "gunzip" in one_sentence(ended, ExitCode.DATA)


def test_output_that_nobody_reads_any_more_is_no_error() -> None:
    line = b'{"id": "1", "posted_at": "2025-05-15T12:55:00Z", "content": "hello"}\n'
    reader, writer = os.pipe()
    command = [sys.executable, "-m", "worker", "parse", "--jsonl"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdin=subprocess.PIPE, stdout=writer, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stderr
        os.close(writer)
        process.stdin.write(line)
        process.stdin.flush()
        assert b"not_a_plan" in os.read(reader, 4096)
        os.close(reader)  # as `| head -1` does
        process.stdin.write(line * 10)
        process.stdin.close()
        assert process.stderr.read() == b""
        assert process.wait(GENEROUS_SECONDS) == ExitCode.OK


def ended_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> object:
    """The exit code after a command that raises."""

    def fail() -> None:
        raise error

    monkeypatch.setitem(cli.cli.commands, "fail", click.Command("fail", callback=fail))
    with pytest.raises(SystemExit) as ended:
        cli.main(["fail"])
    return ended.value.code


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (ConfigError("DISCORD_TOKEN is not set."), ExitCode.CONFIG, "DISCORD_TOKEN is not set.\n"),
        (KeyboardInterrupt(), ExitCode.INTERRUPTED, ""),
        (asyncio.CancelledError(), ExitCode.INTERRUPTED, ""),
    ],
)
def test_every_end_has_its_exit_code(
    error: BaseException, code: ExitCode, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended_with(error, monkeypatch) == code
    assert capsys.readouterr().err == told


def test_a_fault_of_ours_is_loud(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    assert ended_with(RuntimeError("a fault of ours"), monkeypatch) == ExitCode.INTERNAL
    assert "worker.internal_error" in caplog.text
    assert "RuntimeError: a fault of ours" in caplog.text
