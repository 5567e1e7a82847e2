"""How many repeats it takes to find a change of the peak with a wanted power: by playing the rule on invented samples.

Used by the gate after its first repeats, from their spread alone: whether the builds differ plays no part in it, so
that looking does not bias the verdict. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.gate.comparison import change_of, interval, is_red, samples
from harness.gate.metrics import PEAK
from harness.record.gate import BASELINE, CANDIDATE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.record.gate import Repeat

PILOT = 4  # repeats of each build that are always played: fewer say too little of the spread
REPEATS_MAX = 12  # of each build; beyond them a gate takes longer than anybody waits
_SETS = 400  # invented for each number of repeats: a power is known to ± 2 %
_RESAMPLES = 400
_SEED = 7
# The spread of two times four repeats is itself uncertain: with six degrees of freedom the true one is below 1.4 times
# what was seen in nine of ten cases.
_SPREAD_MARGIN = 1.4


@dataclass(frozen=True, slots=True)
class Needed:
    """How many repeats of each build are needed, and why."""

    repeats: int
    power: float  # with that many
    spread: float  # of one repeat's peak, as a share; the margin is in it

    def text(self, find: float, wanted: float) -> str:
        """Return it as a sentence."""
        reached = "" if self.power >= wanted else f"; the wanted {wanted:g} would take more than {REPEATS_MAX}"
        return (
            f"{self.repeats} repeats of each build: a peak {find:+.1%} is then found with a power of {self.power:.2f}"
            f"{reached} (spread of one repeat {self.spread:.2%}, from the first {PILOT} of each build)"
        )


def needed(repeats: Sequence[Repeat], *, effect: float, find: float, power: float) -> Needed:
    """Return the smallest number of repeats that finds ``find`` with ``power``, at least PILOT, at most REPEATS_MAX."""
    spread = _spread(repeats) * _SPREAD_MARGIN
    reached = 0.0
    for number in range(PILOT, REPEATS_MAX + 1):
        reached = share_found(number, spread=spread, change=find, effect=effect)
        if reached >= power:
            return Needed(number, reached, spread)
    return Needed(REPEATS_MAX, reached, spread)


def share_found(number: int, *, spread: float, change: float, effect: float) -> float:
    """Return in which share of invented gates of ``number`` repeats a build whose peak changes by ``change`` is red."""
    random = np.random.default_rng(_SEED)
    a = random.normal(1.0, spread, (_SETS, number))
    b = random.normal(1.0, spread, (_SETS, number)) * (1 + change)
    changes = change_of(np.median(a, axis=1), np.median(b, axis=1), relative=True)
    low, high = interval(a, b, relative=True, resamples=_RESAMPLES)
    return float(np.mean(is_red(changes, low, high, effect, worse_up=True)))


def _spread(repeats: Sequence[Repeat]) -> float:
    """Return the standard deviation of one repeat's peak as a share of its build's median, pooled over the builds."""
    residuals: list[float] = []
    builds = 0
    for build in (BASELINE, CANDIDATE):
        peaks = samples(repeats, build, PEAK)
        if peaks.size > 1:
            residuals += list(peaks / peaks.mean() - 1)
            builds += 1
    freedom = len(residuals) - builds
    return float(np.sqrt(np.sum(np.square(residuals)) / freedom)) if freedom > 0 else 0.0
