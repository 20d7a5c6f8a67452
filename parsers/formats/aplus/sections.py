"""What a day plan is while it is read: its numbers, and a section for each ticker."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from itertools import accumulate, chain
from operator import attrgetter

from parsers.formats.aplus.lines import Line
from parsers.numbers import near
from parsers.reading import Level, Meaning, Role, Setup, Span
from parsers.sheet import Sheet

_roles, _relations, _meanings = attrgetter("roles"), attrgetter("relations"), attrgetter("meanings")
# A named tuple's own constructor is a Python function; a reading makes a hundred of these.
_new_level = partial(tuple.__new__, Level)


@dataclass(slots=True)
class NoteLine:
    """One line of a note: where it stands in the cleaned text, its shape, and its first number."""

    start: int
    end: int
    shape: str
    first: int


@dataclass(slots=True)
class Section:
    """What the text says about one ticker."""

    ticker: str | None
    setups: list[Setup] = field(default_factory=list)
    note: list[NoteLine] = field(default_factory=list)
    scale: tuple[Decimal, Decimal] = (Decimal(0), Decimal(0))  # the prices its setups lie between, once it has one


class Numbers:
    """The numbers of a text, each as the level that the words of its line make of it.

    `used` are those of setups that were not read the quick way; `refused` are prices by their words and none by their
    values."""

    def __init__(self, sheet: Sheet, lines: Sequence[Line]) -> None:
        values, spans = sheet.values, sheet.spans
        roles, relations = chain.from_iterable(map(_roles, lines)), chain.from_iterable(map(_relations, lines))
        self.levels: tuple[Level, ...] = tuple(
            map(_new_level, zip(roles, values, values, relations, spans, strict=True))
        )
        self.meanings: list[Meaning] = [*chain.from_iterable(map(_meanings, lines))]
        self.firsts = [*accumulate(map(len, map(_meanings, lines)), initial=0)]
        self.values = values
        self.used: set[int] = set()
        self.refused: list[int] = []

    def level(self, role: Role, number: int) -> Level:
        """A number as a level of that role."""
        level = self.levels[number]
        return level if level.role == role else level._replace(role=role, relation=None)

    def zone(self, first: int, last: int) -> Level:
        """Two numbers as one trigger."""
        low, high = sorted((self.values[first], self.values[last]))
        begin, end = self.levels[first], self.levels[last]
        return begin._replace(low=low, high=high, span=Span(begin.span.start, end.span.end))

    def fitting(self, found: Sequence[int], price: Decimal) -> Sequence[int]:
        """The numbers that can be prices beside this one; the others are refused."""
        values = self.values
        kept = [number for number in found if near(values[number], price)]
        if len(kept) != len(found):
            self.refused += [number for number in found if number not in kept]
        return kept
