"""The A+ day plan: a header, a section for each ticker with its setups, a note on the bias under each."""

from datetime import date, datetime
from functools import partial
from typing import Final

from parsers.days import oddities
from parsers.formats.aplus.header import MENTION, PLURAL
from parsers.formats.aplus.notes import read_note
from parsers.formats.aplus.reader import NoteLine, PlanReader, Section
from parsers.numbers import count
from parsers.reading import NOT_A_PLAN, Bias, Level, Number, Plan, Reading, Unread
from parsers.registry import Format
from parsers.sheet import lay_out

_CONVINCING = 3  # setups with targets that make a plan of a text without a header
_SUPPORTING = 2  # the same under a line that mentions A+ setups and is no header
_ENOUGH_LINES = 4
_SEPARATORS = str.maketrans("", "", "\ue000")
_new_number = partial(tuple.__new__, Number)


def _looks_like(text: str) -> bool:
    return MENTION.search(text) is not None or text.count("\n") >= _ENOUGH_LINES


def _read(text: str, posted: datetime) -> Reading:
    reader = PlanReader(lay_out(text), posted.date())
    reader.read()
    setups = sum(len(section.setups) for section in reader.sections)
    if not _is_plan(reader, setups):
        return NOT_A_PLAN
    biases = {id(section): _bias(reader, section) for section in reader.sections if section.note and section.setups}
    for section in reader.sections:
        if section.note and not section.setups:
            _disown(reader, section)
    for number in reader.numbers.refused:
        reader.meanings[number] = "unread"
    plans = tuple(
        Plan(section.ticker, biases.get(id(section)), tuple(section.setups))
        for section in reader.sections
        if section.setups
    )
    day = reader.found.day if reader.found is not None and reader.found.day is not None else None
    return Reading(
        "parsed" if plans else "empty",
        FORMAT.name,
        FORMAT.version,
        day or posted.date(),
        "header" if day else "posted_at",
        plans,
        _unread(reader),
        tuple(map(_new_number, zip(reader.sheet.spans, reader.meanings, strict=True))),
        _flags(reader, plans, day or posted.date(), posted.date()),
    )


def _is_plan(reader: PlanReader, setups: int) -> bool:
    if reader.header is not None:
        return setups > 0 or PLURAL.search(reader.sheet.text) is not None
    complete = sum(bool(setup.targets) for section in reader.sections for setup in section.setups)
    mentioned = any(line.header for line in reader.lines)
    named = any(section.ticker for section in reader.sections if section.setups)
    return complete >= (_SUPPORTING if mentioned else _CONVINCING) and (mentioned or named)


def _bias(reader: PlanReader, section: Section) -> Bias:
    sheet = reader.sheet
    note = read_note(" ".join(line.shape for line in section.note))
    numbers = [number for line in section.note for number in _numbers_of(reader, line)]
    for number, meaning in zip(numbers, note.meanings, strict=True):
        reader.meanings[number] = meaning
    levels = tuple(
        Level(level.role, sheet.values[at], sheet.values[at], level.relation, sheet.spans[at])
        for level in note.levels
        for at in [numbers[level.number]]
    )
    text = " ".join(sheet.text[line.start : line.end] for line in section.note).translate(_SEPARATORS)
    return Bias(text, note.direction, levels, sheet.span(section.note[0].start, section.note[-1].end))


def _numbers_of(reader: PlanReader, line: NoteLine) -> range:
    return range(line.first, line.first + count(line.shape))


def _disown(reader: PlanReader, section: Section) -> None:
    """A note above every section: its prices belong to no plan."""
    for line in section.note:
        for number in _numbers_of(reader, line):
            if reader.meanings[number] in {"bias_text", "level"}:
                reader.meanings[number] = "unread"


def _unread(reader: PlanReader) -> tuple[Unread, ...]:
    if "unread" not in reader.meanings and not reader.reasons:
        return ()
    found = []
    first = 0
    for index, line in enumerate(reader.lines):
        end = first + len(line.meanings)
        if index in reader.reasons or "unread" in reader.meanings[first:end]:
            reason = reader.reasons.get(index, _REASONS.get(line.form, "a number that nothing explains"))
            found.append(Unread(index + 1, reader.sheet.given_line(index), reason))
        first = end
    return tuple(found)


_REASONS: Final = {
    "remark": "numbers in words that are no setup",
    "setup": "a number beside the setup that nothing explains",
    "note": "a note that belongs to no setups",
}


def _flags(reader: PlanReader, plans: tuple[Plan, ...], day: date, posted: date) -> tuple[str, ...]:
    weekday = reader.found.weekday if reader.found is not None else None
    flags = list(oddities(day, weekday, posted))
    if any(plan.ticker is None for plan in plans):
        flags.append("ticker_missing")
    if reader.header is None:
        flags.append("header_missing")
    return tuple(flags)


FORMAT: Final = Format("aplus", 1, day_plan=True, looks_like=_looks_like, read=_read)
