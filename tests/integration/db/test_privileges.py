"""Whoever starts the worker, the server runs without privilege, or one sentence says what to do."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.processes import User, ordinary_python
from worker.db.embedded import EmbeddedServer
from worker.db.postmaster import read_pid_file
from worker.exits import ConfigError

NOBODY = pwd.getpwnam("nobody")

needs_namespaces = pytest.mark.skipif("not may('unshare', '--user')", reason="no user namespaces here")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="takes on other accounts, which only root can")


@pytest.fixture
def without_namespaces(scratch: Path) -> Sequence[str]:
    """Where unshare(CLONE_NEWUSER) is forbidden, as in most containers: user_namespaces(7) forbids it in a chroot."""
    if not may("unshare", "--mount"):
        pytest.skip("no mount namespaces here")
    root = scratch / "root"
    root.mkdir()
    return ("unshare", "--mount", "sh", "-c", f'mount --rbind / {root} && exec chroot {root} "$@"', "sh")


def server_uid(home: Path) -> int:
    """The user of the server as the kernel sees it from outside of any namespace."""
    pid_file = read_pid_file(home / "data")
    assert pid_file
    return Path(f"/proc/{pid_file.pid}").stat().st_uid


def namespace_of(pid: int) -> Path:
    return Path(f"/proc/{pid}/ns/user").readlink()


def may(*command: str) -> bool:
    return shutil.which(command[0]) is not None and subprocess.run([*command, "true"], check=False).returncode == 0


def test_an_ordinary_user_starts_it_as_himself(scratch: Path) -> None:
    home = scratch / "postgresql"
    home.mkdir()
    os.chown(home, NOBODY.pw_uid, NOBODY.pw_gid)
    user = User(home, python=ordinary_python(NOBODY), account=NOBODY).ready()
    assert server_uid(home) == NOBODY.pw_uid
    assert user.left() == ""
    assert not (home / "data" / "postmaster.pid").exists()


@needs_namespaces
def test_root_needs_no_account_and_the_folder_stays_its_own(home: Path) -> None:
    user = User(home).ready()
    pid_file = read_pid_file(home / "data")
    assert pid_file
    assert namespace_of(pid_file.pid) != namespace_of(os.getpid())
    assert (home / "data").stat().st_uid == 0
    user.left()


@needs_namespaces
def test_root_without_namespaces_hands_the_folder_to_an_account(home: Path, without_namespaces: Sequence[str]) -> None:
    User(home).ready().left()
    assert (home / "data").stat().st_uid == 0
    user = User(home, prefix=without_namespaces).ready()
    assert server_uid(home) != 0
    assert (home / "data").stat().st_uid == server_uid(home)
    assert user.left() == ""
    user = User(home).ready()  # with namespaces again: the owner of the data stays the one
    assert server_uid(home) == (home / "data").stat().st_uid != 0
    assert user.left() == ""


def test_root_without_namespaces_in_a_closed_folder_is_told_so(
    scratch: Path, without_namespaces: Sequence[str]
) -> None:
    (scratch / "closed").mkdir(mode=0o700)
    told = User(scratch / "closed" / "postgresql", prefix=without_namespaces).left()
    assert f"may not enter {scratch}/closed" in told
    assert "DATA_DIRECTORY" in told
    assert "DATABASE_URL" in told


@needs_namespaces
def test_a_user_without_a_name_gets_one_in_a_namespace(scratch: Path) -> None:
    nameless = pwd.struct_passwd(("", "", 54321, 54321, "", "", ""))
    home = scratch / "postgresql"
    home.mkdir()
    os.chown(home, nameless.pw_uid, nameless.pw_gid)
    user = User(home, python=ordinary_python(nameless), account=nameless).ready()
    assert server_uid(home) == nameless.pw_uid
    assert user.left() == ""


def test_a_folder_of_another_user_is_not_taken(scratch: Path) -> None:
    told = User(scratch / "postgresql", python=ordinary_python(NOBODY), account=NOBODY).left()
    assert "DATA_DIRECTORY" in told


def test_a_socket_folder_that_a_stranger_has_made_is_not_used(scratch: Path) -> None:
    """It lies in /tmp, where everybody can make the folder first and answer in the server's place."""
    server = EmbeddedServer(scratch / ("x" * 100), durable=False)
    folder = Path(server.dsn().partition("host=")[2].partition("&")[0])
    folder.mkdir(mode=0o700)
    os.chown(folder, NOBODY.pw_uid, NOBODY.pw_gid)
    try:
        with pytest.raises(ConfigError, match="belongs to another user"):
            server.start()
    finally:
        folder.rmdir()
