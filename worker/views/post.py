"""One post and what was read from it, side by side. Pure but for printing."""

from collections import defaultdict
from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from parsers.reading import Instrument, Level, Reading, Setup, Span
from worker.views.setups import show_flags, show_plan
from worker.views.shown import ShownLevel, ShownSetup
from worker.views.terminal import FAINT, FLAG_STYLE, ROLE_STYLES, styled

_UNREAD_STYLE = "bold red"
_SUMMARIES = {
    "parsed": "Read as {format} for {trading_day} ({source}).",
    "empty": "This looks like {format} and nothing could be read from it: {reason}.",
    "not_a_plan": "This is no plan.",
    "failed": "The parser failed: {reason}.",
}
_SOURCES = {"header": "the day in its header", "posted_at": "the day it was posted"}


def show_post(console: Console, text: str, reading: Reading) -> None:
    """The text with every number coloured by its role and unread lines marked, then the plans as tables."""
    for line in _marked_lines(text, reading):
        console.print(line)
    console.print()
    console.print(styled(summary(reading), "bold"))
    show_flags(console, reading.flags)
    for plan in reading.plans:
        console.print()
        console.print(styled(plan.ticker or "No ticker", "bold"))
        bias_text, bias_direction = (plan.bias.text, plan.bias.direction) if plan.bias else (None, None)
        show_plan(console, [shown_setup(setup) for setup in plan.setups], bias_text, bias_direction)
    if reading.unread:
        console.print(styled(f"Unread lines: {len(reading.unread)}, marked above.", _UNREAD_STYLE))


def summary(reading: Reading) -> str:
    """What became of a text, in one sentence."""
    return _SUMMARIES[reading.state].format(
        format=reading.format,
        trading_day=f"{reading.trading_day:%A %Y-%m-%d}" if reading.trading_day else "no day",
        source=_SOURCES.get(reading.trading_day_source or "", "no source"),
        reason=reading.reason or "no reason given",
    )


def _marked_lines(text: str, reading: Reading) -> Iterator[Text]:
    reasons = defaultdict[int, list[str]](list)
    for unread in reading.unread:
        reasons[unread.line].append(unread.reason)
    marks = sorted(_marks(reading).items())
    start = 0
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        body = line.splitlines()[0]
        within = [(span, style) for span, style in marks if start <= span.start < start + len(body)]
        gutter = styled(f"{number:>3} ", _UNREAD_STYLE if number in reasons else FAINT)
        drawn = Text.assemble(gutter, _coloured(text, Span(start, start + len(body)), within))
        if number in reasons:
            drawn.append_text(styled(f"  ← unread: {', '.join(reasons[number])}", _UNREAD_STYLE))
        yield drawn
        start += len(line)


def _coloured(text: str, line: Span, marks: list[tuple[Span, str]]) -> Text:
    """A line drawn piece by piece: what is hidden grows when it is shown, so offsets hold only before."""
    drawn, at = Text(), line.start
    for span, style in marks:
        if span.start >= at:
            drawn.append_text(styled(text[at : span.start]))
            drawn.append_text(styled(text[span.start : span.end], style))
            at = span.end
    return drawn.append_text(styled(text[at : line.end]))


def _marks(reading: Reading) -> dict[Span, str]:
    """Levels by their role; other numbers are faint, or stand out where nobody knows what they mean."""
    marks = {
        number.span: FLAG_STYLE if number.meaning == "unread" else FAINT
        for number in reading.numbers
        if number.meaning not in ("level", "bias_level")
    }
    return marks | {level.span: ROLE_STYLES[level.role] for level in _levels(reading)}


def _levels(reading: Reading) -> Iterator[Level]:
    for plan in reading.plans:
        yield from plan.bias.levels if plan.bias else ()
        for setup in plan.setups:
            yield from _levels_of(setup)


def _levels_of(setup: Setup) -> tuple[Level, ...]:
    return (*setup.triggers, *setup.targets, *((setup.stop,) if setup.stop else ()))


def shown_setup(setup: Setup) -> ShownSetup:
    """A setup as it was just read."""
    return ShownSetup(
        kind=setup.kind,
        strategy=setup.strategy,
        direction=setup.direction,
        levels=tuple(ShownLevel(level.role, level.low, level.high, level.relation) for level in _levels_of(setup)),
        flags=setup.flags,
        contract=_contract(setup.instrument) if setup.instrument else None,
        quantity=setup.quantity,
    )


def _contract(instrument: Instrument) -> str:
    strike = None if instrument.strike is None else f"{instrument.strike:f}"
    parts = (instrument.underlying, instrument.expiry, strike, instrument.right)
    return " ".join(str(part) for part in parts if part is not None)
