"""A whole day plan: which line belongs to which ticker, what carries over from the line above, where a note ends."""

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from typing import Final

from parsers.confidence import confidence
from parsers.days import Found
from parsers.formats.aplus.header import find_trading_day
from parsers.formats.aplus.lines import Form, Line, Lines
from parsers.formats.aplus.parts import DIRECTIONS, KIND_OF_RELATION, Part, Plain
from parsers.formats.aplus.sections import ANY_PRICE, NoteLine, Numbers, Section
from parsers.formats.aplus.setups import Origin, build, extend
from parsers.numbers import around, near
from parsers.reading import Kind, Setup, Span, Strategy
from parsers.sheet import Sheet

_LOOK_AHEAD = 4  # lines with something on them
_TITLE_WORDS = 3
_LABELS_BELOW = 100  # smaller whole numbers in a header count tickers, parts or versions
_PLAN_FORMS: Final = frozenset({"setup", "heading", "note", "bare", "follow"})
_EMPTY: Final = frozenset({"blank", "rule", "aside"})
_SPLIT_KINDS: Final = frozenset({"breakout", "breakdown"})
"""The kinds that come as aggressive and conservative; a heading with a strategy alone speaks of these."""

_SURE: Final = ((), confidence(()))
_WITHOUT_TICKER: Final = (("ticker_missing",), confidence(("ticker_missing",)))
_lines: Final = Lines()
# A named tuple's own constructor is a Python function.
_new_setup = partial(tuple.__new__, Setup)


class PlanReader:
    """Reads the lines of one text in order; its state is what a reader has in mind when the next line begins."""

    def __init__(self, sheet: Sheet, posted: date) -> None:
        self.sheet = sheet
        self.lines: list[Line] = [*map(_lines.__getitem__, sheet.shapes)]
        self.numbers = Numbers(sheet, self.lines)
        self.meanings = self.numbers.meanings
        self.sections = [Section(None)]
        self.reasons: dict[int, str] = {}
        self.header: Line | None = None
        self.found: Found | None = None
        self._posted = posted
        self._index = 0
        self._first = 0
        self._section = self.sections[0]
        self._kind: Kind | None = None
        self._strategy: Strategy | None = None
        self._heading: Part | None = None  # what a line without prices announces for the lines under it
        self._noting = False
        self._closed = False  # the section has ended: a setup without a ticker belongs to a section of its own
        self._apart = False  # something stands between the section's last setup and this line
        self._waiting = False  # the line above ends with an arrow or a word for targets
        self._carded = False  # targets or a stop stood under a setup since the last heading
        self._under = False  # the line above is the section's last setup or belongs to it
        self._dashed = False  # setups of this text are led by dashes

    def read(self) -> None:
        """Reads every line."""
        shapes, firsts = self.sheet.shapes, self.numbers.firsts
        shape = ""
        for index, line in enumerate(self.lines):
            shape, above = shapes[index], shape
            if shape == "\n" and above[-1:] == "\u2028":
                continue  # the two are one end of a line to a reader, and no blank line
            self._index, self._first = index, firsts[index]
            if self._noting:
                if self._continues_note(line):
                    self._add_note(line, line.indent, 0)
                    continue
                self._noting = False
            if line.ordinary is None or self._closed or not self._ordinary(line, line.ordinary):
                _HANDLERS[line.form](self, line)
                self._leave_rest(line)

    def _leave_rest(self, line: Line) -> None:
        """What the words of a line call a price and no setup took is unread."""
        if "level" in line.meanings:
            for number in self._numbers():
                if self.meanings[number] == "level" and number not in self.numbers.used:
                    self.meanings[number] = "unread"

    # sections

    def _enter(self, ticker: str | None) -> None:
        section = next((section for section in self.sections if section.ticker == ticker), None) if ticker else None
        if section is None:
            section = Section(ticker)
            self.sections.append(section)
        self._section = section
        self._kind = self._strategy = self._heading = None
        self._closed = self._waiting = self._under = self._apart = False

    def _blank(self, line: Line) -> None:
        self._apart = True
        self._closed = self._closed or bool(self._section.setups and self._section.note)
        if self._under:
            self._heading = self._strategy = None

    def _rule(self, line: Line) -> None:
        if self._section.setups:
            self._enter(None)

    def _ticker(self, line: Line) -> None:
        if self._leads_to_plan():
            self._enter(line.ticker)
            if "level" in line.meanings:
                self._refuse("prices without a kind of setup")
        else:
            self._remark(line)

    def _leads_to_plan(self) -> bool:
        """Whether lines of a plan follow before another ticker does."""
        looked = 0
        for index in range(self._index + 1, len(self.lines)):
            form = self.lines[index].form
            if form in _PLAN_FORMS:
                return True
            if form not in _EMPTY:
                looked += 1
                if form != "remark" or looked > _LOOK_AHEAD:
                    return False
        return False

    def _next(self) -> Form:
        """The form of the next line with something on it."""
        following = (self.lines[index].form for index in range(self._index + 1, len(self.lines)))
        return next((form for form in following if form not in _EMPTY), "blank")

    def _remark(self, line: Line) -> None:
        if self._find_day() or line.meanings or not 0 < line.words <= _TITLE_WORDS:
            return
        if self._section.setups and self._next() in {"setup", "heading"}:
            self._closed = True  # a title that names no ticker that could be told

    # the header

    def _header(self, line: Line) -> None:
        if self.header is not None:
            self._refuse("a second header")
            return
        for number in self._numbers():
            self.meanings[number] = "label" if self.numbers.values[number] < _LABELS_BELOW else "unread"
        titled = self.sheet.line(self._index)[line.header[0] : line.header[1]].split()[-1][0].isupper()
        # In small letters and without a date it is more likely praise for a plan than the head of one.
        if self._find_day() or titled:
            self.header = line

    def _find_day(self) -> bool:
        """Looks for the trading day in the header or on a line above the setups that holds nothing else."""
        if (self.found is not None and self.found.end) or any(section.setups for section in self.sections):
            return False
        line = self.lines[self._index]
        found = find_trading_day(self.sheet.line(self._index), line.header[1], line.form == "header", self._posted)
        if found is None:
            return False
        start = self.sheet.starts[self._index]
        for number in self._numbers():
            if found.start <= self.sheet.bounds[2 * number + 1] - start < found.end:
                self.meanings[number] = "unread" if found.problem else "date"
        if found.problem:
            self.reasons[self._index] = found.problem
        self.found = found
        return True

    # setups

    def _setup(self, line: Line) -> None:
        if line.ticker is not None:
            self._enter(line.ticker)
        elif self._closed:
            self._enter(None)
        elif self._out_of_scale(line):
            if not self._apart:
                self._refuse("prices far from those of its ticker")
                return
            self._enter(None)
        self._apart = False
        if line.named - {self._section.ticker}:
            self._refuse("names another ticker among its words")
        else:
            for part, span in zip(line.parts, self._spans(line), strict=True):
                self._part(part, span)
        self._waiting = line.parts[-1].waiting
        self._dashed = line.lead == "dash"
        if line.note >= 0:
            self._add_note(line, line.note, line.note_number)

    def _ordinary(self, line: Line, plain: Plain) -> bool:
        """Reads a setup line that is like most lines, in a fraction of the time; false where it is not one after
        all."""
        start, end, kind, direction, ahead, strategy = plain
        section, numbers, first, index, sheet = self._section, self.numbers, self._first, self._index, self.sheet
        values = numbers.values[first + start : first + end]
        low, high = section.scale
        if not low <= values[0] <= high or not all(map(ahead, values[1:], values)) or not near(values[0], values[-1]):
            return False
        if strategy is None and kind in _SPLIT_KINDS:
            strategy = self._strategy
        levels = tuple(numbers.levels[first + start : first + end])
        span = sheet.span(sheet.starts[index] + line.indent, sheet.starts[index + 1] - line.trailing)
        flags = _SURE if section.ticker is not None else _WITHOUT_TICKER
        self._take(
            _new_setup((kind, strategy, direction, levels[:1], levels[1:], None, index + 1, span, *flags, None, None))
        )
        self._kind, self._heading, self._waiting, self._dashed = kind, None, False, line.lead == "dash"
        self._apart = False
        return True

    def _take(self, setup: Setup) -> None:
        section = self._section
        section.setups.append(setup)
        if section.scale is ANY_PRICE:
            section.scale = around(setup.triggers[0].low)
        self._under = True

    def _out_of_scale(self, line: Line) -> bool:
        """Whether all prices of a line are far from the section's: the ticker line between them is missing."""
        low, high = self._section.scale
        values = self.numbers.values
        return not any(low <= values[self._first + at] <= high for part in line.parts for at in _numbers(part))

    def _part(self, part: Part, span: Span) -> None:
        if part.doubt is not None or not part.triggers:
            self._refuse(part.doubt or "has no price that sets it off", _numbers(part))
            return
        flags = ["ticker_missing"] if self._section.ticker is None else []
        kind, strategy = self._inherit(part, flags)
        if kind is None:
            self._refuse("prices without a kind of setup", _numbers(part))
            return
        setup = build(part, kind, strategy, self.numbers, Origin(self._first, self._index + 1, span), flags=flags)
        if setup is None:
            self._refuse("a price that cannot be one", _numbers(part))
            return
        self._take(setup)
        if part.kind is not None:
            self._kind, self._heading = kind, None

    def _inherit(self, part: Part, flags: list[str]) -> tuple[Kind | None, Strategy | None]:
        """A part's kind and strategy, its own or those of the lines above. May add to `flags`."""
        kind, strategy, heading = part.kind, part.strategy, self._heading
        if kind is None:
            flags.append("kind_inherited")
            kind = self._implied_kind(part)
            if strategy is None and heading is not None:
                strategy = heading.strategy
        if strategy is None and kind in _SPLIT_KINDS:
            strategy = self._strategy
        return kind, strategy

    def _implied_kind(self, part: Part) -> Kind | None:
        """The kind of a part that names none: of the heading above, by its own words, or of the setup above."""
        if part.broke and part.targets:
            ahead, price = (self.numbers.values[self._first + at] for at in (part.targets[0], part.triggers[0][0]))
            return "breakout" if ahead > price else "breakdown"
        heading = self._heading.kind if self._heading is not None else None
        related = KIND_OF_RELATION.get(part.relation or "")
        if heading is not None and (related is None or DIRECTIONS[heading] == DIRECTIONS[related]):
            return heading
        return (related or self._kind) if part.explicit or part.strategy else None

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

    def _edges(self, line: Line) -> tuple[int, int]:
        """Where the line stands in the cleaned text, without the white space around it."""
        starts = self.sheet.starts
        return starts[self._index] + line.indent, starts[self._index + 1] - line.trailing

    def _follow(self, line: Line) -> None:
        """Targets or a stop on a line of their own."""
        setups = self._section.setups
        open_setup = setups and (self._under or self._waiting or _is_bare(setups[-1]))
        if line.ticker is not None or self._closed or not open_setup:
            self._refuse("targets or a stop without a setup above")
            return
        end = self.sheet.span(*self._edges(line)).end
        for part in line.parts:
            setups[-1] = extend(setups[-1], part, self.numbers, self._first, end)
        self._under = self._carded = True
        self._waiting = line.parts[-1].waiting

    def _bare(self, line: Line) -> None:
        """Prices that no word on their line explains."""
        part, heading = line.parts[0], self._heading
        if line.ticker is None and not part.explicit and self._awaits_targets(line):
            waiting = self._waiting
            self._follow(line)
            self._waiting = waiting
        elif (
            heading is not None
            and heading.kind is not None
            and (part.explicit or (line.ticker is None and not self._carded))
        ):
            if line.ticker is not None:
                self._enter(line.ticker)
                self._heading = heading
            self._part(part._replace(relation=part.relation or heading.relation), self._spans(line)[0])
            self._waiting = part.waiting
        elif not self._find_day():
            self._refuse("prices without a kind of setup")

    def _awaits_targets(self, line: Line) -> bool:
        """Whether the line above asks for targets, or this one looks like those of the setup above."""
        if not self._section.setups:
            return False
        return self._waiting or (
            line.lead in {"arrow", "bracket"} and self._under and _is_bare(self._section.setups[-1])
        )

    def _announce(self, line: Line) -> None:
        """A kind, a strategy or a relation without a price: it is said of the lines under it."""
        part = line.parts[0]
        if line.ticker is not None:
            self._enter(line.ticker)
        if part.doubt is not None:
            self._heading = None
        elif part.kind is not None:
            if self._closed:
                self._enter(None)
            self._heading, self._under, self._carded = part, False, False
        elif part.strategy is not None:
            self._strategy, self._under = part.strategy, False
        elif part.relation is not None and self._heading is not None:
            self._heading = self._heading._replace(relation=part.relation)
        self._waiting = part.waiting

    # notes

    def _note(self, line: Line) -> None:
        if line.ticker not in {None, self._section.ticker}:
            if not self._leads_to_plan() and not any(section.ticker == line.ticker for section in self.sections):
                self._refuse("a note on a ticker without setups")
                return
            self._enter(line.ticker)
        self._add_note(line, line.note, line.note_number)

    def _add_note(self, line: Line, offset: int, number: int) -> None:
        """Takes a line as part of the section's note, from an offset into its shape and a number of it on."""
        place = self.sheet.starts[self._index] + offset
        if number:
            [place] = self.sheet.places(self._index, self._first, [offset])
        end = self._edges(line)[1]
        if place < end:
            shape = self.sheet.shapes[self._index]
            self._section.note.append(NoteLine(place, end, shape[offset:].rstrip(), self._first + number))
        self._noting, self._under, self._apart = True, False, True

    def _continues_note(self, line: Line) -> bool:
        """Whether a line right under a note goes on with it: whatever is not plainly something else."""
        if line.form in _EMPTY or line.form in {"header", "bare", "follow"}:
            return False
        if line.form == "ticker":
            return not self._leads_to_plan()
        if line.form == "heading":
            return self._next() not in {"setup", "bare"}
        if line.form == "setup":
            return line.lead == "dash" and not self._dashed and not any(part.explicit for part in line.parts)
        return line.form == "remark"

    def _numbers(self) -> range:
        """The numbers of this line."""
        return range(self._first, self.numbers.firsts[self._index + 1])

    def _refuse(self, reason: str, numbers: Sequence[int] | None = None) -> None:
        """Leaves prices of this line unread: those numbers, counted from its first, or all."""
        self.reasons.setdefault(self._index, reason)
        for number in self._numbers() if numbers is None else [self._first + at for at in numbers]:
            if self.meanings[number] == "level":
                self.meanings[number] = "unread"


def _numbers(part: Part) -> list[int]:
    triggers = [at for pair in part.triggers for at in pair]
    return [*triggers, *part.targets, *([] if part.stop is None else [part.stop])]


def _is_bare(setup: Setup) -> bool:
    return not setup.targets and setup.stop is None


_HANDLERS: Final[dict[Form, Callable[[PlanReader, Line], None]]] = {
    "blank": PlanReader._blank,
    "rule": PlanReader._rule,
    "aside": lambda reader, line: None,
    "header": PlanReader._header,
    "note": PlanReader._note,
    "setup": PlanReader._setup,
    "follow": PlanReader._follow,
    "bare": PlanReader._bare,
    "heading": PlanReader._announce,
    "ticker": PlanReader._ticker,
    "remark": PlanReader._remark,
}
