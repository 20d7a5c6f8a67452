"""Log lines: one renderer for all, and no secret in any of them."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any, Literal

import asyncpg
import pytest
import structlog

from tests.support.logging_state import logging_as_before
from worker import logs
from worker.settings import Settings

TOKEN = "MTIzNDU2.Gabcde.a-very-secret-token"
PASSWORD = 'p@ss"wörd/\\x'


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    with logging_as_before():
        yield


def settings(**changed: Any) -> Settings:
    values: dict[str, Any] = {
        "discord_token": TOKEN,
        "database_url": "postgresql://worker:p%40ss%22w%C3%B6rd%2F%5Cx@db:5432/plans",
        "database_direct_url": "postgresql://db/plans?password=other-secret",
    }
    return Settings(**(values | changed))


def lines(log_format: Literal["json", "pretty"]) -> io.StringIO:
    stream = io.StringIO()
    logs.configure(settings(log_format=log_format), stream=stream)
    return stream


def test_a_line_has_its_event_the_bound_correlation_id_and_a_time_in_utc() -> None:
    stream = lines("json")
    structlog.contextvars.bind_contextvars(correlation_id="c-1")
    structlog.get_logger("worker.test").info("ingest.written", stored=2)
    line = json.loads(stream.getvalue())
    assert line["event"] == "ingest.written"
    assert line["correlation_id"] == "c-1"
    assert line["stored"] == 2
    assert line["level"] == "info"
    assert line["logger"] == "worker.test"
    assert line["timestamp"].endswith("Z")


def test_the_standard_librarys_loggers_take_the_same_way() -> None:
    stream = lines("json")
    structlog.contextvars.bind_contextvars(correlation_id="c-1")
    logging.getLogger("discord.gateway").warning("Shard %s is away", 3)
    line = json.loads(stream.getvalue())
    assert (line["event"], line["message"]) == ("library.message", "Shard 3 is away")
    assert (line["logger"], line["level"]) == ("discord.gateway", "warning")
    assert line["correlation_id"] == "c-1"


@pytest.mark.parametrize("log_format", ["json", "pretty"])
@pytest.mark.parametrize(
    "secret",
    [TOKEN, PASSWORD, "p%40ss%22w%C3%B6rd%2F%5Cx", "other-secret"],
    ids=["token", "password", "quoted", "query"],
)
def test_no_secret_is_logged(log_format: Literal["json", "pretty"], secret: str) -> None:
    stream = lines(log_format)
    log = structlog.get_logger("worker.test")
    log.info(f"event {secret}", plain=secret, nested={"list": [secret]}, url=f"postgresql://u:{secret}@h/")
    logging.getLogger("asyncpg").error("cannot connect as %s", secret)
    try:
        raise ValueError(f"bad {secret}")
    except ValueError:
        log.exception("failed")
    written = stream.getvalue()
    assert "cannot connect as" in written
    assert "bad" in written
    for form in (secret, json.dumps(secret)[1:-1], secret.replace("\\", "\\\\")):
        assert form not in written


@pytest.mark.parametrize("log_format", ["json", "pretty"])
def test_a_row_that_postgresql_refused_is_not_logged(log_format: Literal["json", "pretty"]) -> None:
    stream = lines(log_format)
    refused = asyncpg.PostgresError.new({"C": "23514", "M": "it violates a check", "D": "Row contains (1, buy\nSPY)."})
    try:
        try:
            raise refused
        except asyncpg.PostgresError as error:
            raise ValueError("a second error") from error
    except ValueError:
        structlog.get_logger("worker.test").exception("failed", reason=f"because: {refused}")
    written = stream.getvalue()
    assert written.count("it violates a check") == 2
    assert "ValueError: a second error" in written
    assert "SPY" not in written


def test_a_password_that_is_not_ours_is_not_logged_either() -> None:
    stream = lines("json")
    structlog.get_logger("worker.test").info("x", url="postgresql://somebody:s3cr3t@elsewhere/db")
    assert "s3cr3t" not in stream.getvalue()
    assert "somebody" in stream.getvalue()


def test_escape_sequences_in_a_value_are_made_visible() -> None:
    stream = lines("pretty")
    structlog.get_logger("worker.test").info("channel.named", name="\x1b]0;owned\x07 \u202egnp.exe")
    try:
        raise ValueError("\x1b[2J")
    except ValueError:
        structlog.get_logger("worker.test").exception("failed")
    written = stream.getvalue()
    assert "\x1b" not in written
    assert "␛]0;owned␇" in written
    assert "\nValueError: ␛[2J" in written


def test_a_quiet_command_logs_warnings_only_unless_a_level_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    logs.configure(settings(log_format="json"), quiet=True, stream=stream)
    structlog.get_logger("worker.test").info("not told")
    structlog.get_logger("worker.test").warning("told")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["told"]
    monkeypatch.setenv("LOG_LEVEL", "INFO")
    logs.configure(settings(log_format="json"), quiet=True, stream=stream)
    structlog.get_logger("worker.test").info("asked for")
    assert "asked for" in stream.getvalue()
