"""Which failures to connect are worth a wait."""

import socket
import ssl

import asyncpg
import pytest

from worker.db.connection import check_version
from worker.db.failures import explain, why_away
from worker.exits import ConfigError, RefusedError
from worker.faults import named

DSN = "postgresql://u:s3cret@h/d"


def answer(sqlstate: str, message: str) -> asyncpg.PostgresError:
    error: asyncpg.PostgresError = asyncpg.PostgresError.new({"C": sqlstate, "M": message})
    return error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (answer("57P03", "the database system is starting up"), "the database system is starting up"),
        (answer("57P01", "terminating connection"), "terminating connection"),
        (answer("53300", "sorry, too many clients already"), "sorry, too many clients already"),
        (answer("08P01", "server login has been failing"), "server login has been failing"),
        (answer("08006", "cannot connect to server"), "cannot connect to server"),
        (ConnectionRefusedError(111, "Connect call failed"), "it accepts no connections"),
        (OSError("Multiple exceptions: [Errno 111] Connect call failed ('::1', 1)"), "it accepts no connections"),
        (FileNotFoundError(2, "No such file"), "its socket is not there"),
        (socket.gaierror(-3, "Temporary failure in name resolution"), "its host name is not known"),
        (TimeoutError(), "it does not answer"),
        (ConnectionResetError(), "ConnectionResetError"),
    ],
)
def test_what_passes_with_time_has_a_reason(error: Exception, reason: str) -> None:
    assert explain(error, DSN, "DATABASE_URL") == reason


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (answer("28P01", 'password authentication failed for user "u"'), RefusedError, "password or database"),
        (answer("28000", "no pg_hba.conf entry for host, no encryption"), RefusedError, "no encryption): allow it"),
        (answer("42501", 'permission denied for database "d"'), RefusedError, "allow it, or name another user"),
        (answer("XX000", "Tenant or user not found"), RefusedError, "Tenant"),
        (answer("3D000", 'database "d" does not exist'), ConfigError, "create it, or name another one in"),
        (answer("42704", 'unrecognized configuration parameter "x"'), ConfigError, "correct its parameters"),
        (answer("08P01", "unsupported startup parameter: x"), ConfigError, "DATABASE_DIRECT_URL"),
        (answer("42P05", "prepared statement already exists"), ConfigError, "DATABASE_DIRECT_URL"),
        (answer("08P01", "password authentication failed"), RefusedError, "password"),
        (answer("08P01", "no such database: d"), RefusedError, "correct its user, password or database"),
        (ConnectionError('PostgreSQL server at "h:1" rejected SSL upgrade'), ConfigError, "sslmode"),
        (ssl.SSLCertVerificationError(1, "self-signed certificate"), ConfigError, "sslrootcert"),
        (asyncpg.ClientConfigurationError("no such mode"), ConfigError, "no such mode"),
        (UnicodeError("label too long"), ConfigError, "label too long"),
    ],
)
def test_what_does_not_pass_is_an_error_that_names_the_setting(
    error: Exception, kind: type[Exception], words: str
) -> None:
    told = explain(error, DSN, "DATABASE_URL")
    assert type(told) is kind
    assert words in str(told)
    assert "DATABASE_URL" in str(told)
    assert "s3cret" not in str(told)


class ReplacedError(Exception):
    pass


def replaced(cause: Exception) -> ReplacedError:
    error = ReplacedError(named(cause))
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TimeoutError(), "the database does not answer (TimeoutError)"),
        (
            FileNotFoundError(2, "No such file or directory"),
            "the database cannot be reached: its socket is not there (FileNotFoundError)",
        ),
        (ConnectionResetError(), "the database cannot be reached (ConnectionResetError)"),
        (asyncpg.InterfaceError("connection is closed"), "could not do it: connection is closed (InterfaceError)"),
        (asyncpg.InternalClientError(), "the database could not do it (InternalClientError)"),
        (
            replaced(answer("57P03", "the database system is starting up")),
            "the database could not do it: the database system is starting up (CannotConnectNowError)",
        ),
    ],
)
def test_a_session_that_failed_is_told_in_plain_words(error: Exception, words: str) -> None:
    assert why_away(error).endswith(words)


def test_an_error_without_a_text_leaves_no_colon_behind() -> None:
    assert named(TimeoutError()) == "TimeoutError"
    assert named(ValueError("no such mode")) == "ValueError: no such mode"


def test_the_oldest_version_that_is_enough() -> None:
    check_version(150000, "h:5432")
    check_version(180006, "h:5432")
    with pytest.raises(ConfigError, match=r"15 or newer is needed and h:5432 has 14.*DATABASE_URL"):
        check_version(140022, "h:5432")
    with pytest.raises(ConfigError, match="has 9"):
        check_version(90624, "h:5432")
