"""Did the worker stay within its memory budget; or, where a scenario says that a remedy does not hold it, go beyond it?

Judged by the kernel's high-water mark, which can't be missed between two samples; where there is no cgroup, by the
resident set's own. It does not ask why: that is the profiled arm's work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.checkers.base import mib
from harness.record import Verdict

if TYPE_CHECKING:
    from harness.checkers.base import Case
    from harness.record import CheckResult, Incarnation
    from harness.scenario.expectations import MemoryBudget, OverBudget

NAME = "memory budget"
OVER = "over the budget"


def check(case: Case, expected: MemoryBudget) -> CheckResult:
    """Missed where an incarnation's highest mark is above its budget.

    Pass where every incarnation has a final one within it.
    """
    threshold = f"peak at most {mib(expected.peak_at_most)}"
    if expected.rss_at_most is not None:
        threshold += f", resident set at most {mib(expected.rss_at_most)}"
    incarnations = case.trial.incarnations
    if not incarnations:
        return case.result(NAME, Verdict.UNKNOWN, "the worker was never started", threshold)
    highest = max(incarnations, key=lambda incarnation: incarnation.peak_bytes)
    source = "cgroup" if highest.peak_cgroup_bytes else "resident set"
    measured = f"peak {mib(highest.peak_bytes)} ({source})"
    rss_bytes = max(incarnation.peak_rss_bytes or 0 for incarnation in incarnations)
    if expected.rss_at_most is not None:
        measured += f", resident set {mib(rss_bytes)}"
    over_bytes = highest.peak_bytes - expected.peak_at_most
    if over_bytes <= 0 and expected.rss_at_most is not None:
        over_bytes = rss_bytes - expected.rss_at_most
    if over_bytes > 0:
        detail = f"{over_bytes} bytes above. Run again with --profile to see which allocations were alive at the peak."
        return case.result(NAME, case.missed, measured, threshold, detail)
    if any(incarnation.ended_s is None or _unread(incarnation, expected) for incarnation in incarnations):
        detail = "The last high-water mark of an incarnation was never read: it may have gone higher."
        return case.result(NAME, Verdict.UNKNOWN, measured, threshold, detail)
    return case.result(NAME, Verdict.PASS, measured, threshold)


def _unread(incarnation: Incarnation, expected: MemoryBudget) -> bool:
    return incarnation.peak_bytes == 0 or (expected.rss_at_most is not None and incarnation.peak_rss_bytes is None)


def check_over(case: Case, expected: OverBudget) -> CheckResult:
    """Pass where the highest mark is at least ``peak_at_least``: one that was never read can only be higher."""
    threshold = f"peak at least {mib(expected.peak_at_least)}"
    peaks = [incarnation.peak_bytes for incarnation in case.trial.incarnations if incarnation.peak_bytes]
    if not peaks:
        return case.result(OVER, Verdict.UNKNOWN, "no peak was ever read", threshold)
    verdict = Verdict.PASS if max(peaks) >= expected.peak_at_least else case.missed
    detail = "" if verdict is Verdict.PASS else "This worker needed less than is known of it: look again at the claim."
    return case.result(OVER, verdict, f"peak {mib(max(peaks))}", threshold, detail)
