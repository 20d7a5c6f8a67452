"""A text laid out for reading: its lines, each with its numbers taken out, and the numbers with their values and
places."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from itertools import accumulate
from operator import itemgetter

from parsers.numbers import GROUPED, NUMBER, Worths, count, ungroup
from parsers.reading import Span
from parsers.text import clean

_marker = itemgetter(0)
_value = itemgetter(1)
# A named tuple's own constructor is a Python function; a reading makes hundreds of these.
_new_span = partial(tuple.__new__, Span)

_worths = Worths()


@dataclass(slots=True)
class Sheet:
    """`starts` and `shapes` are per line, with the line's end; `starts` has the end of the text too. `spans` and
    `values` are per number.

    `starts` count in the cleaned text, and so do `bounds`, the ends of words and numbers by turns; `spans` count in
    the text as it was given."""

    given: str
    text: str
    at: Sequence[int]
    starts: list[int]
    shapes: list[str]
    bounds: list[int]
    spans: list[Span]
    values: list[Decimal]

    def span(self, start: int, end: int) -> Span:
        """Where a stretch of the cleaned text stands in the text as it was given."""
        if self.text is self.given:
            return _new_span((start, end))
        return Span(self.at[start], self.at[end - 1] + 1 if end > start else self.at[start])

    def line(self, index: int) -> str:
        """A line of the cleaned text."""
        return self.text[self.starts[index] : self.starts[index + 1]]

    def places(self, index: int, first: int, offsets: Sequence[int]) -> list[int]:
        """Where ascending offsets into a line's shape lie in the cleaned text; `first` is the line's first number."""
        shape, bounds, start = self.shapes[index], self.bounds, self.starts[index]
        places, number, widened, before = [], first, 0, 0
        for offset in offsets:
            for _ in range(count(shape[before:offset])):
                widened += bounds[2 * number + 2] - bounds[2 * number + 1] - 1
                number += 1
            places.append(start + offset + widened)
            before = max(before, offset)
        return places

    def given_line(self, index: int) -> str:
        """A line as it was given, without the white space around it."""
        start, end = self.span(self.starts[index], self.starts[index + 1])
        return self.given[start:end].strip()


def lay_out(text: str) -> Sheet:
    """The sheet of a text."""
    cleaned, at = clean(text)
    pieces = NUMBER.split(cleaned)
    worths = list(map(_worths.__getitem__, pieces[1::2]))
    if GROUPED in map(_marker, worths):
        pieces, worths = ungroup(pieces, worths)
    bounds = list(accumulate(map(len, pieces), initial=0))
    pieces[1::2] = map(_marker, worths)
    if cleaned is text:
        spans = list(map(_new_span, zip(bounds[1:-1:2], bounds[2::2], strict=True)))
    else:
        spans = [Span(at[start], at[end - 1] + 1) for start, end in zip(bounds[1:-1:2], bounds[2::2], strict=True)]
    starts = list(accumulate(map(len, cleaned.splitlines(keepends=True)), initial=0))
    return Sheet(
        text, cleaned, at, starts, "".join(pieces).splitlines(keepends=True), bounds, spans, list(map(_value, worths))
    )
