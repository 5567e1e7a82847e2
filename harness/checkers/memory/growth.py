"""Does the worker's memory grow with its work, steadily or in a step? A leak is a slope, long before it is a peak.

The worker's own memory, all processes together, within each incarnation and after a warm-up, in two ways. *Slope*: over
the messages it finished, by the broker's count, where it finished enough of them, else over its attempts (deliveries,
or calls of the dependency); Theil–Sen's through medians of equal stretches. *Kept*: the level at rest in the end above
the level after the warm-up, whenever it came: what an outage leaves in which nothing is finished is no slope over
messages. Which line of code keeps it is the profiled arm's to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.checkers.check import Check, Shrinks, Size
from harness.checkers.memory.slope import POINTS_MIN, Slope, pooled_theil_sen, window_medians
from harness.fields.strict import Fraction, SizeBytes, Strict
from harness.record import MIB, Verdict
from harness.record.facts import mib

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from harness.checkers.case import Case
    from harness.record import CheckResult, TrialRecord

WARM_UP_SHARE = 0.1  # of the messages: imports, pools, arenas and caches grow once and stay
_WINDOWS = 24  # each holds enough samples for a median, and there are enough of them for an interval
_WINDOWS_MIN = 4  # of one incarnation, where there are many
_FINISHED_MIN = 50  # fewer finished messages are no measure of work; attempts are, then
_END_S = 1.0  # of an incarnation or a phase, and as long a look at its beginning
# What an interpreter adds where it meets a path for the first time: imports, caches, an arena of 1 MiB or two.
_FIRST_TIME_BYTES = 4 * MIB
# An allocator keeps part of the highest use at once, at most this share; more of it stays only where it is referenced.
_ALLOCATOR_SHARE = 0.5


class MemoryGrowth(Strict):
    """A thousand finished messages add no more than this to the worker's own memory, after a warm-up.

    Neither as a slope, nor kept in the end of whatever came in between: an outage, a step. Where it finished fewer than
    50 messages, a thousand attempts.
    """

    per_1000_at_most: SizeBytes
    warm_up: Fraction = WARM_UP_SHARE  # of the messages


@dataclass(frozen=True, slots=True)
class Growth:
    """What work added to the worker's memory. The slope is per thousand, with the ends of its 95 % interval."""

    per_1000_bytes: float
    low_bytes: float
    high_bytes: float
    messages: int  # that it was measured over; attempts, where ``unit`` says so
    unit: str = "messages"
    kept_bytes: float = 0.0  # at rest in the end, above the level after the warm-up, all incarnations together
    unsure_bytes: float = 0.0  # by how much the levels at rest vary
    peak_rise_bytes: float = 0.0  # the highest use at once above the level after the warm-up
    gradual_bytes: float = 0.0  # of what is kept: what slopes within phases account for, over attempts
    per_1000_attempts_bytes: float | None = None
    step_bytes: float = 0.0  # the largest step between levels before and after a phase
    step_in: str = ""  # that phase

    @property
    def smallest_kept_bytes(self) -> float:
        """The least that this run could have shown to be kept."""
        return self.unsure_bytes + _FIRST_TIME_BYTES

    def too_much_kept(self, per_1000_bytes: float) -> bool | None:
        """Return whether more was kept than so much per thousand; None where the levels vary too much to tell.

        What an allocator can have kept of the highest use at once is no growth, unless it came bit by bit.
        """
        allowed = per_1000_bytes * self.messages / 1000 + _FIRST_TIME_BYTES
        if self.kept_bytes - self.unsure_bytes > allowed:
            return self.kept_bytes > _ALLOCATOR_SHARE * self.peak_rise_bytes or self.gradual_bytes > allowed
        if self.kept_bytes + self.unsure_bytes <= allowed:
            return False
        return False if self.kept_bytes <= _ALLOCATOR_SHARE * self.peak_rise_bytes else None


@dataclass(frozen=True, slots=True)
class _Stretch:
    """The samples of one incarnation after its warm-up, in order of time, with the work done by each."""

    t_s: NDArray[np.float64]
    own: NDArray[np.float64]
    work: NDArray[np.float64]
    attempts: NDArray[np.float64]
    busy: NDArray[np.bool_]  # before the last of its work was done


def growth(trial: TrialRecord, warm_up_share: float = WARM_UP_SHARE) -> Growth | None:
    """Return the growth in a trial, measured within each incarnation; None with too little work or too few samples."""
    if not trial.incarnations or not trial.memory.t_s.size:
        return None
    t_s = trial.memory.t_s
    finished, attempts = _finished(trial, t_s), _attempts(trial, t_s)
    enough = bool(finished.size) and finished[-1] - finished[0] >= _FINISHED_MIN
    few_attempts = not attempts.size or attempts[-1] <= (finished[-1] if finished.size else 0.0)
    work, unit = (finished, "messages") if finished.size and (enough or few_attempts) else (attempts, "attempts")
    if not work.size:
        return None
    attempts = attempts if attempts.size else work
    stretches = [*_stretches(trial, work, attempts, warm_up_share)]
    slope = _slope([(each.work[each.busy], each.own[each.busy]) for each in stretches])
    if slope is None:
        return None
    over_attempts = _slope([(each.attempts[each.busy], each.own[each.busy]) for each in stretches])
    kept, unsure, rise = np.sum([_kept(each) for each in stretches], axis=0)
    step, step_in = max((found for each in stretches for found in _steps(trial, each)), default=(0.0, ""))
    return Growth(
        slope.per_unit * 1000,
        slope.low * 1000,
        slope.high * 1000,
        round(sum(float(each.work[-1] - each.work[0]) for each in stretches)),
        unit,
        float(kept),
        float(unsure),
        float(rise),
        sum(_gradual(trial, each) for each in stretches),
        over_attempts.per_unit * 1000 if over_attempts is not None else None,
        step,
        step_in,
    )


def _finished(trial: TrialRecord, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the messages finished by each moment; empty where the broker was not asked twice."""
    if len(trial.queue) < 2:  # noqa: PLR2004 - an interpolation needs two points
        return np.empty(0)
    return np.interp(t_s, [each.t_s for each in trial.queue], [float(each.acked) for each in trial.queue])


def _attempts(trial: TrialRecord, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the attempts by each moment: deliveries, or calls of the dependency where there were more of those."""
    calls = np.sort([call.arrived_s for call in trial.calls if call.primary])
    delivered = max((sample.delivered for sample in trial.queue), default=0)
    if calls.size >= delivered:
        return np.searchsorted(calls, t_s, side="right").astype(np.float64) if calls.size else np.empty(0)
    return np.interp(t_s, [each.t_s for each in trial.queue], [float(each.delivered) for each in trial.queue])


def _stretches(
    trial: TrialRecord, work: NDArray[np.float64], attempts: NDArray[np.float64], warm_up_share: float
) -> Iterator[_Stretch]:
    """Yield each incarnation's samples after its warm-up; one that did no work, or was not sampled, is left out."""
    own = trial.memory.own_bytes
    for incarnation in trial.incarnations:
        mine = (trial.memory.incarnation == incarnation.index) & ~np.isnan(own)
        if not mine.any():
            continue
        first, last = work[mine][0], work[mine][-1]
        warm = mine & (work > first + (last - first) * warm_up_share)
        if warm.any() and last > first:
            yield _Stretch(trial.memory.t_s[warm], own[warm], work[warm], attempts[warm], work[warm] < last)


def _slope(strata: list[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> Slope | None:
    windows = max(_WINDOWS_MIN, _WINDOWS // max(1, len(strata)))
    return pooled_theil_sen([window_medians(x, y, windows) for x, y in strata])


def _kept(stretch: _Stretch) -> tuple[float, float, float]:
    """Return what an incarnation kept, by how much that is unsure, and the rise of its highest use.

    A busy worker's level is the lower end of its samples: what is in hand comes and goes.
    """
    start = stretch.own[stretch.t_s <= stretch.t_s[0] + _END_S]
    end = stretch.own[stretch.t_s >= stretch.t_s[-1] - _END_S]
    low, high = _level(start), _level(end)
    unsure = (float(np.median(start)) - low) / 2 + (float(np.median(end)) - high) / 2
    return high - low, unsure, float(stretch.own.max()) - low


def _level(samples: NDArray[np.float64]) -> float:
    return float(np.quantile(samples, 0.1))


def _steps(trial: TrialRecord, stretch: _Stretch) -> Iterator[tuple[float, str]]:
    """Yield by how much the level at rest rose over each phase of an incarnation, with the phase's name."""
    for span in trial.phases:
        before = stretch.own[(stretch.t_s >= span.start_s - _END_S) & (stretch.t_s <= span.start_s)]
        after = stretch.own[(stretch.t_s >= span.end_s - _END_S) & (stretch.t_s <= span.end_s)]
        if before.size and after.size:
            yield _level(after) - _level(before), span.name


def _gradual(trial: TrialRecord, stretch: _Stretch) -> float:
    """Return what the slopes over attempts within phases add up to, each by its interval's low end."""
    total = 0.0
    for span in trial.phases:
        inside = (stretch.t_s >= span.start_s) & (stretch.t_s <= span.end_s)
        x, y = stretch.attempts[inside], stretch.own[inside]
        slope = pooled_theil_sen([window_medians(x, y, _WINDOWS)]) if x.size else None
        if slope is not None:
            total += max(0.0, slope.low) * float(x[-1] - x[0])
    return total


def check(case: Case, expected: MemoryGrowth) -> CheckResult:
    """Pass where slope and kept memory are within the threshold, fail where one is above it for sure; else unknown."""
    bound = expected.per_1000_at_most
    threshold = f"at most {bound / MIB:.1f} MiB per 1,000 messages"
    found = growth(case.trial, expected.warm_up)
    if found is None:
        lives = len(case.trial.incarnations)
        detail = (
            "The worker was never started."
            if not lives
            else f"A slope needs memory samples at {POINTS_MIN} different counts of finished messages: play more."
        )
        return case.result(CHECK.name, Verdict.UNKNOWN, "no slope", threshold, detail)
    measured = (
        f"{found.per_1000_bytes / MIB:.1f} MiB per 1,000 {found.unit}"
        f" (95 %: {found.low_bytes / MIB:.1f} to {found.high_bytes / MIB:.1f}); {mib(found.kept_bytes)} kept"
    )
    detail = _told(found, len(case.trial.incarnations))
    kept_too_much = found.too_much_kept(bound)
    if found.low_bytes > bound or kept_too_much:
        detail += " Run again with --profile to see which allocations stay alive."
        return case.result(CHECK.name, case.missed, measured, threshold, detail)
    if found.high_bytes <= bound and kept_too_much is False:
        return case.result(CHECK.name, Verdict.PASS, measured, threshold, detail)
    detail += f" {found.messages} {found.unit} are too few to tell; play more of them."
    return case.result(CHECK.name, Verdict.UNKNOWN, measured, threshold, detail)


def _told(found: Growth, incarnations: int) -> str:
    """Say what the growth was measured over, its largest step, and what this run could have shown."""
    said = f"Over {found.messages} {found.unit}"
    said += f", within each of {incarnations} incarnations" if incarnations > 1 else ""
    if found.per_1000_attempts_bytes is not None and found.unit != "attempts":
        said += f"; {found.per_1000_attempts_bytes / MIB:.1f} MiB per 1,000 attempts"
    if found.step_in:
        said += f"; largest step {mib(found.step_bytes)}, in {found.step_in}"
    steady = (found.high_bytes - found.low_bytes) / 2 / MIB
    kept = mib(found.smallest_kept_bytes)
    return f"{said}. The smallest growth that this run could have shown: {steady:.1f} MiB per 1,000, or {kept} kept."


CHECK = Check(
    "memory growth",
    check,
    MemoryGrowth,
    key="memory_growth",
    sizes=(Size("per_1000_at_most", Shrinks.TO_A_TENTH, within_limit=False),),
)
