"""The few statistics the benchmarks use, and how they are written."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence


def percentile(values: Sequence[float], rank: float) -> float:
    """The ``rank``-th percentile (0 to 100), interpolated between neighbours; NaN of nothing."""
    ordered = sorted(values)
    if not ordered:
        return math.nan
    place = (len(ordered) - 1) * rank / 100
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def median(values: Sequence[float]) -> float:
    """The middle; NaN of nothing."""
    return statistics.median(values) if values else math.nan


def ratio(measured: float, against: float) -> float:
    """``measured`` for each one of ``against``; NaN where that is nothing, or not known."""
    return measured / against if against else math.nan


def ms(seconds: float, digits: int = 1) -> str:
    """Seconds as milliseconds, without the unit."""
    return number(seconds * 1000, digits)


def times(value: float) -> str:
    """A ratio, such as ``1.83 ×``."""
    return "–" if math.isnan(value) else f"{value:.2f} ×"


def number(value: float, digits: int = 0) -> str:
    """With thousands set apart; a dash where there is none."""
    return "–" if math.isnan(value) else f"{value:,.{digits}f}"
