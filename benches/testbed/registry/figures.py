"""What is measured: each figure with its limit and its floor, and the table of them all."""

from __future__ import annotations

import math
from typing import NamedTuple

MIB = 1 << 20


class Figure(NamedTuple):
    """One of them. A rate has to be reached, anything else must not be exceeded; without a limit it is told only."""

    what: str
    database: str
    value: float
    unit: str
    limit: float | None = None
    floor: float | None = None
    is_rate: bool = False

    @property
    def holds(self) -> bool:
        if self.limit is None:
            return True
        return self.value >= self.limit if self.is_rate else self.value <= self.limit

    def cells(self) -> list[str]:
        ratio = None
        if self.floor and self.value:
            ratio = self.floor / self.value if self.is_rate else self.value / self.floor
        sign = "≥" if self.is_rate else "≤"
        limit = "" if self.limit is None else f"{sign} {_number(self.limit)} {self.unit}"
        floor = "" if self.floor is None else f"{_number(self.floor)} {self.unit}"
        verdict = "" if self.limit is None else "holds" if self.holds else "**missed**"
        cells = [f"{self.what}", self.database, limit, f"{_number(self.value)} {self.unit}", floor]
        return [*cells, "" if ratio is None else f"{_number(ratio)} ×", verdict]


HEAD = ["what", "database", "limit", "measured", "floor", "ratio", "verdict"]


def p99(values: list[float]) -> float:
    """The smallest of the measured values that 99 % of them do not exceed."""
    return sorted(values)[math.ceil(len(values) * 0.99) - 1]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
