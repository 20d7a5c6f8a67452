"""Quantiles of what was measured."""

from collections.abc import Iterable


def quantile(values: Iterable[float], part: float) -> float:
    """The value that `part` of the values do not exceed; 0.5 is the median."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)]
