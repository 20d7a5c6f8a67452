"""What the tests of the parsers share: short forms of readings, and the audit that every reading must pass."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from parsers.reading import Level, Reading, Setup

POSTED = datetime(2025, 6, 12, 13, 5, tzinfo=UTC)
"""A Thursday, five past eight in Chicago."""

DATA = Path(__file__).parents[2] / "data" / "parsers"
CORPUS = Path(__file__).parents[4] / "shared" / "corpus"
"""Real posts that are no part of the project; the tests on them are skipped where they are missing."""

Short = tuple[str | None, str, str | None, list[list[Decimal]], list[Decimal], Decimal | None]


def short(reading: Reading) -> list[Short]:
    """Ticker, kind, strategy, triggers, targets and stop of every setup."""
    return [
        (
            plan.ticker, setup.kind, setup.strategy, [[level.low, level.high] for level in setup.triggers],
            [level.low for level in setup.targets], setup.stop.low if setup.stop else None,
        )
        for plan in reading.plans
        for setup in plan.setups
    ]  # fmt: skip


def levels_of(setup: Setup) -> Iterator[Level]:
    """Every level of a setup."""
    yield from setup.triggers
    yield from setup.targets
    if setup.stop is not None:
        yield setup.stop


def audit(text: str, reading: Reading) -> None:
    """Fails unless every number of a recognised plan is accounted for and every level stands where it says."""
    if reading.state == "not_a_plan":
        assert not reading.plans
        assert not reading.numbers
        return
    numbers = reading.numbers
    assert list(numbers) == sorted(numbers, key=lambda number: number.span.start)
    covered = {at for number in numbers for at in range(number.span.start, number.span.end)}
    for digit in re.finditer(r"\d", text):
        assert digit.start() in covered, f"{digit} is no part of a number"
    levels = [level for plan in reading.plans for setup in plan.setups for level in levels_of(setup)]
    biases = [level for plan in reading.plans if plan.bias for level in plan.bias.levels]
    for number in numbers:
        holders = {"level": levels, "bias_level": biases}.get(number.meaning, [])
        inside = [
            level for level in holders if level.span.start <= number.span.start and number.span.end <= level.span.end
        ]
        assert len(inside) == (number.meaning in {"level", "bias_level"}), number
    for level in levels + biases:
        stands = text[level.span.start : level.span.end]
        if level.low == level.high and re.fullmatch(r"[0-9.,]+", stands):
            assert Decimal(stands.replace(",", "")) == level.low
    _audit_unread(text, reading)


def _audit_unread(text: str, reading: Reading) -> None:
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    lines = {unread.line for unread in reading.unread}
    for number in reading.numbers:
        if number.meaning == "unread":
            assert bisect_right(starts, number.span.start) in lines, f"{number} stands on no unread line"
