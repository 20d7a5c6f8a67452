"""As whom PostgreSQL's programs are started: they refuse to run as root."""

import os
import pwd
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from worker.db import user_namespace
from worker.db.binaries import Programs
from worker.exits import ConfigError

ACCOUNTS = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class RunAs:
    """A way to start programs: as the caller, through `prefix`, or with the ids of another account."""

    prefix: tuple[str, ...] = ()
    uid: int | None = None
    gid: int | None = None

    def start(
        self,
        command: Sequence[str | Path],
        environment: dict[str, str],
        output: int | IO[bytes],
        keep_open: Sequence[int] = (),
    ) -> subprocess.Popen[bytes]:
        """Starts the command in a session of its own: Ctrl-C in the worker's terminal must not stop the server."""
        return subprocess.Popen(
            [*self.prefix, *command],
            env=environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=0o077,
            user=self.uid,
            group=self.gid,
            pass_fds=keep_open,
            extra_groups=None if self.uid is None else [],
        )

    def give(self, folder: Path) -> None:
        """Makes the folder and what is in it the account's own."""
        if self.uid is None or self.gid is None or folder.stat().st_uid == self.uid:
            return
        for path in [*folder.rglob("*"), folder]:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def choose_run_as(home: Path, data: Path, programs: Programs) -> RunAs:
    """The first way that works: as the caller, as the owner of the data, in a user namespace, as an account.

    Raises ConfigError, naming DATABASE_URL, if none does."""
    caller = os.geteuid()
    if caller == 0 and data.exists() and (owner := data.stat()).st_uid != 0:
        return _as_account(f"with the id {owner.st_uid}", owner.st_uid, owner.st_gid, home, programs)
    if caller != 0 and _has_name(caller):
        return RunAs()
    if namespace := _in_namespace(programs):
        return namespace
    if caller != 0:
        raise ConfigError(
            f"The user id {caller} has no entry in /etc/passwd, which PostgreSQL's initdb needs: "
            "run the worker as a named user, or set DATABASE_URL."
        )
    for name in ACCOUNTS:
        with suppress(KeyError):
            account = pwd.getpwnam(name)
            return _as_account(name, account.pw_uid, account.pw_gid, home, programs)
    raise ConfigError("PostgreSQL refuses to run as root: run the worker as an ordinary user, or set DATABASE_URL.")


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _in_namespace(programs: Programs) -> RunAs | None:
    if sys.platform != "linux":
        return None
    # The id inside needs a name too; any but root's will do.
    inside = next((entry.pw_uid for entry in pwd.getpwall() if entry.pw_name == "nobody"), None)
    if inside is None:
        return None
    run_as = RunAs(prefix=(sys.executable, "-I", "-S", user_namespace.__file__, str(inside)))
    # Containers and kernel settings forbid it in several ways; trying is the only test that holds.
    process = run_as.start([programs.postgres, "--version"], {}, subprocess.DEVNULL)
    return run_as if process.wait() == 0 else None


def _as_account(name: str, uid: int, gid: int, home: Path, programs: Programs) -> RunAs:
    for needed in (home, programs.postgres):
        for folder in needed.parents:
            status = folder.stat()
            if not status.st_mode & 0o001 and status.st_uid != uid:
                raise ConfigError(
                    f"PostgreSQL refuses to run as root, and the account {name} may not enter {folder}: set "
                    "DATA_DIRECTORY outside of it, run the worker as an ordinary user, or set DATABASE_URL."
                )
    return RunAs(uid=uid, gid=gid)
