"""`make demo` shows the main job, ends by itself, and is what the README says it looks like."""

import re
from itertools import takewhile

from tests.support.command_line import ROOT, worker
from worker.exits import ExitCode

ELLIPSIS = "…"
# What is another one at every run.
_CHANGING = (
    (r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<correlation id>"),
    (r"\b\d{17,20}\b", "<id>"),
    (r"\d{4}-\d\d-\d\d", "<day>"),
    (r"\b\w+day (?=<day>)", "<weekday> "),
    (r"<day> \d\d:\d\d C[SD]T", "<time>"),
    (r" +\d+ \d\d:\d\d:\d\d ", "<number> <time> "),
    (r"  flags [a-z_, ]+", ""),  # on a weekend or an exchange holiday
    (r"127\.0\.0\.1:\d+", "<address>"),
)


def lines_of(text: str) -> list[str]:
    for pattern, name in _CHANGING:
        text = re.sub(pattern, name, text)
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def readme_example() -> list[str]:
    lines = iter((ROOT / "README.md").read_text(encoding="utf-8").splitlines())
    next(line for line in lines if line == "```")
    return lines_of("\n".join(takewhile(lambda line: line != "```", lines)))


async def test_the_demo_is_what_the_readme_shows() -> None:
    ended = await worker("demo", more={"DATABASE_URL": ""})
    assert ended.code == ExitCode.OK, ended.err
    assert ended.err == ""
    printed, wanted = iter(lines_of(ended.out)), readme_example()
    assert len(wanted) > 30
    for line in wanted:
        assert line == ELLIPSIS or line in printed, f"not in the demo's output, or not in this order: {line}"
