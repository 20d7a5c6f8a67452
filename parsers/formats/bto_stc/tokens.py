"""The pieces of a single alert, each by what it can be wherever it stands."""

import re
from typing import Final

ACTION_WORDS: Final = ("bto", "sto", "stc", "btc", "bot")
ACTION: Final = re.compile(rf"(?<![\w$#./-])(?:{'|'.join(ACTION_WORDS)})(?![\w/-])", re.IGNORECASE)

_NUMBER: Final = r"\.?\d+(?:[.,]\d+)*"
_MONTH: Final = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"
_RIGHT: Final = r"(?:c|p|calls?|puts?)(?![\w/])"

TOKEN: Final = re.compile(
    rf"""
  (?P<mention><[@\#:a/][^<>]{{0,80}}>|https?://\S+|@(?:everyone|here)\b|:[a-z_]\w{{1,40}}:)
| (?P<muddled>@\s?{_NUMBER}[^\W\d_]\w*|@[^\W\d_]+\d[\d.]*)
| (?P<spread>\$?{_NUMBER}\s?[/-]\s?\$?{_NUMBER}\s?{_RIGHT})
| (?P<date>(?<![\w.,/])
    (?:\d{{1,2}}/\d{{1,2}}(?:/(?:20)?\d\d)?|\d{{1,2}}-\d{{1,2}}-(?:20)?\d\d|20\d\d-\d\d-\d\d)(?![\w/])
    |\b{_MONTH}\.?\s?\d{{1,2}}(?:st|nd|rd|th)?(?:,?\s20\d\d)?(?![\w.])
    |(?<![\w.,/])\d{{1,2}}\s?{_MONTH}\b(?:\s20\d\d\b)?)
| (?P<dte>\d{{1,2}}\s?dte\b)
| (?P<weekly>\b(?:weekl(?:y|ies)|this\s(?:week|friday)|eow)\b)
| (?P<clock>\d{{1,2}}:\d\d(?:\s?[ap]m\b)?|\b\d{{1,3}}\s?(?:mins?|m|hrs?|h|days?|d)\b)
| (?P<percent>{_NUMBER}\s?%)
| (?P<contract>\$?{_NUMBER}\s?{_RIGHT})
| (?P<count>\b\d+\s?(?:x|contracts?|cons?|shares?|lots?)\b|\bx\s?\d+\b)
| (?P<range>\$?{_NUMBER}\s?[-–]\s?\$?{_NUMBER})
| (?P<split>\d+\s\.\d+(?!\d))
| (?P<number>\$?{_NUMBER})
| (?P<target>\b(?:(?:price\s)?targets?|p\.?t|t\.?p|tgt|t(?=\d))s?(?:\s?\#?\d(?=\s?[:)=-]|\s\$?[\d.]))?(?![^\W_]))
| (?P<stop>\b(?:s/?l|stop[es]?(?:[\s-]?loss)?)(?![^\W\d_]))
| (?P<past>\b(?:avg|average|from|cost|was|up|down|now)\b)
| (?P<at>@|\bat\b|\bfor\b|\bentry\b)
| (?P<right>\b(?:calls?|puts?)\b)
| (?P<word>[$/]?[^\W\d_]+(?:[.'’][^\W\d_]+)*)
""",
    re.IGNORECASE | re.VERBOSE,
)

ORDINAL: Final = re.compile(r"\s*\d{1,2}[.)]\s")
MENTION: Final = re.compile(r"<[@#:a/][^<>]{0,80}>|https?://\S+|@\w+|:[a-z_]\w{1,40}:", re.IGNORECASE)
PRICE: Final = re.compile(r"(?:\d{1,3}(?:,\d{3})+|\d{1,7})(?:\.\d{1,6})?|\.\d{1,6}")
DIGITS: Final = re.compile(_NUMBER)
SYMBOL: Final = re.compile(r"[$/]?[A-Za-z]{1,6}(?:\.[A-Za-z])?")

SIZES: Final = frozenset(
    {
        "half",
        "all",
        "rest",
        "third",
        "quarter",
        "most",
        "remaining",
        "remainder",
        "runner",
        "runners",
        "some",
        "everything",
    }
)
FRACTIONS: Final = frozenset({"1/2", "1/3", "2/3", "1/4", "3/4"})
SKIPPED: Final = frozenset(
    {"more", "my", "the", "of", "last", "another", "lotto", "add", "added", "adding", "position", "a", "an"}
)
"""Words that may stand between an action and its symbol."""
EVERYDAY: Final = frozenset(
    {
        "here",
        "it",
        "this",
        "that",
        "them",
        "these",
        "those",
        "out",
        "in",
        "on",
        "off",
        "again",
        "today",
        "shares",
        "contracts",
        "stock",
    }
    | {
        "into",
        "back",
        "and",
        "with",
        "to",
        "good",
        "great",
        "nice",
        "long",
        "short",
        "above",
        "below",
        "near",
        "over",
        "under",
        "high",
    }
    | {
        "low",
        "open",
        "close",
        "price",
        "break",
        "bid",
        "ask",
        "market",
        "limit",
        "swing",
        "scalp",
        "size",
        "about",
        "around",
        "just",
    }
)
"""Words that are no symbol in small letters, whatever follows them."""
LEADING: Final = frozenset(
    {"below", "above", "at", "set", "of", "break", "around", "to", "is", "mental", "hard", "tight", "under", "over"}
)
"""Words that may stand between `SL` or `PT` and its price."""
DOUBTING: Final = frozenset(
    {
        "not",
        "no",
        "dont",
        "don't",
        "never",
        "if",
        "would",
        "when",
        "wait",
        "may",
        "might",
        "will",
        "should",
        "could",
        "to",
        "can",
    }
    | {
        "want",
        "almost",
        "missed",
        "who",
        "anyone",
        "looking",
        "thinking",
        "gonna",
        "going",
        "why",
        "did",
        "didn't",
    }
)
"""Words before an action that make talk of it."""
