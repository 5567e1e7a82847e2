"""Where a series of figures steps: neighbours compared by ranks, each step proved by permutation.

Used by ``harness history``. Pure; numpy alone. At every place of a stretch the figures just before it, ten at most, are
compared with those just after it by Mann and Whitney's statistic; the place where they differ most is a step when fewer
than one in a hundred shuffles of the stretch differ as much anywhere, and when the medians of the two sides are at
least one per cent apart. Both sides are then searched in turn. Ranks, so that no single wild run is a step; neighbours,
so that a regression and its repair are two.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SIDE_MIN, SIDE_MAX = 4, 10  # figures on each side that are compared
_SHUFFLES = 999
_P_MAX = 0.01
_STEP_MIN = 0.01  # of the median before
_SEED = 3


@dataclass(frozen=True, slots=True)
class Step:
    """The series steps before the figure at ``at``."""

    at: int
    before: float  # median of the stretch before
    after: float

    @property
    def change(self) -> float:
        """How far the median moved, as a share."""
        return self.after / self.before - 1 if self.before else float("inf")


def steps(figures: Sequence[float]) -> tuple[Step, ...]:
    """Return the steps of a series, in its order."""
    values = np.array(figures, dtype=np.float64)
    found = _split(values, 0, values.size, np.random.default_rng(_SEED))
    if not found:
        return ()
    medians = [float(np.median(values[low:high])) for low, high in pairwise([0, *found, values.size])]
    return tuple(Step(at, before, after) for at, (before, after) in zip(found, pairwise(medians), strict=True))


def _split(values: NDArray[np.float64], low: int, high: int, random: np.random.Generator) -> list[int]:
    """Return the steps between ``low`` and ``high``, in order."""
    stretch = values[low:high]
    if stretch.size < 2 * SIDE_MIN:
        return []
    signs = np.sign(stretch[np.newaxis, :] - stretch[:, np.newaxis])
    statistic, at = _largest(signs)
    before, after = np.median(stretch[max(0, at - SIDE_MAX) : at]), np.median(stretch[at : at + SIDE_MAX])
    if abs(after - before) < _STEP_MIN * abs(before):
        return []
    orders = (random.permutation(stretch.size) for _ in range(_SHUFFLES))
    reached = sum(_largest(signs[np.ix_(order, order)])[0] >= statistic for order in orders)
    if (reached + 1) / (_SHUFFLES + 1) > _P_MAX:
        return []
    middle = low + at
    return [*_split(values, low, middle, random), middle, *_split(values, middle, high, random)]


def _largest(signs: NDArray[np.float64]) -> tuple[float, int]:
    """Return the largest standardised difference of neighbours, and where the later ones begin.

    ``signs[i, j]`` is the sign of figure j minus figure i; its sum over a before and an after is Mann and Whitney's.
    """
    size = signs.shape[0]
    sums = np.zeros((size + 1, size + 1))
    sums[1:, 1:] = signs.cumsum(axis=0).cumsum(axis=1)
    at = np.arange(SIDE_MIN, size - SIDE_MIN + 1)
    low, high = np.maximum(0, at - SIDE_MAX), np.minimum(size, at + SIDE_MAX)
    differing = np.abs(sums[at, high] - sums[low, high] - sums[at, at] + sums[low, at])
    before, after = at - low, high - at
    statistic = differing / np.sqrt(before * after * (before + after + 1) / 3)
    best = int(np.argmax(statistic))
    return float(statistic[best]), int(at[best])
