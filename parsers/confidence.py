"""How sure a reading is of a setup: what each flag takes away."""

from decimal import Decimal
from functools import lru_cache
from typing import Final

CONFIDENCE: Final = {
    "kind_inherited": Decimal("0.9"),
    "exchange_holiday": Decimal("0.8"),
    "unknown_words": Decimal("0.8"),
    "weekend": Decimal("0.8"),
    "zone_or_target": Decimal("0.7"),
    "number_unread": Decimal("0.6"),
    "price_missing": Decimal("0.6"),
    "ticker_missing": Decimal("0.6"),
    "expiry_missing": Decimal("0.5"),
    "expiry_past": Decimal("0.5"),
    "relation_contradicts": Decimal("0.5"),
    "right_missing": Decimal("0.5"),
    "stop_wrong_way": Decimal("0.5"),
    "strike_missing": Decimal("0.5"),
    "targets_wrong_way": Decimal("0.5"),
}
"""What each flag leaves of a setup's confidence; several multiply."""


@lru_cache(maxsize=1024)
def confidence(flags: tuple[str, ...]) -> Decimal:
    """The confidence that flags leave; 1 without any."""
    left = Decimal(1)
    for flag in flags:
        left *= CONFIDENCE[flag]
    return left
