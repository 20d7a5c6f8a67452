"""The A+ day plan: a header, a section for each ticker with its setups, a note on the bias under each."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import partial
from typing import Final

from parsers.days import oddities
from parsers.formats.aplus.header import PAST, PLURAL, may_have_header
from parsers.formats.aplus.lines import Line
from parsers.formats.aplus.notes import read_note
from parsers.formats.aplus.reader import PlanReader
from parsers.formats.aplus.sections import NoteLine, Section
from parsers.numbers import PRICE, TWO_DIGITS, count
from parsers.reading import NOT_A_PLAN, Bias, Number, Plan, Reading, State, Unread
from parsers.registry import Format
from parsers.sheet import lay_out
from parsers.text import STRUCK

# How many setups with targets make a plan of a text without a header: where nothing speaks of one, where a line above
# them does, and where that line names a day too. One setup less, and the text is reported as a plan not read.
_CONVINCING, _MENTIONED, _DATED = 3, 2, 1
_ENOUGH_LINES = 4
_PRICE_MARKS: Final = frozenset({TWO_DIGITS, PRICE})
_new_number = partial(tuple.__new__, Number)


def _looks_like(text: str) -> bool:
    return text.count("\n") >= _ENOUGH_LINES or may_have_header(text)


def _read(text: str, posted: datetime) -> Reading:
    today = posted.date()
    reader = PlanReader(lay_out(text), today)
    reader.read()
    sections = [section for section in reader.sections if section.setups]
    state = _state(reader, sections)
    if state == "not_a_plan":
        return NOT_A_PLAN
    if state == "empty":
        _doubt(reader, sections)
        sections = []
    plans = tuple([Plan(section.ticker, _bias(reader, section), tuple(section.setups)) for section in sections])
    for section in reader.sections:
        if section.note and not section.setups:
            _disown(reader, section)
    for number in reader.numbers.refused:
        reader.meanings[number] = "unread"
    found = reader.found
    day = today if found is None or found.day is None else found.day
    return Reading(
        state,
        FORMAT.name,
        FORMAT.version,
        day,
        "posted_at" if found is None or found.day is None else "header",
        plans,
        _unread(reader),
        tuple(map(_new_number, zip(reader.sheet.spans, reader.meanings, strict=True))),
        _flags(reader, sections, day, today),
    )


def _state(reader: PlanReader, sections: Sequence[Section]) -> State:
    if reader.header is None:
        return _state_without_header(reader, sections)
    if sections:
        return "parsed"
    return "empty" if PLURAL.search(reader.sheet.text) else "not_a_plan"


def _state_without_header(reader: PlanReader, sections: Sequence[Section]) -> State:
    whole = [setup for section in sections for setup in section.setups if setup.targets]
    complete = len(whole)
    mentions = [reader.sheet.line(index) for index, line in enumerate(reader.lines) if line.header[1]]
    named = any(section.ticker for section in sections)
    enough = _CONVINCING
    if reader.mention is not None and named:
        enough = _MENTIONED if reader.found is None or reader.found.day is None else _DATED
    if any(map(PAST.search, mentions)):
        return "empty" if complete >= enough else "not_a_plan"
    if complete >= enough and (mentions or named):
        return "parsed"
    plain = sum("unknown_words" not in setup.flags for setup in whole)
    if mentions and not any("?" in mention for mention in mentions):
        many = sum(len(section.setups) for section in sections) >= _CONVINCING
        crowded = any(map(_is_crowded, reader.lines))
        return "empty" if plain or crowded or (named and many) else "not_a_plan"
    announced = any(section.note for section in sections) or PLURAL.search(reader.sheet.text) is not None
    return "empty" if named and announced and plain >= _CONVINCING - 1 else "not_a_plan"


def _is_crowded(line: Line) -> bool:
    """Whether a line begins as a header and goes on with setups."""
    return (
        line.header[1] > 0 and line.header[0] <= line.indent and any(part.kind and part.targets for part in line.parts)
    )


def _doubt(reader: PlanReader, sections: Sequence[Section]) -> None:
    """Setups that nothing announces as a plan of this day, and not enough to be one anyhow: all are reported."""
    for section in sections:
        _disown(reader, section)
        for setup in section.setups:
            reader.reasons.setdefault(setup.line - 1, "no header says that this is a plan")
    for number, meaning in enumerate(reader.meanings):
        if meaning == "level":
            reader.meanings[number] = "unread"


def _bias(reader: PlanReader, section: Section) -> Bias | None:
    lines = section.note
    if not lines:
        return None
    sheet, levels = reader.sheet, reader.numbers.levels
    note = read_note(lines[0].shape if len(lines) == 1 else _joined([line.shape for line in lines]))
    numbers = [number for line in lines for number in _numbers_of(line)]
    for number, meaning in zip(numbers, note.meanings, strict=True):
        reader.meanings[number] = meaning
    plain = [levels[numbers[at]]._replace(role=role, relation=relation) for at, relation, role in note.levels]
    text = " ".join([sheet.text[line.start : line.end] for line in lines]).replace(STRUCK, "")
    if text.endswith(("everyone", "here")):
        text = text.removesuffix("@everyone").removesuffix("@here").rstrip()
    return Bias(text, note.direction, tuple(plain), sheet.span(lines[0].start, lines[-1].end))


def _joined(shapes: Sequence[str]) -> str:
    """The lines of a note as one: a line that ends with a price ends what it says, any other may be wrapped."""
    return "".join([shape + (", " if shape[-1:] in _PRICE_MARKS else " ") for shape in shapes])


def _numbers_of(line: NoteLine) -> range:
    return range(line.first, line.first + count(line.shape))


def _disown(reader: PlanReader, section: Section) -> None:
    """A note above every section: its prices belong to no plan."""
    for line in section.note:
        for number in _numbers_of(line):
            if reader.meanings[number] in {"bias_text", "level"}:
                reader.meanings[number] = "unread"


def _unread(reader: PlanReader) -> tuple[Unread, ...]:
    if "unread" not in reader.meanings and not reader.reasons:
        return ()
    found = []
    for index, line in enumerate(reader.lines):
        start, end = reader.numbers.firsts[index : index + 2]
        if index in reader.reasons or "unread" in reader.meanings[start:end]:
            reason = reader.reasons.get(index, _REASONS.get(line.form, "a number that nothing explains"))
            found.append(Unread(index + 1, reader.sheet.given_line(index), reason))
    return tuple(found)


_REASONS: Final = {
    "remark": "numbers in words that are no setup",
    "setup": "a number beside the setup that nothing explains",
    "note": "a note that belongs to no setups",
}


def _flags(reader: PlanReader, sections: Sequence[Section], day: date, today: date) -> tuple[str, ...]:
    flags = oddities(day, None if reader.found is None else reader.found.weekday, today)
    if any(section.ticker is None for section in sections):
        flags += ("ticker_missing",)
    return flags if reader.header is not None else (*flags, "header_missing")


FORMAT: Final = Format("aplus", 2, day_plan=True, looks_like=_looks_like, read=_read)
