"""A PostgreSQL that listens on TCP and asks for a password, as a hosted one does."""

import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.postgres import scratch_folder
from tests.support.processes import wait_for
from worker.db.binaries import find_programs
from worker.db.postmaster import read_pid_file
from worker.db.privileges import choose_run_as

ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC"}


class PasswordServer:
    """At 127.0.0.1, with the user `trader` and the database `postgres`; `start` and `stop` when the test wants."""

    password = "p@ss/w:rd%?#"

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._data = folder / "data"
        self._programs = find_programs(None, None)
        self._run_as = choose_run_as(self._data, self._data, self._programs)
        self._process: subprocess.Popen[bytes] | None = None
        secret = folder / "password"
        secret.write_text(self.password)
        self._run_as.give(folder)
        command: list[str | Path] = [self._programs.initdb, "-D", self._data, "-U", "trader", "-A", "scram-sha-256"]
        initdb = self._run_as.start([*command, f"--pwfile={secret}"], ENVIRONMENT, subprocess.DEVNULL)
        assert initdb.wait() == 0

    def start(self, **settings: str) -> None:
        settings = {"listen_addresses": "127.0.0.1", "port": str(self.port), "fsync": "off"} | settings
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command: list[str | Path] = [self._programs.postgres, "-D", self._data, "-k", "", *options]
        self._process = self._run_as.start(command, ENVIRONMENT, subprocess.DEVNULL)
        wait_for(self._is_ready, "the password server takes connections")

    def stop(self) -> None:
        if self._process:
            self._process.send_signal(signal.SIGINT)  # fast shutdown
            self._process.wait()
            self._process = None

    def _is_ready(self) -> bool:
        pid_file = read_pid_file(self._data)
        return pid_file is not None and pid_file.status == "ready"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def password_server() -> Iterator[PasswordServer]:
    with scratch_folder() as folder:
        server = PasswordServer(folder)
        try:
            yield server
        finally:
            server.stop()
