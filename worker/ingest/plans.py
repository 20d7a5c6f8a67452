"""Plans and setups as values: from a reading or from the tables, in the same shape, so that the two can be compared."""

import hashlib
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from parsers import registered
from parsers.reading import BiasDirection, Direction, Kind, Level, Reading, Setup, Strategy, TradingDaySource
from parsers.reading import Plan as ReadPlan
from worker.events.catalogue import as_json
from worker.words import PlanState

Zone = tuple[Decimal, Decimal]
PlanKey = tuple[int, str, date]
"""Channel, ticker and trading day: of the plans that share them one is current."""

FEWER_SETUPS, REPEAT = "fewer_setups", "repeat"


class SetupValue(NamedTuple):
    """A setup; `setup_id` is None until it is stored, `levels` is empty on what was loaded."""

    setup_id: int | None
    position: int
    kind: Kind
    strategy: Strategy | None
    direction: Direction
    triggers: tuple[Zone, ...]
    targets: tuple[Decimal, ...]
    stop: Decimal | None
    flags: tuple[str, ...]
    confidence: Decimal
    instrument: dict[str, Any] | None
    quantity: str | None
    raw_line: str = ""
    span: tuple[int, int] = (0, 0)
    levels: tuple[Level, ...] = ()


class PlanValue(NamedTuple):
    """A plan; `plan_id` is None until it is stored. `state` is None where it has yet to be derived.

    `flags` are those of its reading. What comes after the setups follows from other plans: `has_fewer_setups` than the
    one it superseded; `is_silent`: it repeats the plan that superseded it, and nothing was ever told of it."""

    plan_id: int | None
    message_id: int
    channel_id: int
    position: int
    is_day_plan: bool
    ticker: str | None
    trading_day: date
    trading_day_source: TradingDaySource
    bias_text: str | None
    bias_direction: BiasDirection | None
    bias_levels: tuple[Level, ...]
    fingerprint: bytes
    flags: tuple[str, ...]
    state: PlanState | None
    setups: tuple[SetupValue, ...]
    has_fewer_setups: bool = False
    is_silent: bool = False
    superseded_by_message: int | None = None

    @property
    def plan_flags(self) -> tuple[str, ...]:
        """The flags as they are stored and told."""
        derived = ((FEWER_SETUPS, self.has_fewer_setups), (REPEAT, self.is_silent))
        return (*self.flags, *(flag for flag, holds in derived if holds))

    @property
    def key(self) -> PlanKey | None:
        """What it competes for; None where nothing is superseded: alerts, and plans whose ticker is not known."""
        if not self.is_day_plan or self.ticker is None:
            return None
        return self.channel_id, self.ticker, self.trading_day


def plans_of_text(reading: Reading, *, text: str, message_id: int, channel_id: int) -> tuple[PlanValue, ...]:
    """The plans of a message's reading that say anything, in the order of the text."""
    if reading.format is None or reading.trading_day is None or reading.trading_day_source is None:
        return ()
    # A bare bias must not take the place of a plan with setups.
    supersedes = registered()[reading.format].day_plan
    return tuple(
        PlanValue(
            plan_id=None,
            message_id=message_id,
            channel_id=channel_id,
            position=position,
            is_day_plan=supersedes and bool(plan.setups),
            ticker=plan.ticker,
            trading_day=reading.trading_day,
            trading_day_source=reading.trading_day_source,
            bias_text=plan.bias.text if plan.bias else None,
            bias_direction=plan.bias.direction if plan.bias else None,
            bias_levels=plan.bias.levels if plan.bias else (),
            fingerprint=_fingerprint(plan),
            flags=reading.flags,
            state=None,
            setups=tuple(_setup_value(setup, place, text) for place, setup in enumerate(plan.setups)),
        )
        for position, plan in enumerate(reading.plans)
        if plan.setups or plan.bias
    )


def _setup_value(setup: Setup, position: int, text: str) -> SetupValue:
    stop = (setup.stop,) if setup.stop else ()
    return SetupValue(
        setup_id=None,
        position=position,
        kind=setup.kind,
        strategy=setup.strategy,
        direction=setup.direction,
        triggers=tuple((level.low, level.high) for level in setup.triggers),
        targets=tuple(_near_edge(level, short=setup.direction == "short") for level in setup.targets),
        stop=_near_edge(setup.stop, short=setup.direction != "short") if setup.stop else None,
        flags=setup.flags,
        confidence=setup.confidence,
        instrument=_instrument(setup),
        quantity=setup.quantity,
        raw_line=text[setup.span.start : setup.span.end],
        span=setup.span,
        levels=(*setup.triggers, *setup.targets, *stop),
    )


def _near_edge(level: Level, *, short: bool) -> Decimal:
    """The price of a zone that is reached first by a price that falls (`short`) or rises."""
    return level.high if short else level.low


def _instrument(setup: Setup) -> dict[str, Any] | None:
    instrument = setup.instrument
    if instrument is None:
        return None
    return {
        "underlying": instrument.underlying,
        "expiry": instrument.expiry.isoformat() if instrument.expiry else None,
        "strike": price_text(instrument.strike) if instrument.strike is not None else None,
        "right": instrument.right,
    }


def price_text(price: Decimal) -> str:
    """A price the way JSON carries it: plain digits, as posted."""
    return format(price, "f")


def _shortest(price: Decimal) -> str:
    """Equal for equal prices. Decimal.normalize would round to 28 digits."""
    text = price_text(price)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _fingerprint(plan: ReadPlan) -> bytes:
    """Equal for plans that read the same, in whatever order their lines stand and however many zeros end a price."""

    def prices(levels: tuple[Level, ...]) -> list[list[str]]:
        return [[_shortest(level.low), _shortest(level.high)] for level in levels]

    setups = sorted(
        as_json(
            [
                setup.kind,
                setup.strategy,
                setup.direction,
                prices(setup.triggers),
                prices(setup.targets),
                prices((setup.stop,)) if setup.stop else None,
                _instrument(setup),
                setup.quantity,
            ]
        )
        for setup in plan.setups
    )
    return hashlib.sha256(as_json([plan.bias.text if plan.bias else None, setups]).encode()).digest()
