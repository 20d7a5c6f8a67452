"""What strangers wrote, made safe to show in Discord's markdown."""

import re

from worker.gateway.ladder.words import one_line
from worker.views.visible import visible

# Discord shows a mark that stands behind a backslash as it is. Points and commas are left alone.
_MARKS = re.compile(r"[\\*_~`|<>\[\]()#:@+-]")


def escaped(text: str) -> str:
    """As it stands there: no formatting, link or mention, and nothing hidden."""
    return _MARKS.sub(r"\\\g<0>", visible(text))


def plain(text: str, limit: int) -> str:
    """The same on one line, at most `limit` characters of it; where it is cut stands `…`, and never within a number."""
    return escaped(one_line(text, limit))
