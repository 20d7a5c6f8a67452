"""The pieces of a line: words by their class, numbers by what stands around them, signs by what they do."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from parsers.formats.aplus.vocabulary import WORDS, Word, look_up
from parsers.numbers import ANY, MARKERS, ODD, ONE_DIGIT, SMALL
from parsers.reading import Meaning

ARROWS: Final = "🔻🔼🔽🔺➡→⇒➜➔➤▶►»›⟶⟹⬇⬆↓↑↗↘⤴⤵📈📉⏩👉👇👆▲▼△▽"

_QUANTITY = r"\s?(?:%|percent|contracts?|shares?|lots?|points?|pips?|cents?|trades|setups|tickers)|[xrk]|rr"
_PERIOD = r"min(?:ute)?s?|hours?|hrs?|days?|weeks?|wks?|secs?|dte|[ap]\.?m|[ecm][sd]?t|p[sd]t"
_GLUED_PERIOD = r"(?:-?[mhdw]|[-\s]?(?:candles?|bars?)|-?(?:days?|period))"
_AVERAGE = r"[-\s]?(?:ema|sma|dma|ma)"

TOKEN: Final = re.compile(
    rf"""
  (?P<mention><(?:[@\#]|a?:|t:|/)[^<>]{{0,80}}>|https?://\S+|@(?:everyone|here)\b|:[a-z_][\w{MARKERS}]{{1,40}}:)
| (?P<clock>{SMALL}:{SMALL}(?:\s?[ap]\.?m\b)?)
| (?P<garbled>{ANY}{{2,}}|{ODD})
| (?P<quantity>{ANY}(?:{_QUANTITY})(?!\w)|{ONE_DIGIT}/{ONE_DIGIT}(?=\s(?:size|position|risk)\b)|(?<!\w)x\s?{SMALL}(?!\w)
    |(?<!\w)(?:size|position)\s?[:=]?\s?{ONE_DIGIT}/{ONE_DIGIT}(?![/\w])
    |(?<!\w)vol(?:ume)?\s?[:=<>]?\s?{ANY}\s?[mk]?(?!\w)
    |(?<!\w)(?:rr|r[:/]r|risk[-/\s]?reward)\s?[:=]?\s?{ANY}(?:\s?:\s?{ANY})?)
| (?P<timeframe>{SMALL}(?:s|[-\s]?(?:{_PERIOD}))(?!\w)
    |{ANY}(?:{_GLUED_PERIOD}|{_AVERAGE})(?!\w))
| (?P<ordinal>{SMALL}(?:st|nd|rd|th)\b)
| (?P<label>(?<!\w)(?:t|tp|pt|tgt|tg|target)s?[-\#.]?{ONE_DIGIT}(?!{ANY}|\w)
    |(?<!\w)(?:t|tp|pt|tgt|tg|target)s?\s\#?{ONE_DIGIT}(?=[\s:)=.@–—-]{{1,4}}\$?{ANY})
    |{ONE_DIGIT}\s(?:targets|tgts|tps)\b
    |\(?{ONE_DIGIT}\)(?=\s?\$?{ANY})|\#{SMALL}(?!\w)|{ONE_DIGIT}\uFE0F?\u20E3)
| (?P<item>(?<!\w)(?:s&p|russell|nasdaq|dow)\s?{ANY}
    |(?<!\w)(?:entry|level|setup|trade|plan|idea|play|scenario|option|step|part|zone|no\.?)\s?\#?{SMALL}(?=\s?[:).–—-]\s|\s*$)
    |(?<!\w)(?:setup|trade|plan|idea|play)\s?\#?{ONE_DIGIT}(?=\s[^\W\d_])
    |(?<!\w)[rs]{ONE_DIGIT}(?!{ANY}|\w)
    |(?<!\w)(?:chart|page|pic|fig(?:ure)?|slide)\s?\#?{SMALL}(?!\w))
| (?P<number>{ANY}(?:ish\b)?)
| (?P<arrow>[-–—=~]{{1,3}}[>›»]+|>{{2,}}|[{ARROWS}])
| (?P<less><=?|≤|&lt;)
| (?P<more>>=?|≥|&gt;)
| (?P<cash>(?<![\w$])\$[a-z]{{1,6}}(?:[./-][a-z])?(?!\w))
| (?P<aim>🎯|(?<!\w)t(?=\s?[:=]?\s?\$?{ANY}))
| (?P<halt>[🛑⛔🚫]|[❌✖✋](?=\uFE0F?\s?\$?{ANY})|(?<!\w)s(?=\s?[:=@]?\s?\$?{ANY}))
| (?P<word>[^\W\d_]+(?:[-'’./][^\W\d_]+)*)
| (?P<open>[(\[{{])
| (?P<close>[)\]}}])
| (?P<warn>⚠)
| (?P<at>@)
| (?P<near>~)
| (?P<struck>\ue000)
| (?P<question>\?)
""",
    re.IGNORECASE | re.VERBOSE,
)

MEANINGS: Final[dict[str, Meaning]] = {
    "mention": "mention",
    "clock": "timeframe",
    "garbled": "unread",
    "quantity": "quantity",
    "timeframe": "timeframe",
    "ordinal": "ordinal",
    "label": "label",
    "item": "label",
}
"""What a number is that some words or signs around it keep from being a price."""

_SIGNS: Final = {
    "arrow": Word("towards", "sign"),
    "less": Word("relation", "below"),
    "more": Word("relation", "above"),
    "at": Word("relation", "near"),
    "near": Word("relation", "near"),
    "aim": Word("target"),
    "halt": Word("stop"),
    "question": Word("unknown"),
}
_NOTHING: Final = Word("filler")
_SPLIT: Final = re.compile(r"[-./]|(?<=[a-z])(?=[A-Z])")
_BREAKS: Final = {"out": "breakout", "outs": "breakout", "down": "breakdown", "downs": "breakdown"}


class Token(NamedTuple):
    """`name` is the pattern that matched; `word` is what it means where it means something."""

    name: str
    word: Word
    start: int
    end: int
    text: str


def tokens(shape: str, start: int) -> Iterator[Token]:
    """The tokens of a shape from an offset on."""
    for match in TOKEN.finditer(shape, start):
        name = match.lastgroup or ""
        if name == "word":
            yield from _words(match.group(), match.start())
        else:
            yield Token(name, _SIGNS.get(name, _NOTHING), match.start(), match.end(), match.group())


def _words(text: str, start: int) -> Iterator[Token]:
    """One token for a word; several where known words are run together (`Rejection-Short`, `EntryAggressive`)."""
    word = look_up(text.lower().replace("’", "'").replace("'", ""))
    if word.cls == "unknown" and _SPLIT.search(text):
        pieces = [piece for piece in _SPLIT.split(text) if piece]
        if all(piece.lower() in WORDS or piece.lower() in _BREAKS for piece in pieces):
            position = start
            for piece in pieces:
                position = start + text.index(piece, position - start)
                yield Token("word", look_up(piece.lower()), position, position + len(piece), piece)
            return
    yield Token("word", word, start, start + len(text), text)


def joined(earlier: Token | None, token: Token) -> Word:
    """A word's meaning with the word before it: `break` and `down`, `stop` and `out` are one word typed as two."""
    if earlier is None or token.name != "word":
        return token.word
    small = token.text.lower()
    if earlier.word.cls == "break" and small in _BREAKS:
        return Word("kind", _BREAKS[small])
    return earlier.word if earlier.word.cls == "stop" and small == "out" else token.word
