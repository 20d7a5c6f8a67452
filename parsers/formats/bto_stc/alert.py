"""One alert as far as it is read, and what it still lacks."""

from dataclasses import dataclass, field
from decimal import Decimal
from re import Match
from typing import Final

from parsers.formats.bto_stc.tokens import DIGITS, PRICE
from parsers.reading import Direction, Kind, Right

ACTIONS: Final[dict[str, tuple[Kind, Direction]]] = {
    "bto": ("entry", "long"),
    "bot": ("entry", "long"),
    "sto": ("entry", "short"),
    "stc": ("exit", "long"),
    "btc": ("exit", "short"),
}
"""What an action does, and the side of the position that it opens or closes: buying to close ends a short."""


@dataclass(frozen=True, slots=True)
class Price:
    """A price, or a range of two, and the offsets of its digits in the cleaned text."""

    low: Decimal
    high: Decimal
    start: int
    end: int


@dataclass(slots=True)
class Alert:
    """One alert while it is read."""

    action: str
    leading: bool  # its line begins with the action
    symbol: str | None = None
    quantity: str | None = None
    date: str | None = None
    days: int | None = None
    weekly: bool = False
    strike: Decimal | None = None
    right: Right | None = None
    price: Price | None = None
    marked: bool = False  # a sign or a word said that the price comes
    loose: list[Price] = field(default_factory=list)
    targets: list[Price] = field(default_factory=list)
    stop: Price | None = None
    unread: bool = False
    refused: str | None = None

    @property
    def dated(self) -> bool:
        return self.date is not None or self.days is not None or self.weekly

    @property
    def option(self) -> bool:
        return self.dated or self.strike is not None or self.right is not None


NO_PRICE: Final = Price(Decimal(0), Decimal(0), 0, 0)


def lacking(alert: Alert) -> str | None:
    """Why an alert cannot be told; None where it can."""
    contract = alert.strike is not None and alert.right is not None
    if alert.refused or alert.symbol is None:
        return alert.refused or "names no symbol"
    if alert.action == "bot" and not contract:
        return "bought nothing that could be told"
    if alert.action == "btc" and not contract and not (alert.quantity and alert.price):
        return "closes nothing that could be told"
    if not alert.leading and alert.price is None and not contract:
        return "talks of an alert"
    if ACTIONS[alert.action][0] == "entry" and not alert.option and alert.price is None:
        return "an entry without a price"
    return None


def price_of(token: Match[str]) -> Price | None:
    """The price that a token's digits are, None where they are none."""
    found = [*DIGITS.finditer(token.group())]
    split = token.lastgroup == "split"  # `57 .00`
    texts = ["".join(digits.group() for digits in found)] if split else [digits.group() for digits in found]
    if not all(PRICE.fullmatch(text) for text in texts):
        return None
    values = sorted(map(value_of, texts))
    return Price(values[0], values[-1], token.start() + found[0].start(), token.start() + found[-1].end())


def value_of(digits: str) -> Decimal:
    return Decimal(digits.replace(",", ""))


def wrong_ways(direction: Direction, alert: Alert) -> list[str]:
    """Targets lie ahead of the price of a stock, a stop behind it. Those of options may be the stock's."""
    if alert.price is None:
        return []
    sign = 1 if direction == "long" else -1
    price = alert.price.low
    flags = ["targets_wrong_way"] if any(sign * (target.low - price) <= 0 for target in alert.targets) else []
    return flags + (["stop_wrong_way"] if alert.stop and sign * (price - alert.stop.low) <= 0 else [])
