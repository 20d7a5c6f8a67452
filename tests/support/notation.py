"""A reader of the smallest notation that says everything a reading can hold, for what does not test the parsers.

    day plan 2025-05-15
    SPY                                      a ticker; "?" where the text names none
    breakout aggressive 582.54 > 586.25 590 ! 580
    bounce - 310-312 312.5 > 315             a zone and a second trigger
    bias bullish 580.89
    # words that are not read

`alert` instead of `day plan` makes plans that never supersede. Any other text is no plan."""

import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import cast, get_args

from parsers.reading import (
    NOT_A_PLAN,
    Bias,
    BiasDirection,
    Direction,
    Kind,
    Level,
    Plan,
    Reading,
    Role,
    Setup,
    Span,
    Strategy,
    Unread,
)
from parsers.registry import Format

DAY_PLAN = "aplus"
ALERTS = "alerts of tests"
ALERT_FORMAT = Format(ALERTS, 1, day_plan=False, looks_like=lambda _: False, read=lambda _, __: NOT_A_PLAN)

_HEADER = re.compile(r"(day plan|alert) (\d{4}-\d\d-\d\d)")
_SHORT = {"rejection", "breakdown", "exit"}
_PRICE = re.compile(r"\S+")


def read(text: str, posted_at: datetime, parser: str | None = None) -> Reading:
    """The reading of a text in the notation; raises where a price is none."""
    header, *lines = text.split("\n")
    if (found := _HEADER.fullmatch(header)) is None:
        return NOT_A_PLAN
    kind, day = found.groups()
    start, sections = len(header) + 1, list[tuple[str | None, list[Setup], list[Bias]]]()
    unread = list[Unread]()
    for number, line in enumerate(lines, start=2):
        word = line.partition(" ")[0]
        if word in get_args(Kind):
            sections[-1][1].append(_setup(line, start, number))
        elif word == "bias":
            sections[-1][2].append(_bias(line, start))
        elif word == "#":
            unread.append(Unread(number, line, "not in the notation"))
        elif line:
            sections.append((None if line == "?" else line, [], []))
        start += len(line) + 1
    plans = tuple(Plan(ticker, biases[0] if biases else None, tuple(setups)) for ticker, setups, biases in sections)
    return Reading(
        "parsed" if any(plan.setups for plan in plans) else "empty",
        DAY_PLAN if kind == "day plan" else ALERTS,
        1,
        date.fromisoformat(day),
        "header",
        plans,
        tuple(unread),
    )


def _setup(line: str, start: int, number: int) -> Setup:
    prices, _, stop = line.partition(" ! ")
    triggers, _, targets = prices.partition(" > ")
    kind, strategy, *_ = triggers.split(" ")
    direction: Direction = "short" if kind in _SHORT else "long"
    first = len(kind) + len(strategy) + 2
    stops = list(_levels("stop", stop, start + len(prices) + 3))
    return Setup(
        kind=cast(Kind, kind),
        strategy=None if strategy == "-" else cast(Strategy, strategy),
        direction=direction,
        triggers=tuple(_levels("trigger", triggers[first:], start + first)),
        targets=tuple(_levels("target", targets, start + len(triggers) + 3)),
        stop=stops[0] if stops else None,
        line=number,
        span=Span(start, start + len(line)),
    )


def _levels(role: Role, prices: str, start: int) -> Iterator[Level]:
    for found in _PRICE.finditer(prices):
        low, _, high = found[0].partition("-")
        span = Span(start + found.start(), start + found.end())
        yield Level(role, Decimal(low), Decimal(high or low), None, span)


def _bias(line: str, start: int) -> Bias:
    _, direction, *_ = line.split(" ")
    first = len("bias ") + len(direction) + 1
    levels = tuple(_levels("bias", line[first:], start + first))
    return Bias(line, cast(BiasDirection, direction), levels, Span(start, start + len(line)))
