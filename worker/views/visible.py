"""Text from strangers made safe to show: whatever could move a cursor, recolour, rename or reorder is spelt out."""

import re

# Controls (C0, DEL, C1), line separators, soft hyphen and zero-width space, direction marks and overrides, invisible
# operators, interlinear marks, tags, lone surrogates. The zero-width joiner stays: emoji are made with it.
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_CONTROL_PICTURES = 0x2400


def visible(text: str) -> str:
    """The text on one line, with hidden characters shown: ESC as ␛, a line break as ␊, others as <U+202E>."""
    return _HIDDEN.sub(_shown, text)


def visible_lines(text: str) -> str:
    """The same for text that may have several lines: line feeds stay."""
    return "\n".join(map(visible, text.split("\n")))


def _shown(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(_CONTROL_PICTURES + code)
    return "␡" if code == 0x7F else f"<U+{code:04X}>"
