"""A whole day plan: which line belongs to which ticker, what carries over from the line above, where a note ends."""

import re
from collections.abc import Callable
from functools import partial
from typing import Final

from parsers.confidence import confidence
from parsers.formats.aplus.context import EMPTY
from parsers.formats.aplus.dating import DayReader
from parsers.formats.aplus.lines import Form, Line
from parsers.formats.aplus.parts import DIRECTIONS, KIND_OF_RELATION, Part, Plain
from parsers.formats.aplus.sections import NoteLine
from parsers.formats.aplus.setups import Origin, build, extend
from parsers.formats.aplus.vocabulary import look_up
from parsers.numbers import around
from parsers.reading import Kind, Setup, Span, Strategy

_TITLE_WORDS = 3
_WORD: Final = re.compile(r"[^\W\d_]+")
_SMALL_START: Final = re.compile(r"[\W\d_]*[a-z]")
_SPLIT_KINDS: Final = frozenset({"breakout", "breakdown"})
"""The kinds that come as aggressive and conservative; a heading with a strategy alone speaks of these."""

# Flags, confidence, instrument and quantity of an ordinary setup.
_SURE: Final = ((), confidence(()), None, None)
_WITHOUT_TICKER: Final = (("ticker_missing",), confidence(("ticker_missing",)), None, None)
# A named tuple's own constructor is a Python function.
_new_setup = partial(tuple.__new__, Setup)


class PlanReader(DayReader):
    """Reads the lines of one text in order."""

    def read(self) -> None:
        """Reads every line."""
        shapes, firsts = self.sheet.shapes, self.numbers.firsts
        above = ""
        for index, line in enumerate(self.lines):
            if line.form == "blank":
                # U+2028 and a newline behind it are one end of a line to a reader, and no blank line.
                if above[-1:] != "\u2028" or shapes[index] != "\n":
                    self._blank()
                above = shapes[index]
                continue
            above = shapes[index]
            self._index, self._first = index, firsts[index]
            if self._noting:
                if self._continues_note(line) if self._noting == "on" else self._resumes_note(line):
                    self._add_note(line, line.indent, 0)
                    continue
                self._noting = ""
            if line.ordinary is None or self._closed or not self._ordinary(line, line.ordinary):
                _HANDLERS[line.form](self, line)
                self._leave_rest(line)

    # sections

    def _blank(self) -> None:
        self._noting, self._apart = "paused" if self._noting else "", True
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

    def _remark(self, line: Line) -> None:
        if line.header[1] and self.mention is None and not self._section.setups:
            self.mention = line
        if line.ticker is not None and self._dated_ticker(line, line.ticker):
            return
        if self._find_day() or line.meanings or not 0 < line.words <= _TITLE_WORDS:
            return
        known = all(look_up(word.lower()).cls != "unknown" for word in _WORD.findall(self.sheet.line(self._index)))
        if self._section.setups and not known and self._next() in {"setup", "heading"}:
            self._closed = True  # a title that names no ticker that could be told

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
        """Reads a setup line that is like most lines in a fraction of the time; false where it is not one after all."""
        start, end, kind, direction, ahead, strategy = plain
        index, first, section, starts = self._index, self._first, self._section, self.sheet.starts
        start += first
        end += first
        values = self.numbers.values[start:end]
        trigger = values[0]
        low, high = scale = section.scale if section.setups else around(trigger)
        if not (low <= trigger <= high and low <= values[-1] <= high and all(map(ahead, values[1:], values))):
            return False
        if strategy is None and self._strategy is not None and kind in _SPLIT_KINDS:
            strategy = self._strategy
        section.scale = scale
        levels = self.numbers.levels
        span = self.sheet.span(starts[index] + line.indent, starts[index + 1] - line.trailing)
        sure = _SURE if section.ticker is not None else _WITHOUT_TICKER
        triggers, targets = levels[start : start + 1], levels[start + 1 : end]
        section.setups.append(_new_setup((kind, strategy, direction, triggers, targets, None, index + 1, span, *sure)))
        self._kind, self._heading, self._dashed = kind, None, line.lead == "dash"
        self._waiting, self._apart, self._under = False, False, True
        return True

    def _take(self, setup: Setup) -> None:
        section = self._section
        if not section.setups:
            section.scale = around(setup.triggers[0].low)
        section.setups.append(setup)
        self._under = True

    def _out_of_scale(self, line: Line) -> bool:
        """Whether all prices of a line are far from the section's: the ticker line between them is missing."""
        low, high = self._section.scale
        values = self.numbers.values
        return bool(self._section.setups) and not any(
            low <= values[self._first + at] <= high for part in line.parts for at in _numbers(part)
        )

    def _part(self, part: Part, span: Span) -> None:
        if part.doubt is not None or not part.triggers:
            self._refuse(part.doubt or "has no price that sets it off")
            return
        flags = ["ticker_missing"] if self._section.ticker is None else []
        kind, strategy = self._inherit(part, flags)
        if kind is None:
            self._refuse("prices without a kind of setup")
            return
        setup = build(part, kind, strategy, self.numbers, Origin(self._first, self._index + 1, span), flags=flags)
        if setup is None:
            self._refuse("a price that cannot be one")
            return
        low, high = self._section.scale
        if self._section.setups and not low <= setup.triggers[0].low <= high:
            self._refuse("prices far from those of its ticker")
            return
        self._take(setup)
        self._take_stop()
        self.numbers.used.update(self._first + at for at in _numbers(part))
        self._kind = kind
        if part.kind is not None:
            self._heading = None

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

    def _follow(self, line: Line) -> None:
        """Targets or a stop on a line of their own."""
        setups = self._section.setups
        open_setup = setups and (self._under or self._waiting or _is_bare(setups[-1]))
        if line.ticker is None and self._heading is not None and not self._under and _is_stop(line):
            self._stopped = self._index  # the card gives its stop before its price
            self._refuse("a stop without a setup")
            return
        if line.ticker is not None or self._closed or not open_setup:
            self._refuse("targets or a stop without a setup above")
            return
        end = self.sheet.span(*self._edges(line)).end
        for part in line.parts:
            setups[-1] = extend(setups[-1], part, self.numbers, self._first, end)
            self.numbers.used.update(self._first + at for at in _numbers(part))
        self._under = self._carded = True
        self._waiting = line.parts[-1].waiting

    def _take_stop(self) -> None:
        """Gives the setup just read the stop that stood between its heading and its price."""
        index, self._stopped = self._stopped, None
        if index is None:
            return
        setups, first = self._section.setups, self.numbers.firsts[index]
        [part] = self.lines[index].parts
        setups[-1] = extend(setups[-1], part, self.numbers, first, setups[-1].span.end)
        if part.stop is not None and setups[-1].stop is not None:
            self.meanings[first + part.stop] = "level"
            del self.reasons[index]

    def _bare(self, line: Line) -> None:
        """Prices that no word on their line explains."""
        part, heading = line.parts[0], self._heading
        if line.ticker is None and (heading is None or not part.explicit) and self._awaits_targets(line):
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
            self._heading, self._under, self._carded, self._stopped = part, False, False, None
        elif part.strategy is not None:
            self._strategy, self._under = part.strategy, False
        elif part.relation is not None and self._heading is not None:
            self._heading = self._heading._replace(relation=part.relation)
        self._waiting = part.waiting

    # notes

    def _note(self, line: Line) -> None:
        if line.ticker not in {None, self._section.ticker}:
            if not self._leads_to_plan() and line.ticker not in self._named:
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
        self._noting, self._under, self._apart = "on", False, True

    def _continues_note(self, line: Line) -> bool:
        """Whether a line right under a note goes on with it: whatever is not plainly something else."""
        if line.form in EMPTY or line.form in {"header", "bare", "follow"}:
            return False
        if line.form == "ticker":
            return not self._leads_to_plan()
        if line.form == "heading":
            return self._next() not in {"setup", "bare"}
        if line.form == "setup":
            return self._speaks_on(line)
        return line.form == "remark"

    def _resumes_note(self, line: Line) -> bool:
        """Whether a line behind a note and a blank goes on with it: one that a dash says is the rest of something."""
        if line.lead != "dash" or self._dashed or line.form != "remark" or line.ticker is not None:
            return False
        spoken = any(part.kind for part in line.parts)
        return spoken or _SMALL_START.match(self.sheet.line(self._index)) is not None

    def _speaks_on(self, line: Line) -> bool:
        """Whether a line under a note that could be a setup is more of its prose."""
        if not any(part.explicit for part in line.parts):
            return any(part.asides for part in line.parts) or (line.lead == "dash" and not self._dashed)
        return line.lead == "dash" and not self._dashed and _SMALL_START.match(self.sheet.line(self._index)) is not None


def _numbers(part: Part) -> list[int]:
    triggers = [at for pair in part.triggers for at in pair]
    return [*triggers, *part.targets, *([] if part.stop is None else [part.stop])]


def _is_stop(line: Line) -> bool:
    [part, *others] = line.parts
    return part.stop is not None and not (others or part.targets or part.triggers)


def _is_bare(setup: Setup) -> bool:
    return not setup.targets and setup.stop is None


_HANDLERS: Final[dict[Form, Callable[[PlanReader, Line], None]]] = {
    "blank": lambda reader, line: None,
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
