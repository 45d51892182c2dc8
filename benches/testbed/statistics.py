"""Order statistics of a handful of rounds."""

from __future__ import annotations


def quantile(values: list[float], share: float) -> float:
    """The value below which `share` (0 … 1) of `values` lie, between neighbours by their distance."""
    ordered = sorted(values)
    position = (len(ordered) - 1) * share
    low = int(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (position - low)


def median(values: list[float]) -> float:
    return quantile(values, 0.5)


def spread(values: list[float]) -> tuple[float, float]:
    """The quartiles."""
    return quantile(values, 0.25), quantile(values, 0.75)


def confidence(values: list[float]) -> tuple[float, float]:
    """Where the median of endlessly many such values lies, with a certainty of 95 %."""
    reach = min(0.5, 0.98 / len(values) ** 0.5)
    return quantile(values, 0.5 - reach), quantile(values, 0.5 + reach)
