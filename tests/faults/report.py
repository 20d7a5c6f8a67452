"""What the campaign has survived so far, as the README shows it."""

import re
from collections import Counter

from tests.faults.faults import FAULTS

# Rows of the table: what went wrong, and which faults count as that. Every fault is in one row.
ROWS = {
    "killed (kill -9) at a named point of receiving, writing, committing": r"killed at (gateway|writer)\..*",
    "killed while history is fetched, or read again": r"killed at (history|look_back)\..*",
    "killed while migrating": r"killed at migration\..*",
    "killed while the lease is taken or renewed": r"killed at lease\..*",
    "killed at random moments under load": "killed at random",
    "connection cut after COMMIT was sent and before its answer": "answer to COMMIT lost",
    "PostgreSQL stopped at once and started again": "database restarted",
    "PostgreSQL frozen for 5 s": "database frozen",
    "gateway: {kinds}": "gateway broken",
    "REST: {kinds}": "REST broken",
    "sight of a channel lost and regained: {kinds}": "sight lost",
    "of two processes the leading one {kinds}": "leader lost",
    "messages with hostile content: {kinds}": "hostile content",
}


def fault_table(counts: dict[str, Counter[str]]) -> str:
    """Of several faults in one row the one that was survived least counts."""
    lines = ["| what went wrong | survived | goal |", "| --- | --- | --- |"]
    for what, pattern in ROWS.items():
        names = [name for name in FAULTS if re.fullmatch(pattern, name)]
        kinds = sorted({kind for name in names for kind in counts.get(name, ())})
        least = min(counts.get(name, Counter()).total() for name in names)
        each = f" at each of {len(names)} points" if len(names) > 1 else ""
        lines.append(
            f"| {what.format(kinds=', '.join(kinds))} | {least:,}{each} | {FAULTS[names[0]].at_least:,}{each} |"
        )
    return "\n".join(lines)
