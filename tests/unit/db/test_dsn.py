"""DATABASE_URL in every form that is met, made into one; a malformed one is told without its password."""

from pathlib import Path

import pytest

from worker.db.dsn import address, normalise, redacted
from worker.exits import ConfigError


@pytest.mark.parametrize(
    ("url", "dsn"),
    [
        ("postgres://u:p@h/d", "postgresql://u:p@h/d"),
        ("POSTGRESQL+asyncpg://u:p@h:5433/d", "postgresql://u:p@h:5433/d"),
        ("\tpostgresql://u@h/d\n", "postgresql://u@h/d"),
        ("postgresql://u:p%40ss%2F%25@h/d", "postgresql://u:p%40ss%2F%25@h/d"),
        ("postgresql://u:p@ss:[w]@h/d", "postgresql://u:p%40ss%3A%5Bw%5D@h/d"),
        ("postgresql://u:100%sure@h/d", "postgresql://u:100%25sure@h/d"),
        ("postgresql://user@hoster:p@h/d", "postgresql://user%40hoster:p@h/d"),
        ("postgresql://u:p@[::1]:5432,h2/d", "postgresql://u:p@[::1]:5432,h2/d"),
        ("postgresql://u@%2Frun%2Fpg/d", "postgresql://u@%2Frun%2Fpg/d"),
        ("postgresql:///d?host=/run/pg&port=1", "postgresql:///d?host=/run/pg&port=1"),
        ("postgresql://h", "postgresql://h"),
        ("postgresql://h/d?connect_timeout=3&channel_binding=require&application_name=x", "postgresql://h/d"),
        ("postgresql://h/d?ssl=true", "postgresql://h/d?sslmode=require"),
        ("postgresql://h/d?ssl=verify-full", "postgresql://h/d?sslmode=verify-full"),
        ("postgresql://h/d?ssl=true&sslmode=verify-ca", "postgresql://h/d?sslmode=verify-ca"),
        ("postgresql://h/d?options=-c+geqo%3Doff", "postgresql://h/d?options=-c%20geqo%3Doff"),
    ],
)
def test_one_form_comes_out(url: str, dsn: str) -> None:
    assert normalise(url, "DATABASE_URL") == dsn
    assert normalise(dsn, "DATABASE_URL") == dsn


@pytest.mark.parametrize(
    "url",
    [
        "",
        "h",
        "mysql://u:s3cret@h/d",
        "postgresql:u:s3cret@h/d",
        "postgresql://u:s3c/ret@h/d",
        "postgresql://u:s3c?ret@h/d",
        "postgresql://u:s3c#ret@h/d",
        "postgresql://u:s3cret@h:port/d",
        "postgresql://u:s3cret@h:65536/d",
        "postgresql://u:s3cret@h:0/d",
        "postgresql://u:s3cret@:5432/d",
        "postgresql://u:s3cret@h,,i/d",
        "postgresql://u:s3cret@[::1/d",
        "postgresql://u:s3cret@h/d/e",
        "postgresql://u:s3cret@h/d?sslmode",
        "postgresql://u:s3cret@h/d?sslrootcert=/no/such/file",
    ],
)
def test_a_malformed_one_is_told_by_the_name_of_its_setting(url: str) -> None:
    with pytest.raises(ConfigError, match=r"^DATABASE_DIRECT_URL ") as told:
        normalise(url, "DATABASE_DIRECT_URL")
    assert "s3c" not in str(told.value)
    assert "ret@" not in str(told.value)
    assert told.value.__context__ is None or told.value.__suppress_context__


def test_files_that_are_there_are_kept(tmp_path: Path) -> None:
    (tmp_path / "root.crt").touch()
    dsn = f"postgresql://h/d?sslmode=verify-full&sslrootcert={tmp_path}/root.crt"
    assert normalise(dsn, "DATABASE_URL") == dsn


@pytest.mark.parametrize(
    ("dsn", "shown", "where"),
    [
        ("postgresql://u:s3cret@h/d", "postgresql://u:***@h/d", "h:5432"),
        ("postgresql://:s3cret@h:1/d", "postgresql://:***@h:1/d", "h:1"),
        ("postgresql://h:1,i/d?port=2", "postgresql://h:1,i/d?port=2", "h:1 or i:2"),
        ("postgresql://u@[::1]:7/d", "postgresql://u@[::1]:7/d", "[::1]:7"),
        (
            "postgresql:///d?host=/run/pg&password=s3cret&sslpassword=s3cret",
            "postgresql:///d?host=/run/pg&password=***&sslpassword=***",
            "/run/pg",
        ),
        ("postgresql://u@%2Frun%2Fpg/d", "postgresql://u@%2Frun%2Fpg/d", "/run/pg"),
        ("postgresql:///d", "postgresql:///d", "the local socket"),
    ],
)
def test_logs_show_where_but_no_password(dsn: str, shown: str, where: str) -> None:
    assert redacted(dsn) == shown
    assert address(dsn) == where
