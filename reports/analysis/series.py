"""Prepares long series for drawing: thins them with their peaks kept, and splits them where samples are missing.

Used by ``reports.charts``. A mean or every n-th sample would shave off the very spike that a memory chart is read for.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BUCKETS = 500  # two points each: more than a chart has pixels
_GAP_FACTOR = 10.0


def keep_extremes(
    x: NDArray[np.float64], y: NDArray[np.float64], buckets: int = BUCKETS
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return at most ``2 * buckets + 2`` of the points: the lowest and highest of each bucket, the first and the last.

    Points without a value (NaN) are dropped. ``x`` must not decrease; its order is kept.
    """
    known = np.isfinite(y)
    x, y = x[known], y[known]
    chosen = extremes_of(y, buckets)
    return x[chosen], y[chosen]


def extremes_of(y: NDArray[np.float64], buckets: int = BUCKETS) -> NDArray[np.int64]:
    """Return the places of the lowest and highest of each bucket, of the first and of the last; ``y`` holds no NaN."""
    if y.size <= 2 * buckets + 2:
        return np.arange(y.size)
    edges = np.linspace(0, y.size, buckets + 1).astype(np.int64)
    kept = {0, y.size - 1}
    for start, end in pairwise(edges):
        kept.add(int(start + np.argmin(y[start:end])))
        kept.add(int(start + np.argmax(y[start:end])))
    return np.array(sorted(kept), dtype=np.int64)


def split_at_gaps(
    x: NDArray[np.float64], y: NDArray[np.float64]
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Return the stretches between gaps: a line is not drawn over missing data.

    A gap is ten times the usual distance between two points: room for a late sample, not for a worker that was down.
    Where ``x`` goes backwards a new stretch begins too.
    """
    if x.size == 0:
        return []
    steps = np.diff(x)
    at = (
        np.flatnonzero((steps > _GAP_FACTOR * np.median(steps)) | (steps < 0)) + 1
        if steps.size
        else np.empty(0, dtype=np.int64)
    )
    return list(zip(np.split(x, at), np.split(y, at), strict=True))
