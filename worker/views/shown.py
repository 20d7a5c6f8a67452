"""Plans, setups and levels as views draw them, be they read from the database or just from a text."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple


class ShownLevel(NamedTuple):
    """A price, or a zone where `low` and `high` differ."""

    role: str
    low: Decimal
    high: Decimal
    relation: str | None


@dataclass(frozen=True, slots=True)
class ShownSetup:
    """One tradable line; `contract` (such as `SPY 2025-05-16 590 call`) and `quantity` are those of an alert."""

    kind: str
    strategy: str | None
    direction: str
    levels: tuple[ShownLevel, ...]
    flags: tuple[str, ...]
    contract: str | None
    quantity: str | None

    def of_role(self, role: str) -> list[ShownLevel]:
        return [level for level in self.levels if level.role == role]


@dataclass(frozen=True, slots=True)
class ShownPlan:
    """What one stored message says about a ticker for a trading day, as far as it stands; without one it named none."""

    ticker: str | None
    trading_day: date
    bias_text: str | None
    bias_direction: str | None
    bias_levels: tuple[ShownLevel, ...]
    flags: tuple[str, ...]
    setups: tuple[ShownSetup, ...]
    channel_name: str
    posted_at: datetime
    message_link: str
