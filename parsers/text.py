"""Text as people type it, made plain: no markdown, no invisible characters, no look-alike letters, every offset
kept."""

import re
import unicodedata
from collections.abc import Sequence

# What a reader does not see or sees as another character: markdown, zero-width and bidirectional marks, our own
# markers, and all outside the Latin scripts and the emoji, where look-alike letters and foreign digits live.
_ODD = re.compile(
    "[*_`~|\\\\"
    "\u00ad\u00b2\u00b3\u00b9\u0370-\u1fff\u200b-\u200f\u202a-\u202e\u2060-\u209f\u2460-\u24ff\u2776-\u2793\u2795"
    "\u2c00-\u2dff\u3000-\uf8ff\uf900-\ufdff\ufe30-\uffff\U00010000-\U0001efff]"
)
_INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_MARKS = re.compile(r"~~|\|\||[*`\\]+|(?<!\w)_+|_+(?!\w)")
# Cyrillic letters that look like Latin ones are typed for these.
_LOOK_ALIKE = {"➕": "+", "\u3000": " ", "\u301c": "~", "\u3030": "~"} | dict(
    zip("АВЕКМНОРСТУХаеіорсухѕ", "ABEKMHOPCTYXaeiopcyxs", strict=True)
)

STRUCK = "\ue000"
"""Stands where a stretch of struck-out text begins or ends."""


def clean(text: str) -> tuple[str, Sequence[int]]:
    """The text without markdown and with plain letters and digits, and for each of its characters where it stood.

    Line separators stay as they are. The second value has one entry more than the text: its end."""
    if _ODD.search(text) is None:
        return text, range(len(text) + 1)
    kept: list[str] = []
    at: list[int] = []
    end = 0
    for mark in _MARKS.finditer(text):
        _plain(text, end, mark.start(), kept, at)
        end = mark.end()
        replacement = _instead(mark.group(), "".join(kept[-1:]), text[end : end + 1])
        kept.extend(replacement)
        at.extend([mark.start()] * len(replacement))
    _plain(text, end, len(text), kept, at)
    at.append(len(text))
    return "".join(kept), at


def _instead(mark: str, before: str, after: str) -> str:
    if mark == "~~":
        return STRUCK
    return " " if before.isalnum() and after.isalnum() else ""


def _plain(text: str, start: int, end: int, kept: list[str], at: list[int]) -> None:
    for position in range(start, end):
        character = text[position]
        if character > "\x7f" and _ODD.match(character):
            if _INVISIBLE.match(character):
                continue
            character = _plain_character(character)
        kept.append(character)
        at.append(position)


def _plain_character(character: str) -> str:
    """One character for one: `𝗔` is A, `５` and `²` are digits, a circled number is a bullet, our own markers are
    blanks."""
    if "\ue000" <= character <= "\uf8ff":
        return " "
    if "\u2460" <= character <= "\u24ff" or "\u2776" <= character <= "\u2793":
        return "•"
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    plain = unicodedata.normalize("NFKC", character)
    return _LOOK_ALIKE.get(character, plain if len(plain) == 1 else character)
