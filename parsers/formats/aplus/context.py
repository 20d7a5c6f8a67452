"""Where a reader stands in a day plan: the line it is on, the section it is in, and what it has in mind."""

from datetime import date
from typing import Final, Literal

from parsers.days import Found
from parsers.formats.aplus.lines import Form, Line, Lines
from parsers.formats.aplus.parts import Part
from parsers.formats.aplus.sections import Numbers, Section
from parsers.reading import Kind, Meaning, Span, Strategy
from parsers.sheet import Sheet

EMPTY: Final = frozenset({"blank", "rule", "aside"})
"""Lines that say nothing."""

_LOOK_AHEAD = 4  # lines with something on them
_PLAN_FORMS: Final = frozenset({"setup", "heading", "note", "bare", "follow"})
_lines: Final = Lines()


class Context:
    """The state of a reading between two lines, and the questions that a line can ask of those around it."""

    def __init__(self, sheet: Sheet, posted: date) -> None:
        self.sheet = sheet
        self.lines: list[Line] = [*map(_lines.__getitem__, sheet.shapes)]
        self.numbers = Numbers(sheet, self.lines)
        self.meanings = self.numbers.meanings
        self.sections = [Section(None)]
        self.reasons: dict[int, str] = {}
        self.header: Line | None = None
        self.mention: Line | None = None  # a line above the setups that speaks of a plan and is no plain header
        self.found: Found | None = None
        self._posted = posted
        self._index = 0
        self._first = 0
        self._named: dict[str, Section] = {}
        self._section = self.sections[0]
        self._kind: Kind | None = None
        self._strategy: Strategy | None = None
        self._heading: Part | None = None  # what a line without prices announces for the lines under it
        self._noting: Literal["", "on", "paused"] = ""  # a note is paused behind a blank
        self._stopped: int | None = None  # a line with the stop of a setup that is yet to come
        self._closed = False  # the section has ended: a setup without a ticker belongs to a section of its own
        self._apart = False  # something stands between the section's last setup and this line
        self._waiting = False  # the line above ends with an arrow or a word for targets
        self._carded = False  # targets or a stop stood under a setup since the last heading
        self._under = False  # the line above is the section's last setup or belongs to it
        self._dashed = False  # setups of this text are led by dashes

    def _enter(self, ticker: str | None) -> None:
        section = self._named.get(ticker) if ticker is not None else None
        if section is None:
            section = Section(ticker)
            self.sections.append(section)
            if ticker is not None:
                self._named[ticker] = section
        self._section = section
        self._kind = self._strategy = self._heading = None
        self._closed = self._waiting = self._under = self._apart = False
        self._noting, self._stopped = "", None

    def _leads_to_plan(self) -> bool:
        """Whether lines of a plan follow before another ticker does."""
        looked = 0
        for index in range(self._index + 1, len(self.lines)):
            form = self.lines[index].form
            if form in _PLAN_FORMS:
                return True
            if form not in EMPTY:
                looked += 1
                if form != "remark" or looked > _LOOK_AHEAD:
                    return False
        return False

    def _next(self) -> Form:
        """The form of the next line with something on it."""
        following = (self.lines[index].form for index in range(self._index + 1, len(self.lines)))
        return next((form for form in following if form not in EMPTY), "blank")

    def _numbers(self) -> range:
        """The numbers of this line."""
        return range(self._first, self.numbers.firsts[self._index + 1])

    def _edges(self, line: Line) -> tuple[int, int]:
        """Where the line stands in the cleaned text, without the white space around it."""
        starts = self.sheet.starts
        return starts[self._index] + line.indent, starts[self._index + 1] - line.trailing

    def _spans(self, line: Line) -> list[Span]:
        """Where the parts of a line stand."""
        start, end = self._edges(line)
        if line.note >= 0:
            [end] = self.sheet.places(self._index, self._first, [line.note])
        if len(line.parts) == 1:
            return [self.sheet.span(start, end)]
        starts = self.sheet.places(self._index, self._first, [part.start for part in line.parts])
        ends = self.sheet.places(self._index, self._first, [part.end for part in line.parts])
        return [
            self.sheet.span(max(start, begin), min(end, last))
            for begin, last in zip([start, *starts[1:]], ends, strict=True)
        ]

    def _leave_rest(self, line: Line) -> None:
        """What the words of a line call a price and no setup took is unread."""
        if "level" in line.meanings:
            for number in self._numbers():
                if self.meanings[number] == "level" and number not in self.numbers.used:
                    self.meanings[number] = "unread"

    def _date_numbers(self, found: Found) -> None:
        self._mark(found.start, found.end, "unread" if found.problem else "date")

    def _mark(self, start: int, end: int, meaning: Meaning) -> None:
        """Gives the numbers of a stretch of this line a meaning."""
        begin = self.sheet.starts[self._index]
        for number in self._numbers():
            if start <= self.sheet.bounds[2 * number + 1] - begin < end:
                self.meanings[number] = meaning

    def _refuse(self, reason: str) -> None:
        """Says why prices of this line are left unread: the first reason counts."""
        self.reasons.setdefault(self._index, reason)
