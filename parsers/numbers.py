"""Numbers in a text: where they stand, what they are worth, and what kind of number they look like."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NamedTuple

# Begins with a set of characters: only then does the regex engine skip quickly to where a match can begin.
NUMBER: Final = re.compile(r"([.0-9](?:(?<=[0-9])|(?=[0-9]))[0-9]*(?:[.,][0-9]+)*)")
"""A run of digits with the points and commas in it. Applied to cleaned text, whose digits are all ASCII."""

# One character stands for a number in the shape of a line, so that a line's meaning hangs on its words alone.
ONE_DIGIT: Final = "\ue001"
TWO_DIGITS: Final = "\ue002"
PRICE: Final = "\ue003"
ODD: Final = "\ue004"  # no price: too long, or points and commas that make neither a price nor a list
GROUPED: Final = "\ue005"  # has commas; never left in a shape
MARKERS: Final = f"{ONE_DIGIT}-{ODD}"
ANY: Final = f"[{MARKERS}]"
PRICES: Final = f"[{TWO_DIGITS}{PRICE}]"
SMALL: Final = f"[{ONE_DIGIT}{TWO_DIGITS}]"

_LONGEST = 40
_INTEGER_DIGITS = 7
_DECIMALS = 8
_AFTER_DECIMALS: Final = re.compile(r"(?<=\.[0-9]),|(?<=\.[0-9]{2}),")
_MARKER: Final = re.compile(ANY)
_THOUSANDS: Final = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?$")
_BREAK: Final = re.compile(r"\r\n|[\n\r\u2028\u2029]")
_BLANK_LINE: Final = re.compile(r"\n[^\S\n\u2028]*\u2028?[^\S\n\u2028]*\n")
_NEAR = 2
"""Prices of one ticker on one day lie within this factor of each other."""
_SCALE = Decimal("1.4")
"""The setups of one ticker on one day lie well within this factor of each other."""


class Worth(NamedTuple):
    """What a number's digits say: its marker in a shape and its value, which is 0 where it is no price by itself."""

    marker: str
    value: Decimal


class Worths(dict[str, Worth]):
    """Remembers what it has computed: the same prices come back in every line of a plan. Bounded."""

    LIMIT = 20_000

    def __missing__(self, digits: str) -> Worth:
        worth = _worth(digits)
        if len(digits) <= _LONGEST:
            if len(self) >= self.LIMIT:
                self.clear()
            self[digits] = worth
        return worth


def _worth(digits: str) -> Worth:
    if len(digits) > _LONGEST:
        return Worth(ODD, Decimal(0))
    if "," in digits:
        return Worth(GROUPED, Decimal(0))
    whole, _, fraction = digits.partition(".")
    if len(whole) > _INTEGER_DIGITS or len(fraction) > _DECIMALS or "." in fraction:
        return Worth(ODD, Decimal(0))
    marker = PRICE
    if not fraction and len(whole) <= 2:
        marker = ONE_DIGIT if len(whole) == 1 else TWO_DIGITS
    return Worth(marker, Decimal(digits))


def count(shape: str) -> int:
    """How many numbers a shape holds."""
    return len(_MARKER.findall(shape))


def near(value: Decimal, other: Decimal) -> bool:
    """Whether two prices can belong to one ticker on one day."""
    return value <= other * _NEAR and other <= value * _NEAR and value > 0


def around(price: Decimal) -> tuple[Decimal, Decimal]:
    """The prices between which the setups of one ticker lie whose first is at this price."""
    return price / _SCALE, price * _SCALE


def ungroup(pieces: Sequence[str], worths: Sequence[Worth]) -> tuple[list[str], list[Worth]]:
    """The pieces and worths of a text, with every number that has commas made one price or a list of prices.

    Which one it is, only its company tells: `104,250` is one price beside 105000 and two beside 104.80."""
    company = _company(pieces, worths)
    new_pieces, new_worths = [pieces[0]], list[Worth]()
    for index, worth in enumerate(worths):
        digits, following = pieces[2 * index + 1], pieces[2 * index + 2]
        prices = [(digits, worth)] if worth.marker != GROUPED else _resolve(digits, company[index])
        for price in prices:
            new_pieces += [price[0], ","]
            new_worths.append(price[1])
        new_pieces[-1] = following
    return new_pieces, new_worths


def _company(pieces: Sequence[str], worths: Sequence[Worth]) -> list[list[Decimal]]:
    """For each number the prices that it can be compared with: those of its line, else those of the last line that
    had any."""
    company: list[list[Decimal]] = []
    recent: list[Decimal] = []
    begin = 0
    for index in range(len(worths)):
        last = index + 1 == len(worths)
        following = pieces[2 * index + 2]
        if not last and not _BREAK.search(following):
            continue
        line = range(begin, index + 1)
        prices = [worths[at].value for at in line if worths[at].marker == PRICE]
        if not prices and len(line) > 1:
            prices = [worth.value for at in line if (worth := _price(pieces[2 * at + 1])).marker == PRICE]
        prices = prices or recent
        company += [prices] * len(line)
        recent = [] if _BLANK_LINE.search(following.replace("\u2028\n", "\n")) else prices
        begin = index + 1
    return company


def _price(digits: str) -> Worth:
    """What digits are worth as one price, a thousands mark allowed."""
    if "," not in digits:
        return _worth(digits)
    if not _THOUSANDS.match(digits) or len(digits.partition(".")[0].replace(",", "")) > _INTEGER_DIGITS:
        return Worth(ODD, Decimal(0))
    return Worth(PRICE, Decimal(digits.replace(",", "")))


def _pairs(digits: str) -> list[str]:
    """`1,005,1,012` as two prices."""
    pieces = digits.split(",")
    return [",".join(pieces[at : at + 2]) for at in range(0, len(pieces), 2)]


def _resolve(digits: str, company: Sequence[Decimal]) -> list[tuple[str, Worth]]:
    """One price, a list whose prices end with decimals, a list of all that commas part, or one of pairs of these:
    the first that fits."""
    whole = _price(digits)
    if whole.marker != ODD and not company:
        return [(digits, whole)]
    for parts in ([digits], _AFTER_DECIMALS.split(digits), digits.split(","), _pairs(digits)):
        worths = [_price(part) for part in parts]
        others = company or [worths[0].value]
        if all(any(near(worth.value, other) for other in others) for worth in worths):
            return list(zip(parts, worths, strict=True))
    return [(digits, whole)]
