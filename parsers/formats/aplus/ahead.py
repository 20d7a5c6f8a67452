"""What stands right behind a word of a line, where that decides what the word means."""

import re
from typing import Final

from parsers.formats.aplus.tokens import ARROWS
from parsers.numbers import ANY, PRICE

BARE_PRICE: Final = re.compile(rf"\uFE0F?\s?\$?{ANY}")
NUMBER_AHEAD: Final = re.compile(rf"\s*\$?{ANY}")
NAMED_PRICE: Final = re.compile(rf"\s?\$?{ANY}\s(?:long|call|breakout|bounce)", re.IGNORECASE)
"""A price, and behind it what is done at it."""

ENTRY_NEXT: Final = re.compile(r"\s(?:trigger|entry)\b", re.IGNORECASE)
SOLD_AT: Final = re.compile(rf"\s?(?:half|some|most|all)?\s?(?:at|into|[:@=])?\s?\$?{ANY}", re.IGNORECASE)
EXIT_AT: Final = re.compile(rf"\s?(?:at|[:=@])?\s?\$?{ANY}", re.IGNORECASE)
RISKED_TO: Final = re.compile(rf"\s?(?:to|at|is|[:=@])?\s?\$?{ANY}", re.IGNORECASE)
_UP_TO: Final = r"(?:\s?(?:just|right|if|on|when|at|is|it|a|price|close|closes|closed|back)\b){0,4}"
LEFT_AT: Final = re.compile(rf"{_UP_TO}\s?(?:below|under|above|over|[<>])\s?\$?{ANY}", re.IGNORECASE)
"""Behind `out`, `invalid`: the price beyond which the trade is left."""

ROUGH: Final = re.compile(rf"{PRICE}x|{ANY}k", re.IGNORECASE)
"""`181.7x`, `104.5k`: a price, but not to the cent."""

SET_OFF: Final = re.compile(rf"[(\[{{,;!*{ARROWS}]|<-|[-=]>|\s[-–—]\s|\b(?:with|w|if)\b")
"""What sets a remark off from the prices before it."""
