"""Real processes for tests: users of the embedded server, accounts without privilege, conditions to wait for."""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import structlog

from tests.support import embedded_user

ROOT = Path(__file__).parents[2]
GENEROUS_SECONDS = 60


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + GENEROUS_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not in {GENEROUS_SECONDS} s: {what}"
        time.sleep(0.01)


class User:
    """A process that uses the embedded server of a home; `left` and `killed` end it."""

    def __init__(
        self,
        home: Path,
        *,
        python: str = sys.executable,
        account: pwd.struct_passwd | None = None,
        prefix: Sequence[str] = (),
        programs: Path | None = None,
    ) -> None:
        self.process = subprocess.Popen(
            [*prefix, python, "-P", embedded_user.__file__, str(home), *([str(programs)] if programs else [])],
            env={"PATH": os.environ["PATH"], "HOME": str(home.parent), "PYTHONPATH": _python_path()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            user=account and account.pw_uid,
            group=account and account.pw_gid,
            extra_groups=account and [],
        )

    def ready(self) -> "User":
        assert self.process.stdout
        lines = iter(self.process.stdout.readline, "")  # its log lines come first
        assert "ready\n" in lines, self.process.communicate()[1]
        return self

    def left(self) -> str:
        """Lets it end by itself; what it wrote to standard error."""
        return self.process.communicate(timeout=GENEROUS_SECONDS)[1]

    def killed(self) -> None:
        self.process.kill()
        if self.process.stdin and not self.process.stdin.closed:
            self.process.communicate()


def children(pid: int) -> list[int]:
    table = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [line.split() for line in table.splitlines()]
    return [int(child) for child, parent in pairs if int(parent) == pid]


def _python_path() -> str:
    return f"{ROOT}{os.pathsep}{Path(structlog.__file__).parents[1]}"


def ordinary_python(account: pwd.struct_passwd) -> str:
    """An interpreter that the account may run; the test's own can lie in a folder that is closed to it."""
    for python in (sys.executable, shutil.which("python3", path="/usr/local/bin:/usr/bin:/bin")):
        command = [python or "", "-c", "import sys, structlog; sys.exit(sys.version_info < (3, 11))"]
        try:
            if not subprocess.run(
                command,
                env={"PYTHONPATH": _python_path()},
                user=account.pw_uid,
                group=account.pw_gid,
                extra_groups=[],
                check=False,
                capture_output=True,
            ).returncode:
                return command[0]
        except OSError:
            continue
    pytest.skip(f"no Python that {account.pw_name} may run")


def accepts(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
