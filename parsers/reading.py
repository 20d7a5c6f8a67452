"""What a parser says of one text: values only, no behaviour beyond looking things up.

Positions are offsets into the text as it was given; lines count from 1, and U+2028 ends a line too.
Prices are decimals with the digits as posted, without the thousands mark.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal, NamedTuple

State = Literal["parsed", "empty", "not_a_plan", "failed"]
Kind = Literal["rejection", "breakdown", "breakout", "bounce", "entry", "exit"]
Strategy = Literal["aggressive", "conservative"]
Direction = Literal["long", "short"]
BiasDirection = Literal["bullish", "bearish"]
Role = Literal["trigger", "target", "stop", "bias", "flip"]
Relation = Literal["above", "below", "near"]
TradingDaySource = Literal["header", "posted_at"]
Right = Literal["call", "put"]
Meaning = Literal[
    "level",
    "bias_level",
    "date",
    "ordinal",
    "label",
    "timeframe",
    "quantity",
    "contract",
    "mention",
    "bias_text",
    "unread",
]


class Span(NamedTuple):
    """A stretch of the text: `text[start:end]`."""

    start: int
    end: int


class Level(NamedTuple):
    """One price of a plan, or a zone when `low` and `high` differ; `span` is where its digits stand."""

    role: Role
    low: Decimal
    high: Decimal
    relation: Relation | None
    span: Span


class Number(NamedTuple):
    """One number of a recognised plan and what it was taken for."""

    span: Span
    meaning: Meaning


class Unread(NamedTuple):
    """A line with something on it that was not read, and why: the alarm."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Instrument:
    """What an alert trades: a stock has neither expiry, strike nor right."""

    underlying: str
    expiry: date | None = None
    strike: Decimal | None = None
    right: Right | None = None


class Setup(NamedTuple):
    """One tradable line. `flags` lists what lowers `confidence` (1 is the highest)."""

    kind: Kind
    strategy: Strategy | None
    direction: Direction
    triggers: tuple[Level, ...]
    targets: tuple[Level, ...]
    stop: Level | None
    line: int
    span: Span
    flags: tuple[str, ...] = ()
    confidence: Decimal = Decimal(1)
    instrument: Instrument | None = None
    quantity: str | None = None


@dataclass(frozen=True, slots=True)
class Bias:
    """The note under a section, whole, white space collapsed; direction and levels only where they are plain."""

    text: str
    direction: BiasDirection | None
    levels: tuple[Level, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Plan:
    """What the text says about one ticker; `ticker` is None where the text named none."""

    ticker: str | None
    bias: Bias | None
    setups: tuple[Setup, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """All that was read from one text. `format` is None and `trading_day` too where the text is no plan.

    `numbers` accounts for every number of a recognised plan, in the text's order."""

    state: State
    format: str | None = None
    version: int = 0
    trading_day: date | None = None
    trading_day_source: TradingDaySource | None = None
    plans: tuple[Plan, ...] = ()
    unread: tuple[Unread, ...] = ()
    numbers: tuple[Number, ...] = ()
    flags: tuple[str, ...] = ()
    reason: str | None = None


NOT_A_PLAN = Reading("not_a_plan")
