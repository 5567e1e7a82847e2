"""A slope that a few wild samples can't bend, with its confidence interval: Theil–Sen's, with Sen's interval.

Used by ``growth``. Pure numbers: it knows nothing of memory or messages.

The slope is the median of the slopes of all pairs of points. The interval takes those pair slopes whose ranks lie
within ``z × sqrt(n(n-1)(2n+5)/18)`` of the middle, which is the spread of Kendall's statistic when there is no trend
(Sen, 1968). It presumes points that don't depend on one another: hand it medians of windows, not neighbouring samples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

POINTS_MIN = 8  # fewer give an interval as wide as all pair slopes together
_Z_95 = 1.96  # two-sided, 95 %


@dataclass(frozen=True, slots=True)
class Slope:
    """Rise per unit of x, between the ends of its 95 % confidence interval."""

    per_unit: float
    low: float
    high: float
    points: int


def theil_sen(x: NDArray[np.float64], y: NDArray[np.float64]) -> Slope | None:
    """Return the slope of ``y`` over ``x``; None with fewer than ``POINTS_MIN`` different x."""
    return pooled_theil_sen([(x, y)])


def pooled_theil_sen(strata: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> Slope | None:
    """Return the slope that several series have in common: only points of one series are paired.

    The spread of Kendall's statistic is the sum of the series'. None with fewer than ``POINTS_MIN`` different x in all.
    """
    if sum(np.unique(x).size for x, _ in strata) < POINTS_MIN:
        return None
    slopes = np.sort(np.concatenate([_pair_slopes(x, y) for x, y in strata]))
    if not slopes.size:
        return None
    variance = sum(x.size * (x.size - 1) * (2 * x.size + 5) / 18 for x, _ in strata)
    half_width = _Z_95 * math.sqrt(variance) / 2
    low = max(0, math.floor(slopes.size / 2 - half_width))
    high = min(slopes.size - 1, math.ceil(slopes.size / 2 + half_width))
    points = sum(int(x.size) for x, _ in strata)
    return Slope(float(np.median(slopes)), float(slopes[low]), float(slopes[high]), points)


def _pair_slopes(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    first, second = np.triu_indices(x.size, k=1)
    run = x[second] - x[first]
    slopes: NDArray[np.float64] = (y[second] - y[first])[run != 0] / run[run != 0]
    return slopes


def window_medians(
    x: NDArray[np.float64], y: NDArray[np.float64], windows: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the medians of x and of y in ``windows`` equal stretches of x; a stretch without points is left out."""
    if not x.size:
        return x, y
    edges = np.linspace(x.min(), x.max(), windows + 1)[1:-1]
    at = np.searchsorted(edges, x, side="right")
    found = [at == each for each in np.unique(at)]
    return np.array([np.median(x[each]) for each in found]), np.array([np.median(y[each]) for each in found])
