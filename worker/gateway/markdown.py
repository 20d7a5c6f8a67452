"""What strangers wrote, made safe to show, and cut where that misleads nobody."""

import re

from worker.views.visible import visible

# Discord shows a mark that stands behind a backslash as it is. Points and commas are left alone.
_MARKS = re.compile(r"[\\*_~`|<>\[\]()#:@+-]")


def escaped(text: str) -> str:
    """As it stands there: no formatting, link or mention, and nothing hidden."""
    return _MARKS.sub(r"\\\g<0>", visible(text))


def plain(text: str, limit: int) -> str:
    """The same on one line, at most `limit` characters of it; where it is cut stands `…`, and never within a number."""
    return escaped(one_line(text, limit))


def one_line(text: str, limit: int) -> str:
    """On one line, nothing hidden, cut to at most `limit` characters and not within a number; marks stay marks."""
    words = visible(" ".join(text.split()))
    if len(words) <= limit:
        return words
    return f"{words[: limit - 1].rpartition(' ')[0] or without_part_of_number(words[: limit - 2])} …"


def without_part_of_number(text: str) -> str:
    """The beginning of a longer text, less the digits at its end: there may have been more of them."""
    return text.rstrip("0123456789.,")
