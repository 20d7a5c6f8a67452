"""What postmaster.pid and the process table say about the server of a data folder."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class PidFile:
    """postmaster.pid, as PostgreSQL's pidfile.h describes it: the process on line 1, its status on line 8."""

    pid: int
    status: str  # "starting", "ready", "stopping", "standby"; empty at the very start


def read_pid_file(data: Path) -> PidFile | None:
    try:
        lines = (data / "postmaster.pid").read_text().split("\n")
        return PidFile(abs(int(lines[0])), lines[7].strip() if len(lines) > 7 else "")
    except (FileNotFoundError, ValueError):  # ValueError: made, but not written yet
        return None


def is_postmaster(pid: int, data: Path) -> bool:
    """Whether that process is the server of that folder, and neither a zombie nor another program with its number."""
    return f"-D {data} " in _command_line(pid)


def _command_line(pid: int) -> str:
    """Empty for a process that has ended, reaped or not."""
    if sys.platform != "linux":
        return subprocess.run(
            ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
        ).stdout
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="surrogateescape")
    except (FileNotFoundError, ProcessLookupError):
        return ""
