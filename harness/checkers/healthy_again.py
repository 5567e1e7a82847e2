"""Does memory come back to its healthy level once the trigger is gone?

Judges the resident set of a worker that is alive, with everything drained. What it used in between is the memory
budget's to judge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.checkers.base import mib
from harness.record import Verdict

if TYPE_CHECKING:
    from harness.checkers.base import Case
    from harness.record import CheckResult, TrialRecord
    from harness.scenario.expectations import ReturnsToHealthy

NAME = "memory healthy again"
_END_WINDOW_S = 2.0


def final_bytes(trial: TrialRecord) -> float | None:
    """Return the median resident set of the last seconds on record."""
    if not trial.memory.t_s.size:
        return None
    tail = trial.memory.rss_bytes[trial.memory.t_s >= trial.memory.t_s[-1] - _END_WINDOW_S]
    return float(np.median(tail))


def check(case: Case, expected: ReturnsToHealthy) -> CheckResult:
    """Pass where the end is at most ``at_most``; unknown without a complete drain or a live worker."""
    trial = case.trial
    final = final_bytes(trial)
    threshold = f"at most {mib(expected.at_most)} at the end"
    if final is None:
        return case.result(NAME, Verdict.UNKNOWN, "memory was not sampled", threshold)
    measured = f"{mib(final)} at the end"
    if trial.drain is None or not trial.drain.complete:
        return case.result(NAME, Verdict.UNKNOWN, measured, threshold, "The queues were not drained.")
    if not trial.incarnations or trial.incarnations[-1].ended_by != "harness":
        detail = "No worker was alive at the end: what the last one used says nothing about recovery."
        return case.result(NAME, Verdict.UNKNOWN, measured, threshold, detail)
    return case.result(NAME, Verdict.PASS if final <= expected.at_most else case.missed, measured, threshold)
