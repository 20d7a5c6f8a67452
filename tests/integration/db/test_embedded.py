"""The embedded server's life: it starts from nothing, is shared, and no crash leaves anything stale."""

import asyncio
import fcntl
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from tests.support.processes import User, children, wait_for
from worker.db.binaries import find_programs
from worker.db.embedded import EmbeddedServer
from worker.db.postmaster import is_postmaster, read_pid_file
from worker.exits import ConfigError, UnavailableError

NewUser = Callable[..., User]


@pytest.fixture
def server(home: Path) -> Iterator[EmbeddedServer]:
    server = EmbeddedServer(home, durable=False)
    yield server
    server.stop()


def server_pid(server: EmbeddedServer) -> int:
    pid_file = read_pid_file(server.data)
    assert pid_file
    return pid_file.pid


def run(server: EmbeddedServer, statement: str) -> object:
    async def fetch() -> object:
        connection = await asyncpg.connect(server.dsn())
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(fetch())


def kill_server(server: EmbeddedServer) -> int:
    pid = server_pid(server)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not server.is_running(), "the killed server is gone")
    return pid


def told(server: EmbeddedServer) -> str:
    try:
        return server.log_file.read_text()
    except FileNotFoundError:  # put aside by a start that has not begun the next one yet
        return ""


def is_locked(path: Path) -> bool:
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_starts_from_nothing_and_keeps_its_data_over_a_stop(server: EmbeddedServer, home: Path) -> None:
    server.start()
    run(server, "CREATE TABLE kept AS SELECT 42 AS number")
    pid = server_pid(server)
    server.stop()
    assert not is_postmaster(pid, server.data)
    assert read_pid_file(server.data) is None
    server.start()
    assert run(server, "SELECT number FROM kept") == 42


def test_only_the_user_can_reach_it(server: EmbeddedServer, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.mkdir(mode=0o755)
    monkeypatch.setenv("DISCORD_TOKEN", "a-secret")
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGDATA", "/nowhere")
    server.start()
    assert home.stat().st_mode & 0o777 == 0o700
    assert run(server, "SHOW listen_addresses") == ""
    environment = Path(f"/proc/{server_pid(server)}/environ")
    if environment.exists():
        names = {pair.partition(b"=")[0] for pair in environment.read_bytes().split(b"\0")}
        assert not names & {b"DISCORD_TOKEN", b"PGPORT"}


def test_six_processes_share_one_server_and_the_last_stops_it(
    server: EmbeddedServer, home: Path, new_user: NewUser
) -> None:
    users = [new_user() for _ in range(6)]
    for user in users:
        user.ready()
    assert server.log_file.read_text().count("ready to accept connections") == 1
    assert not (home / "server.log.1").exists()
    for user in users[:5]:
        assert user.process.poll() is None
        user.left()
        assert server.is_ready()
    users[5].left()
    assert not server.is_running()


def test_a_server_whose_starter_was_killed_is_taken_over(server: EmbeddedServer, new_user: NewUser) -> None:
    new_user().ready().killed()
    assert server.is_ready()
    pid = server_pid(server)
    server.start()
    assert server_pid(server) == pid
    server.stop()
    assert not is_postmaster(pid, server.data)


def test_a_killed_server_comes_back_with_its_data(server: EmbeddedServer) -> None:
    server.start()
    run(server, "CREATE TABLE kept AS SELECT 42 AS number")
    kill_server(server)
    server.start()
    assert run(server, "SELECT number FROM kept") == 42


def test_waits_for_the_sessions_of_a_killed_server(server: EmbeddedServer, new_user: NewUser) -> None:
    """A session that is stuck notices late that its server has died, and holds the shared memory until then."""
    user = new_user().ready()
    checkpointer = int(str(run(server, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'")))
    os.kill(checkpointer, signal.SIGSTOP)
    kill_server(server)
    user.killed()
    successor = new_user()
    too_early = "pre-existing shared memory block"
    wait_for(lambda: too_early in told(server), "the next server was refused the shared memory")
    os.kill(checkpointer, signal.SIGCONT)
    successor.ready().left()


@pytest.mark.parametrize("kind", ["another program", "a zombie"])
def test_a_pid_file_left_by_a_crash_may_name_another_process(server: EmbeddedServer, home: Path, kind: str) -> None:
    server.start()
    former = kill_server(server)
    other = subprocess.Popen(["sleep", "600"] if kind == "another program" else ["true"])
    if kind == "a zombie":
        os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
    for file, pid in ((server.data / "postmaster.pid", other.pid), (home / ".s.PGSQL.5432.lock", os.getppid())):
        file.write_text(file.read_text().replace(str(former), str(pid), 1))
    try:
        server.start()
        assert server_pid(server) != other.pid
        assert server.is_ready()
        server.stop()
        assert kind == "a zombie" or other.poll() is None
    finally:
        other.kill()
        other.wait()


def programs_that_stop(folder: Path) -> Path:
    """PostgreSQL's own, but for an initdb that stops before it ends, with all that it has started."""
    programs = find_programs(None, None)
    folder.mkdir()
    (folder / "postgres").symlink_to(programs.postgres)
    (folder / "initdb").write_text(f'#!/bin/sh\n"{programs.initdb}" "$@" && kill -STOP 0\n')
    (folder / "initdb").chmod(0o755)
    return folder


def is_stopped(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return state.startswith("T")


@pytest.mark.parametrize("initdb_survives", [True, False])
def test_a_killed_start_leaves_no_half_of_a_data_folder(
    server: EmbeddedServer, scratch: Path, home: Path, initdb_survives: bool, new_user: NewUser
) -> None:
    user = new_user(programs_that_stop(scratch / "programs"))
    wait_for(lambda: any(map(is_stopped, children(user.process.pid))), "initdb is at work")
    [initdb] = children(user.process.pid)
    user.killed()
    assert is_locked(home / "start.lock")
    os.killpg(initdb, signal.SIGCONT if initdb_survives else signal.SIGKILL)
    assert not server.data.exists()
    server.start()
    assert server.is_ready()
    assert not (home / "data.new").exists()


def test_ctrl_c_in_the_terminal_does_not_reach_the_server(server: EmbeddedServer, new_user: NewUser) -> None:
    user = new_user().ready()
    pid = server_pid(server)
    os.killpg(user.process.pid, signal.SIGINT)
    assert os.getsid(pid) == pid
    assert user.left() == ""
    assert "received fast shutdown request" in server.log_file.read_text()


@pytest.mark.parametrize("name", ["x" * 60 + "/" + "y" * 60, "with, a comma"])
def test_a_path_that_no_socket_can_have(scratch: Path, name: str) -> None:
    server = EmbeddedServer(scratch / name, durable=False)
    server.start()
    try:
        folder = Path(server.dsn().partition("host=")[2].partition("&")[0])
        assert folder.parent == Path("/tmp")  # noqa: S108
        assert folder.stat().st_mode & 0o777 == 0o700
    finally:
        server.stop()
    assert not folder.exists()


def test_a_server_that_cannot_start_says_why_and_leaves_no_process(server: EmbeddedServer) -> None:
    server.start()
    server.stop()
    with (server.data / "postgresql.conf").open("a") as configuration:
        configuration.write("max_connections = plenty\n")
    with pytest.raises(UnavailableError, match=r"configuration file .* contains errors .*server\.log"):
        server.start()
    assert not server.is_running()


def test_data_of_a_version_that_is_not_installed_is_left_alone(server: EmbeddedServer) -> None:
    server.data.mkdir(parents=True)
    (server.data / "PG_VERSION").write_text("99\n")
    with pytest.raises(ConfigError, match=r"PostgreSQL 99.*POSTGRES_BIN_DIRECTORY"):
        server.start()
    assert (server.data / "PG_VERSION").read_text() == "99\n"


def test_the_data_decide_the_version_of_the_programs(scratch: Path) -> None:
    folder = Path("/usr/lib/postgresql/15/bin")
    if not folder.exists():
        pytest.skip("no second PostgreSQL on this machine")
    older = EmbeddedServer(scratch / "postgresql", programs_folder=folder, durable=False)
    older.start()
    older.stop()
    server = EmbeddedServer(scratch / "postgresql", durable=False)
    server.start()
    try:
        assert str(run(server, "SHOW server_version")).startswith("15.")
    finally:
        server.stop()


def test_a_folder_that_cannot_be_made(scratch: Path) -> None:
    (scratch / "file").touch()
    with pytest.raises(ConfigError, match="DATA_DIRECTORY"):
        EmbeddedServer(scratch / "file" / "postgresql").start()


def test_a_folder_without_programs(scratch: Path) -> None:
    with pytest.raises(ConfigError, match="POSTGRES_BIN_DIRECTORY"):
        EmbeddedServer(scratch / "postgresql", programs_folder=scratch).start()
