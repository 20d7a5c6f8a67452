"""The embedded PostgreSQL: one server for a folder, shared by every process that starts it.

No list of users is kept that a crash could leave wrong: each process holds a lock on a file, which the kernel drops
with the process, and the one that can have the lock for itself is the last and shuts the server down. After a crash the
next process takes over the server that still runs, or starts one that recovers.
"""

import fcntl
import hashlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from urllib.parse import quote

import structlog

from worker.db.binaries import Programs, find_programs
from worker.db.postmaster import is_postmaster, read_pid_file
from worker.db.privileges import RunAs, choose_run_as
from worker.exits import ConfigError, UnavailableError

START_SECONDS = 300  # after a crash there can be a gigabyte of write-ahead log to read (max_wal_size)
STOP_SECONDS = 60  # a fast shutdown writes what shared_buffers hold
POLL_SECONDS = 0.01
SOCKET_PATH_LIMIT = 103  # bytes: sun_path holds 104 on macOS and 108 on Linux, the closing zero included
SOCKET_NAME = ".s.PGSQL.5432"

SETTINGS = {"listen_addresses": "", "port": "5432", "timezone": "UTC", "log_timezone": "UTC", "log_checkpoints": "off"}
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class EmbeddedServer:
    """Owns `home`, a folder that only the user may enter: that is the server's only lock, so it never listens on TCP.

    start and stop block: call them from a thread. `durable=False` is for tests: what is committed
    survives a killed process, but no power cut."""

    def __init__(self, home: Path, *, programs_folder: Path | None = None, durable: bool = True) -> None:
        self.home = home.expanduser().resolve()
        self.data = self.home / "data"
        self.log_file = self.home / "server.log"
        self._programs_folder = programs_folder
        self._durable = durable
        self._socket_folder = _socket_folder(self.home)
        self._process: subprocess.Popen[bytes] | None = None
        self._users: int | None = None

    def dsn(self, database: str = "postgres") -> str:
        """What asyncpg connects to. It names what PG* variables would otherwise decide."""
        return (
            f"postgresql://postgres@/{quote(database)}?host={quote(str(self._socket_folder))}&port=5432&sslmode=disable"
        )

    def start(self) -> None:
        """Starts the server, joins one that runs, or revives one that died; called again, it does nothing.

        Raises ConfigError when the folder, the programs or the user do not permit it, UnavailableError when the server
        does not come up; its own log then is `log_file`."""
        _make_private(self.home)
        with _locked(self.home / "start.lock") as lock:
            _make_private(self._socket_folder, owners=(os.geteuid(), self.home.stat().st_uid))
            if not self.is_ready():
                self._launch(lock)
            if self._users is None:
                self._users = _open_lock(self.home / "users.lock")
                fcntl.flock(self._users, fcntl.LOCK_SH)

    def stop(self) -> None:
        """Ends this process's use; the last one shuts the server down. Without a start it does nothing."""
        if self._users is None:
            return
        with _locked(self.home / "start.lock"):
            try:
                fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                log.debug("database.embedded.left_to_others", home=str(self.home))
            else:
                self._shut_down()
                self._clear_socket_folder()
            os.close(self._users)
            self._users = None

    def is_ready(self) -> bool:
        """Whether it takes connections; a process that merely exists is not asked."""
        return self._status() == "ready" and self._accepts()

    def is_running(self) -> bool:
        return self._status() is not None

    def _status(self) -> str | None:
        pid_file = read_pid_file(self.data)
        return pid_file.status if pid_file and is_postmaster(pid_file.pid, self.data) else None

    def _accepts(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(2)
            try:
                client.connect(str(self._socket_folder / SOCKET_NAME))
            except OSError:
                return False
        return True

    def _launch(self, lock: int) -> None:
        started = time.monotonic()
        version = self.data / "PG_VERSION"
        programs = find_programs(
            self._programs_folder, int(version.read_text().partition(".")[0]) if version.exists() else None
        )
        run_as = choose_run_as(self.home, self.data, programs)
        for folder in (self.home, self._socket_folder):
            run_as.give(folder)
        if not version.exists():
            self._initialise(programs, run_as, lock)
        self._bring_up(programs, run_as)
        log.info(
            "database.embedded.ready",
            home=str(self.home),
            programs=str(programs.folder),
            major=programs.major,
            seconds=round(time.monotonic() - started, 3),
        )

    def _initialise(self, programs: Programs, run_as: RunAs, lock: int) -> None:
        """Makes the data folder under another name first: an initdb that is killed must not leave half of one.

        initdb inherits the start lock: when this process is killed, the next one waits for its initdb to end."""
        unfinished = self.home / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        command: list[str | Path] = [programs.initdb, "-D", unfinished, "-U", "postgres", "-A", "trust"]
        command += ["-E", "UTF8", "--locale=C", *([] if self._durable else ["--no-sync"])]
        process = run_as.start(command, _environment(), subprocess.PIPE, keep_open=(lock,))
        output, _ = process.communicate()
        if process.returncode:
            raise UnavailableError(f"The embedded PostgreSQL cannot make its data folder: {_cause(output)}")
        unfinished.rename(self.data)

    def _bring_up(self, programs: Programs, run_as: RunAs) -> None:
        deadline = time.monotonic() + START_SECONDS
        self._await_former(deadline)
        if not self.is_ready() and self.log_file.exists():
            self.log_file.replace(self.home / "server.log.1")
        while not self.is_ready():
            process = self._run(programs, run_as)
            _wait(partial(self._is_ready_or_ended, process), deadline - time.monotonic())
            if not self.is_ready() and (not self._was_too_early() or time.monotonic() > deadline):
                reason = _cause(self.log_file.read_bytes())
                raise UnavailableError(f"The embedded PostgreSQL does not start: {reason} (its log: {self.log_file})")
            self._await_former(deadline)

    def _is_ready_or_ended(self, process: subprocess.Popen[bytes]) -> bool:
        return self.is_ready() or process.poll() is not None

    def _await_former(self, deadline: float) -> None:
        """Waits for a server that still starts or stops, left by a process that was killed."""
        _wait(lambda: self.is_ready() or not self.is_running(), deadline - time.monotonic())

    def _run(self, programs: Programs, run_as: RunAs) -> subprocess.Popen[bytes]:
        # The lock on the data folder is the one that counts; a left lock on the socket would only be in the way.
        (self._socket_folder / f"{SOCKET_NAME}.lock").unlink(missing_ok=True)
        settings = SETTINGS | ({} if self._durable else NOT_DURABLE)
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command: list[str | Path] = [programs.postgres, "-D", self.data, "-k", self._socket_folder, *options]
        if self._process:
            self._process.wait()  # the former server was killed: no zombie of it shall stay
        with self.log_file.open("ab") as output:
            self._process = run_as.start(command, _environment() | self._stale_pid(), output)
        return self._process

    def _was_too_early(self) -> bool:
        """Whether a killed process has just started a server too, or sessions of a killed server still end."""
        text = self.log_file.read_bytes()[-1000:]
        return b"pre-existing shared memory block" in text or b'"postmaster.pid" already exists' in text

    def _stale_pid(self) -> dict[str, str]:
        """PostgreSQL refuses to start while the process of a left pid file exists, be it a zombie or another program.

        It makes an exception for the pid it is told here (miscinit.c, CreateLockFile), and still checks by the shared
        memory named in that file that no server uses the data: to delete the file would lose that check."""
        pid_file = read_pid_file(self.data)
        return {"PG_GRANDPARENT_PID": str(pid_file.pid)} if pid_file else {}

    def _shut_down(self) -> None:
        pid_file = read_pid_file(self.data)
        if pid_file is None or not is_postmaster(pid_file.pid, self.data):
            return
        with suppress(ProcessLookupError):
            os.kill(pid_file.pid, signal.SIGINT)  # fast: ends sessions, writes everything
        if not _wait(lambda: not is_postmaster(pid_file.pid, self.data), STOP_SECONDS):
            log.warning("database.embedded.still_stopping", home=str(self.home), seconds=STOP_SECONDS)
        elif self._process:
            self._process.wait()

    def _clear_socket_folder(self) -> None:
        if self._socket_folder != self.home:
            with suppress(OSError):  # a server that still stops has its socket there
                self._socket_folder.rmdir()


def _socket_folder(home: Path) -> Path:
    """The home, or a short name where the system cannot hold the path (or PostgreSQL would split it at a comma)."""
    if len(os.fsencode(home / SOCKET_NAME)) <= SOCKET_PATH_LIMIT and "," not in str(home):
        return home
    # Not tempfile.gettempdir(): every process must come to the same folder, whatever its TMPDIR.
    return Path("/tmp") / f"discord-plan-worker-{hashlib.sha256(os.fsencode(home)).hexdigest()[:16]}"  # noqa: S108


def _make_private(folder: Path, owners: tuple[int, ...] | None = None) -> None:
    """Makes the folder, or checks that no one but its owner can enter it. Root may use what belongs to others."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid not in (owners or (os.geteuid() or status.st_uid,)):
            raise PermissionError(None, "it belongs to another user")
        if stat.S_IMODE(status.st_mode) != 0o700:
            folder.chmod(0o700)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(None, "it cannot be written to")
    except OSError as error:
        raise ConfigError(
            f"The embedded PostgreSQL cannot use {folder}: {error.strerror}; set DATA_DIRECTORY to another folder."
        ) from error


def _open_lock(path: Path) -> int:
    # Readable for all, in a folder that is not: a lock file left by root must not keep the folder's owner out.
    return os.open(path, os.O_RDONLY | os.O_CREAT, 0o644)


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    descriptor = _open_lock(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _environment() -> dict[str, str]:
    """Neither PG* variables, which would change the server, nor the bot's token, which is none of its business."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH") if name in os.environ}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _cause(output: bytes) -> str:
    """What PostgreSQL gives as the reason to end, without the line's date and severity; else its last line."""
    lines = [line.strip() for line in output.decode(errors="replace").splitlines() if line.strip()]
    causes = [line.rpartition(mark)[2].strip() for line in lines for mark in ("FATAL:", "error:") if mark in line]
    return (causes or lines or ["it says nothing"])[-1]
