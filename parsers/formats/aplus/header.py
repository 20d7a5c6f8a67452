"""The header of a day plan: what makes a line one, apart from its date."""

import re
from typing import Final

from parsers.days import MONTHS, WEEKDAYS

HEADER: Final = re.compile(
    r"(?<![^\W\d_])a\s?(?:\+|plus\b).{0,40}?\b(?:set\s?-?ups?|plans?|scalps?|trades?|levels|ideas|watch\s?list|plays?)\b",
    re.IGNORECASE,
)
"""An A+ grade and, soon after it, what it grades."""

MENTION: Final = re.compile(
    r"(?<![^\W\d_])a[\s*_`~\\\u200b]{0,4}(?:[+＋➕⁺]|plus\b)|[\U0001d400-\U0001d7ff]", re.IGNORECASE
)
"""What a text must have somewhere for a header to be possible, before it is cleaned."""

PLURAL: Final = re.compile(r"\b(?:set\s?-?ups|plans?|scalps|trades|levels|ideas|watch\s?list|plays)\b", re.IGNORECASE)
"""What a header speaks of when it stands above several setups; "A+ setup" alone is praise."""

HEADER_CLASSES: Final = frozenset({"filler", "entry", "side", "strategy", "kind", "and", "zone", "relation", "lean"})
"""Classes of a plan's words that a header may hold; with the others it is talk about a plan."""

HEADER_WORDS: Final = frozenset(
    [
        "today",
        "todays",
        "today's",
        "tomorrow",
        "tomorrows",
        "morning",
        "premarket",
        "daily",
        "week",
        "weekly",
        "game",
        "list",
        "my",
        "our",
        "your",
    ]
    + [
        "day",
        "options",
        "option",
        "stocks",
        "everyone",
        "team",
        "repost",
        "reposted",
        "friday's",
        "st",
        "nd",
        "rd",
        "th",
        "spy",
        "top",
    ]
    + [
        "best",
        "opening",
        "bell",
        "session",
        "preview",
        "trading",
        "full",
        "free",
        "vip",
        "part",
        "quick",
        "grade",
        "quality",
        "v",
        "version",
        "set",
        "up",
        "ups",
    ]
    + [name[:length] for name in MONTHS + WEEKDAYS for length in range(3, len(name) + 1)]
)
"""Words that a header may hold besides those of a plan."""

DATE_WORDS: Final = frozenset(
    ["for", "date", "day", "trading", "plan", "session", "today", "tomorrow", "the", "of", "on", "st", "nd", "rd", "th"]
    + [name[:length] for name in WEEKDAYS for length in range(3, len(name) + 1)]
)
"""Words that may stand beside a date on a line of its own."""
