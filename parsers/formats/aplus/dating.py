"""The header of a day plan, and every other line that says which day the plan is for."""

from typing import Final

from parsers.formats.aplus.context import Context
from parsers.formats.aplus.header import find_trading_day, other_dates
from parsers.formats.aplus.lines import Line

_LABELS_BELOW: Final = 100  # smaller whole numbers in a header count tickers, parts or versions


class DayReader(Context):
    """Reads the lines that can name the trading day."""

    def _header(self, line: Line) -> None:
        if self.header is not None:
            self._repeated_header(line)
        else:
            self._first_header(line)
        if line.ticker is not None and self._leads_to_plan():
            self._enter(line.ticker)

    def _first_header(self, line: Line) -> None:
        for number in self._numbers():
            self.meanings[number] = "label" if self.numbers.values[number] < _LABELS_BELOW else "unread"
        if self.mention is not None:
            self.found = None  # the header itself says more than talk of one above it
        titled = self.sheet.line(self._index)[line.header[0] : line.header[1]].split()[-1][0].isupper()
        # In small letters and without a date it is more likely praise for a plan than the head of one.
        if self._find_day() or titled:
            self.header = line
            self._other_days(line)

    def _other_days(self, line: Line) -> None:
        """A header that names two days is read for one of them and reported for the other."""
        if self.found is None or "label" not in self.meanings[self._first : self.numbers.firsts[self._index + 1]]:
            return
        if other_dates(self.sheet.line(self._index), self.found):
            for number in self._numbers():
                if self.meanings[number] == "label":
                    self.meanings[number] = "unread"
            self._refuse("names another day too")

    def _repeated_header(self, line: Line) -> None:
        """A header once more, as where a title stands above the text; another day in it is not read."""
        found = find_trading_day(self.sheet.line(self._index), line.header[1], is_header=True, posted=self._posted)
        if found is not None and self.found is not None and found.day == self.found.day:
            self._date_numbers(found)
        elif line.meanings:
            self._refuse("a second header")

    def _find_day(self) -> bool:
        """Looks for the trading day in the header or on a line above the setups that holds nothing else."""
        if (self.found is not None and self.found.end) or any(section.setups for section in self.sections):
            return False
        line = self.lines[self._index]
        found = find_trading_day(
            self.sheet.line(self._index), line.header[1], is_header=line.header[1] > 0, posted=self._posted
        )
        if found is None:
            return False
        self._date_numbers(found)
        if found.problem:
            self._refuse(found.problem)
        self.found = found
        return True

    def _dated_ticker(self, line: Line, ticker: str) -> bool:
        """Takes a line of a ticker and a date for a ticker line: `SPY 6/12`."""
        before, _, rest = self.sheet.line(self._index).partition(ticker)
        found = find_trading_day(rest, 0, is_header=False, posted=self._posted)
        if found is None or not self._leads_to_plan():
            return False
        begin = len(before) + len(ticker)
        self._mark(found.start + begin, found.end + begin, "date")
        self._enter(ticker)
        return True
