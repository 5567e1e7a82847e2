"""Did the worker stay within its memory budget?

Judged by the kernel's high-water mark, which can't be missed between two samples; where there is no cgroup, by the
resident set's own. It does not ask why: that is the profiled arm's work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.checkers.base import mib
from harness.results import Verdict

if TYPE_CHECKING:
    from harness.checkers.base import Case
    from harness.results import CheckResult
    from harness.scenario.expectations import MemoryBudget

NAME = "memory budget"


def check(case: Case, expected: MemoryBudget) -> CheckResult:
    """Fail where a life's highest mark is above the budget; pass where every life has a final one below it."""
    threshold = f"peak at most {mib(expected.peak_at_most)}"
    lives = case.trial.lives
    if not lives:
        return case.result(NAME, Verdict.UNKNOWN, "the worker was never started", threshold)
    highest = max(lives, key=lambda life: life.peak_bytes)
    source = "cgroup" if highest.peak_cgroup_bytes else "resident set"
    measured = f"peak {mib(highest.peak_bytes)} ({source})"
    over_bytes = highest.peak_bytes - expected.peak_at_most
    if over_bytes > 0:
        detail = f"{over_bytes} bytes above. Run again with --profile to see which allocations were alive at the peak."
        return case.result(NAME, Verdict.FAIL, measured, threshold, detail)
    if any(life.peak_bytes == 0 or life.ended_s is None for life in lives):
        detail = "The last high-water mark of a life was never read: it may have gone higher."
        return case.result(NAME, Verdict.UNKNOWN, measured, threshold, detail)
    return case.result(NAME, Verdict.PASS, measured, threshold)
