"""Becomes another program inside a Linux user namespace of its own, where the user who calls is the one named.

PostgreSQL refuses to run as root, and its initdb refuses a user without an entry in /etc/passwd. In the namespace the
process has neither trouble and no privilege, yet owns the caller's files: no account, chown or chmod is needed.
It is run by its path, in an interpreter of its own, because unshare(2) wants a process with a single thread.

    python -I -S user_namespace.py UID PROGRAM [ARGUMENT ...]
"""

import ctypes
import os
import sys
from pathlib import Path

CLONE_NEWUSER = 0x10000000  # linux/sched.h


def main(uid: str, program: str, *arguments: str) -> None:
    outer_uid, outer_gid = os.geteuid(), os.getegid()
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER):
        sys.exit(f"no user namespace: {os.strerror(ctypes.get_errno())}")
    # user_namespaces(7): without "deny" an unprivileged process may not write gid_map.
    for name, content in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {outer_uid} 1"),
        ("gid_map", f"{uid} {outer_gid} 1"),
    ):
        Path("/proc/self", name).write_text(content)
    os.execv(program, [program, *arguments])  # noqa: S606


if __name__ == "__main__":
    main(*sys.argv[1:])
