"""What strangers write reaches a terminal spelt out."""

import unicodedata

import pytest

from worker.views.visible import visible, visible_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("SPY 584.20 🔻 — é 漢", "SPY 584.20 🔻 — é 漢"),
        ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        ("\x1b]8;;https://evil\x07link", "␛]8;;https://evil␇link"),
        ("\x9b31m", "<U+009B>31m"),
        ("a\x00b\x7f\r\n\t", "a␀b␡␍␊␉"),
        ("abc\u202egnp.exe\u2066", "abc<U+202E>gnp.exe<U+2066>"),
        ("a\u2028b\u200bc", "a<U+2028>b<U+200B>c"),
        ("\ud800", "<U+D800>"),
        ("\U000e0041", "<U+E0041>"),
        ("👩\u200d💻 ⚠\ufe0f", "👩\u200d💻 ⚠\ufe0f"),
    ],
)
def test_hidden_characters_are_shown(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_no_control_character_of_unicode_passes() -> None:
    everything = "".join(map(chr, range(0x110000)))
    kept = [character for character in visible(everything) if unicodedata.category(character) in ("Cc", "Cs")]
    assert kept == []
    assert not {unicodedata.bidirectional(character) for character in visible(everything)} & {
        *("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    }


def test_lines_stay_lines() -> None:
    assert visible_lines("a\nb\rc") == "a\nb␍c"
