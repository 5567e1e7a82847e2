"""Is memory back at its own level from before the workload, once everything is drained?

Judges the resident set against what the same process used in a phase before the workload. ``healthy_again`` judges it
against a number of the scenario's; ``memory_growth`` what messages add on the way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.checkers.base import mib
from harness.checkers.healthy_again import final_bytes
from harness.record import Verdict

if TYPE_CHECKING:
    from harness.checkers.base import Case
    from harness.record import CheckResult, TrialRecord
    from harness.scenario.expectations import ReturnsToBaseline

NAME = "memory back at baseline"


def baseline_bytes(trial: TrialRecord, phase: str) -> float | None:
    """Return the median resident set in the second half of ``phase``, when the worker has warmed up."""
    span = next((span for span in trial.phases if span.name == phase), None)
    if span is None:
        return None
    middle_s = (span.start_s + span.end_s) / 2
    inside = trial.memory.rss_bytes[(trial.memory.t_s >= middle_s) & (trial.memory.t_s <= span.end_s)]
    return float(np.median(inside)) if inside.size else None


def check(case: Case, expected: ReturnsToBaseline) -> CheckResult:
    """Pass where the end is at most ``above_at_most`` over the baseline; unknown unless one incarnation was drained."""
    trial = case.trial
    threshold = f"at most {mib(expected.above_at_most)} above {expected.baseline}"
    baseline, final = baseline_bytes(trial, expected.baseline), final_bytes(trial)
    if baseline is None or final is None:
        missing = "the end" if final is None else f"the phase {expected.baseline}"
        return case.result(NAME, Verdict.UNKNOWN, f"memory was not sampled in {missing}", threshold)
    measured = f"{mib(final - baseline)} above {mib(baseline)}"
    if trial.drain is None or not trial.drain.complete:
        return case.result(NAME, Verdict.UNKNOWN, measured, threshold, "The queues were not drained.")
    if len(trial.incarnations) != 1 or trial.incarnations[0].ended_by != "harness":
        detail = "A worker that was restarted, or is gone, does not show what the workload left in it."
        return case.result(NAME, Verdict.UNKNOWN, measured, threshold, detail)
    within = final - baseline <= expected.above_at_most
    return case.result(NAME, Verdict.PASS if within else case.missed, measured, threshold)
