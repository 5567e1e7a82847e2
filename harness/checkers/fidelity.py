"""How near does the memory curve come to the report's minute table?

For each reported point before the kill the nearest value of the reported range is compared with the resident set at
that incident time, as a factor; the typical factor is 2 to the root mean square of the base-2 logarithms, so 1.0 is a
perfect fit and 2.0 "off by two, typically". The last point is the kill itself: it is compared with the worker's
high-water mark, whenever that was reached, since bytes can't be hurried.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from harness.clock import replay_time
from harness.record import Verdict

if TYPE_CHECKING:
    from harness.checkers.base import Case
    from harness.record import CheckResult, ReportedPoint, TrialRecord
    from harness.scenario.expectations import Fidelity

NAME = "fidelity to the minute table"
_AROUND_S = 0.25  # the sampler's own spacing, five times over


def memory_at(trial: TrialRecord, tod_s: float) -> float | None:
    """Return the resident set around incident time ``tod_s``, in bytes; None where nothing was sampled then."""
    t_s = replay_time(trial.phases, tod_s)
    if t_s is None:
        return None
    near = trial.memory.rss_bytes[np.abs(trial.memory.t_s - t_s) <= _AROUND_S]
    return float(np.median(near)) if near.size else None


def off_by(measured_bytes: float, point: ReportedPoint) -> float:
    """Return by which factor (≥ 1) the measured value misses the reported range."""
    if measured_bytes <= 0:
        return math.inf
    return max(1.0, point.memory_low_bytes / measured_bytes, measured_bytes / point.memory_high_bytes)


def typical_factor(trial: TrialRecord, points: tuple[ReportedPoint, ...]) -> float | None:
    """Return the typical factor over all points; None where one of them was not measured."""
    if not points:
        return None
    climb, kill = points[:-1], points[-1]
    factors: list[float] = []
    for point in climb:
        measured = memory_at(trial, point.tod_s)
        if measured is None:
            return None
        factors.append(off_by(measured, point))
    peak = max((incarnation.peak_bytes for incarnation in trial.incarnations), default=0)
    if peak == 0:
        return None
    factors.append(off_by(peak, kill))
    logs = [math.log2(factor) for factor in factors]
    return 2 ** math.sqrt(sum(log * log for log in logs) / len(logs))


def check(case: Case, expected: Fidelity) -> CheckResult:
    """Pass where the typical factor is within the threshold; else this is not the incident that was recorded."""
    threshold = f"typically off by at most × {expected.typical_factor_at_most:g}"
    factor = typical_factor(case.trial, case.run.manifest.reported_points)
    if factor is None:
        return case.result(NAME, Verdict.UNKNOWN, "a reported moment was never reached or sampled", threshold)
    verdict = Verdict.PASS if factor <= expected.typical_factor_at_most else case.missed
    return case.result(NAME, verdict, f"typically off by × {factor:.2f}", threshold)
