"""Single alerts of alert rooms: `BTO SPY 590c 5/30 @ 1.20`, `STC half AAPL 6/20 200c @ 3.10`, `STO ATVI @ 80.91`.

A line holds an action and then, in any order, a quantity, a symbol, an expiry, a strike with its right and a price;
after these perhaps targets, a stop and remarks. What is half there is reported half, and what could be two things is
neither."""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from parsers.formats.bto_stc.alerts import AlertReader
from parsers.formats.bto_stc.tokens import ACTION, ACTION_WORDS
from parsers.reading import NOT_A_PLAN, Number, Plan, Reading, Setup, Unread
from parsers.registry import Format
from parsers.sheet import lay_out

_EXCHANGE: Final = ZoneInfo("America/New_York")


def _looks_like(text: str) -> bool:
    # Most texts hold none of the words, which is found out in a fifth of the pattern's time. Beyond ASCII there are
    # other cases of their letters.
    if text.isascii():
        lowered = text.lower()
        for word in ACTION_WORDS:
            if word in lowered:
                break
        else:
            return False
    return ACTION.search(text) is not None


def _read(text: str, posted: datetime) -> Reading:
    today = posted.astimezone(_EXCHANGE).date()
    reader = AlertReader(lay_out(text), today)
    reader.read()
    if not reader.setups and not any(
        reader.sheet.given_line(index) for index in reader.reasons if _has_digit(reader, index)
    ):
        return NOT_A_PLAN
    plans: dict[str, list[Setup]] = {}
    for setup in reader.setups:
        plans.setdefault(setup.instrument.underlying if setup.instrument else "", []).append(setup)
    return Reading(
        "parsed" if plans else "empty",
        FORMAT.name,
        FORMAT.version,
        today,
        "posted_at",
        tuple(Plan(symbol, None, tuple(setups)) for symbol, setups in plans.items()),
        _unread(reader),
        tuple(map(Number, reader.sheet.spans, reader.meanings)),
    )


def _has_digit(reader: AlertReader, index: int) -> bool:
    return any(character.isdigit() for character in reader.sheet.line(index))


def _unread(reader: AlertReader) -> tuple[Unread, ...]:
    lines = dict(reader.reasons)
    starts, bounds = reader.sheet.starts, reader.sheet.bounds
    line = 0
    for number, meaning in enumerate(reader.meanings):
        while starts[line + 1] <= bounds[2 * number + 1]:
            line += 1
        if meaning == "unread":
            lines.setdefault(line, "a number that nothing explains")
    return tuple(Unread(index + 1, reader.sheet.given_line(index), reason) for index, reason in sorted(lines.items()))


FORMAT: Final = Format("bto_stc", 1, day_plan=False, looks_like=_looks_like, read=_read)
