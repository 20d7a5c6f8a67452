"""What strangers wrote, made safe to show in Discord's markdown."""

import re

from worker.views.visible import visible

# Discord shows a mark that stands behind a backslash as it is. Points and commas are left alone.
_MARKS = re.compile(r"[\\*_~`|<>\[\]()#:@+-]")


def plain(text: str, limit: int) -> str:
    """On one line, without effect and with nothing hidden; at most `limit` characters of it, `…` where it is cut."""
    line = visible(" ".join(text.split()))
    return _MARKS.sub(r"\\\g<0>", line if len(line) <= limit else f"{line[: limit - 2].rstrip()} …")
