"""How near does the memory curve come to the report's minute table?

For each reported point before the kill the nearest value of the reported range is compared with the worker's own memory
at that incident time, as a factor; the typical factor is 2 to the root mean square of the base-2 logarithms, so 1.0 is
a perfect fit and 2.0 "off by two, typically". The last point is the kill itself: it is compared with the worker's
high-water mark, whenever that was reached, since bytes can't be hurried.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from harness.checkers.check import Check
from harness.clock import replay_time
from harness.fields.strict import Number, Strict
from harness.record import Verdict
from harness.record.facts import own_bytes_at_rest

if TYPE_CHECKING:
    from harness.checkers.case import Case
    from harness.record import CheckResult, ReportedPoint, TrialRecord

_AROUND_S = 0.25  # the sampler's own spacing, five times over


class Fidelity(Strict):
    """How near the memory curve comes to the report's minute table, before the burst and at the kill."""

    typical_factor_at_most: Annotated[Number, Field(gt=1)]


def memory_at(trial: TrialRecord, tod_s: float) -> float | None:
    """Return the worker's own memory around incident time ``tod_s``, in bytes; None where nothing was sampled then."""
    t_s = replay_time(trial.phases, tod_s)
    return None if t_s is None else own_bytes_at_rest(trial.memory, t_s - _AROUND_S, t_s + _AROUND_S)


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
        return case.result(CHECK.name, Verdict.UNKNOWN, "a reported moment was never reached or sampled", threshold)
    verdict = Verdict.PASS if factor <= expected.typical_factor_at_most else case.missed
    return case.result(CHECK.name, verdict, f"typically off by × {factor:.2f}", threshold)


# The report's sizes are those of whole messages: a small replay has nothing to compare with them.
CHECK = Check(
    "fidelity to the minute table",
    check,
    Fidelity,
    key="fidelity",
    small_without=("fidelity",),
    needs_minute_table=True,
)
