"""Did the worker stay within its memory budget; or, where a scenario says that a remedy does not hold it, go beyond it?

Judged by the kernel's high-water mark, which can't be missed between two samples; where there is no cgroup, by the
resident set's own. It does not ask why: that is the profiled arm's work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.checkers.base import mib
from harness.results import Verdict

if TYPE_CHECKING:
    from harness.checkers.base import Case
    from harness.results import CheckResult, WorkerLife
    from harness.scenario.expectations import MemoryBudget, OverBudget

NAME = "memory budget"
OVER = "over the budget"


def check(case: Case, expected: MemoryBudget) -> CheckResult:
    """Missed where a life's highest mark is above its budget; pass where every life has a final one within it."""
    threshold = f"peak at most {mib(expected.peak_at_most)}"
    if expected.rss_at_most is not None:
        threshold += f", resident set at most {mib(expected.rss_at_most)}"
    lives = case.trial.lives
    if not lives:
        return case.result(NAME, Verdict.UNKNOWN, "the worker was never started", threshold)
    highest = max(lives, key=lambda life: life.peak_bytes)
    source = "cgroup" if highest.peak_cgroup_bytes else "resident set"
    measured = f"peak {mib(highest.peak_bytes)} ({source})"
    rss_bytes = max(life.peak_rss_bytes or 0 for life in lives)
    if expected.rss_at_most is not None:
        measured += f", resident set {mib(rss_bytes)}"
    over_bytes = highest.peak_bytes - expected.peak_at_most
    if over_bytes <= 0 and expected.rss_at_most is not None:
        over_bytes = rss_bytes - expected.rss_at_most
    if over_bytes > 0:
        detail = f"{over_bytes} bytes above. Run again with --profile to see which allocations were alive at the peak."
        return case.result(NAME, case.missed, measured, threshold, detail)
    if any(life.ended_s is None or _unread(life, expected) for life in lives):
        detail = "The last high-water mark of a life was never read: it may have gone higher."
        return case.result(NAME, Verdict.UNKNOWN, measured, threshold, detail)
    return case.result(NAME, Verdict.PASS, measured, threshold)


def _unread(life: WorkerLife, expected: MemoryBudget) -> bool:
    return life.peak_bytes == 0 or (expected.rss_at_most is not None and life.peak_rss_bytes is None)


def check_over(case: Case, expected: OverBudget) -> CheckResult:
    """Pass where the highest mark is at least ``peak_at_least``: one that was never read can only be higher."""
    threshold = f"peak at least {mib(expected.peak_at_least)}"
    peaks = [life.peak_bytes for life in case.trial.lives if life.peak_bytes]
    if not peaks:
        return case.result(OVER, Verdict.UNKNOWN, "no peak was ever read", threshold)
    verdict = Verdict.PASS if max(peaks) >= expected.peak_at_least else case.missed
    detail = "" if verdict is Verdict.PASS else "This worker needed less than is known of it: look again at the claim."
    return case.result(OVER, verdict, f"peak {mib(max(peaks))}", threshold, detail)
