"""The rule: red where a change for the worse is significant *and* larger than the effect that is let pass.

Significant means that the 99 % bootstrap interval of the change of the medians leaves zero out. Either condition alone
would be wrong: with enough repeats a few kilobytes are significant, and with few of them chance is large. Pure; numpy
alone. The same samples always give the same interval: the resampling has a seed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.gate.metrics import METRICS
from harness.record import Verdict
from harness.record.gate import BASELINE, CANDIDATE, Comparison

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from harness.gate.metrics import Metric
    from harness.record.gate import Repeat

RESAMPLES = 4000
_INTERVAL = (0.5, 99.5)  # per cent
_SEED = 1142
_BUILDS = (BASELINE, CANDIDATE)
REPEATS_MIN = 3  # with fewer there is no interval


def compare(repeats: Sequence[Repeat], effects: Mapping[str, float]) -> tuple[Comparison, ...]:
    """Return a comparison for each metric; ``effects`` replaces the metrics' own by name.

    One that is not ``needed`` is left out where too few repeats of a build have it: the workload can't show it.
    """
    return tuple(
        _compared(metric, repeats, effects.get(metric.name, metric.effect))
        for metric in METRICS
        if metric.needed or all(samples(repeats, each, metric.name).size >= REPEATS_MIN for each in _BUILDS)
    )


def samples(repeats: Sequence[Repeat], build: str, metric: str) -> NDArray[np.float64]:
    """Return the figures of one build."""
    return np.array([each.figures[metric] for each in repeats if each.build == build and metric in each.figures])


def _compared(metric: Metric, repeats: Sequence[Repeat], effect: float) -> Comparison:
    a, b = samples(repeats, BASELINE, metric.name), samples(repeats, CANDIDATE, metric.name)
    medians = [float(np.median(each)) if each.size else 0.0 for each in (a, b)]
    change = low = high = 0.0
    verdict = Verdict.UNKNOWN
    if min(a.size, b.size) >= REPEATS_MIN:
        lows, highs = interval(a[np.newaxis], b[np.newaxis], relative=metric.relative)
        changes = change_of(np.array(medians[:1]), np.array(medians[1:]), relative=metric.relative)
        red = is_red(changes, lows, highs, effect, worse_up=metric.worse_up)
        change, low, high = float(changes[0]), float(lows[0]), float(highs[0])
        verdict = Verdict.FAIL if red[0] else Verdict.PASS
    return Comparison(
        metric=metric.name,
        unit=metric.unit,
        relative=metric.relative,
        worse_up=metric.worse_up,
        baseline=medians[0],
        candidate=medians[1],
        change=change,
        low=low,
        high=high,
        effect=effect,
        verdict=verdict,
    )


def change_of(a: NDArray[np.float64], b: NDArray[np.float64], *, relative: bool) -> NDArray[np.float64]:
    """Return how far b is above a, as a share of a or as a difference."""
    return np.asarray(b / a - 1 if relative else b - a)


def interval(
    a: NDArray[np.float64], b: NDArray[np.float64], *, relative: bool, resamples: int = RESAMPLES
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the ends of the bootstrap interval, for each row of ``a`` beside the same row of ``b``."""
    random = np.random.default_rng(_SEED)
    medians = [
        np.median(each[:, random.integers(0, each.shape[1], (resamples, each.shape[1]))], axis=2) for each in (a, b)
    ]
    low, high = np.percentile(change_of(*medians, relative=relative), _INTERVAL, axis=1)
    return low, high


def is_red(
    change: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    effect: float,
    *,
    worse_up: bool,
) -> NDArray[np.bool_]:
    """Say where the change is for the worse, significant, and larger than ``effect``."""
    if worse_up:
        return (low > 0) & (change > effect)
    return (high < 0) & (change < -effect)
