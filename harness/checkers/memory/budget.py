"""Did the worker stay within its memory budget; or, where a scenario says that a remedy does not hold it, go beyond it?

The kernel keeps a high-water mark of all that is charged to the worker's cgroup, file pages that it can drop included.
The working set, which the budget bounds unless it says otherwise, is sampled, and what sampling can have missed is
bounded by that mark: ``harness.record.facts.peak``. It does not ask why: that is the profiled arm's work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.checkers.check import Check, Size
from harness.fields.strict import SizeBytes, Strict
from harness.record import Verdict
from harness.record.facts import AT_THE_LIMIT, MemoryKind, highest_peak, limit_bytes, mib, of_kind, peak

if TYPE_CHECKING:
    from harness.checkers.case import Case
    from harness.record import CheckResult
    from harness.record.facts import Peak

_WORDS = {
    MemoryKind.WORKING_SET: "working set",
    MemoryKind.ANONYMOUS: "anonymous memory",
    MemoryKind.RSS: "resident sets",
    MemoryKind.CGROUP: "all that is charged to the cgroup",
}


class MemoryBudget(Strict):
    """The worker's memory, all processes together, stays within this: its working set, or the kind that `of` names.

    A peak that is above for sure misses the budget, one that is within it whatever sampling can have missed keeps it;
    in between is unknown. Without a cgroup it is the resident sets. File pages that the kernel can drop count only for
    `cgroup`. `rss_at_most` bounds the resident sets beside it.
    """

    peak_at_most: SizeBytes
    of: MemoryKind = MemoryKind.WORKING_SET
    rss_at_most: SizeBytes | None = None


class OverBudget(Strict):
    """The worker's working set goes at least this far: the remedy does not hold it. What `fixed` must never do."""

    peak_at_least: SizeBytes


def check(case: Case, expected: MemoryBudget) -> CheckResult:
    """Missed where a peak is above its budget for sure; pass where every one is within it for sure."""
    threshold = f"{_WORDS[expected.of]} at most {mib(expected.peak_at_most)}"
    if expected.rss_at_most is not None:
        threshold += f", resident sets at most {mib(expected.rss_at_most)}"
    incarnations = case.trial.incarnations
    if not incarnations:
        return case.result(BUDGET.name, Verdict.UNKNOWN, "the worker was never started", threshold)
    bounds = [(expected.of, expected.peak_at_most)]
    if expected.rss_at_most is not None:
        bounds.append((MemoryKind.RSS, expected.rss_at_most))
    peaks = [(peak(case.trial, each, kind), bound) for kind, bound in bounds for each in incarnations]
    highest = max((found for found, _ in peaks[: len(incarnations)]), key=lambda found: found.low_bytes)
    measured = f"peak {mib(highest.low_bytes)} ({_WORDS[highest.kind]})"
    if expected.rss_at_most is not None:
        measured += f", {mib(max(found.low_bytes for found, _ in peaks[len(incarnations) :]))} (resident sets)"
    made_of = _made_of(case, highest)
    if over := [(found, bound) for found, bound in peaks if found.low_bytes > bound]:
        found, bound = over[0]
        kind, excess = _WORDS[found.kind].capitalize(), found.low_bytes - bound
        above = f"{kind} {excess:.0f} bytes above in incarnation {found.incarnation}"
        detail = f"{above}. {made_of}Run again with --profile to see which allocations were alive at the peak."
        return case.result(BUDGET.name, case.missed, measured, threshold, detail)
    if unsure := [(found, bound) for found, bound in peaks if found.high_bytes > bound]:
        return case.result(
            BUDGET.name, Verdict.UNKNOWN, measured, threshold, f"{_doubt(unsure[0][0])} {made_of}".strip()
        )
    return case.result(BUDGET.name, Verdict.PASS, measured, threshold, made_of.strip())


def check_over(case: Case, expected: OverBudget) -> CheckResult:
    """Pass where the highest peak is at least ``peak_at_least``: one that was never read can only be higher."""
    threshold = f"working set at least {mib(expected.peak_at_least)}"
    found = highest_peak(case.trial)
    if found is None:
        return case.result(OVER.name, Verdict.UNKNOWN, "no peak was ever read", threshold)
    verdict = Verdict.PASS if found.low_bytes >= expected.peak_at_least else case.missed
    detail = "" if verdict is Verdict.PASS else "This worker needed less than is known of it: look again at the claim."
    return case.result(OVER.name, verdict, f"peak {mib(found.low_bytes)} ({_WORDS[found.kind]})", threshold, detail)


def _doubt(found: Peak) -> str:
    """Say why a peak may have been higher than it was seen."""
    if np.isinf(found.high_bytes):
        return f"The last high-water mark of incarnation {found.incarnation} was never read: it may have gone higher."
    return (
        f"Between two samples it may have been {mib(found.high_bytes)}: the kernel's high-water mark lies above every"
        f" sample of incarnation {found.incarnation}, and it keeps none of the {_WORDS[found.kind]}."
    )


def _made_of(case: Case, found: Peak) -> str:
    """Say what the highest sample was made of, and what the limit was touched by; sentences with a space after each."""
    memory = case.trial.memory
    series = of_kind(memory, found.kind)
    mine = (memory.incarnation == found.incarnation) & ~np.isnan(series) & ~np.isnan(memory.cgroup_bytes)
    if not mine.any():
        return ""
    at = int(np.flatnonzero(mine)[np.argmax(series[mine])])
    kinds = (
        ("anonymous", memory.anonymous_bytes[at]),
        ("file", memory.file_bytes[at]),
        ("kernel", memory.kernel_bytes[at]),
    )
    parts = ", ".join(f"{name} {mib(size)}" for name, size in kinds if not np.isnan(size))
    dropped = memory.inactive_file_bytes[at]
    if found.kind is MemoryKind.WORKING_SET and dropped > 0:
        parts += f", less {mib(dropped)} of file pages that the kernel drops first"
    said = f"At it: {parts}. " if parts else ""
    mark = max((each.peak_cgroup_bytes or 0 for each in case.trial.incarnations), default=0)
    limit = limit_bytes(case.trial, case.run.manifest)
    if found.kind is not MemoryKind.CGROUP and mark >= AT_THE_LIMIT * limit > found.high_bytes:
        said += (
            f"The limit of {mib(limit)} was touched by file pages, which the kernel drops and are not the worker's. "
        )
    return said


BUDGET = Check(
    "memory budget",
    check,
    MemoryBudget,
    key="memory_budget",
    sizes=(Size("peak_at_most"), Size("rss_at_most", within_limit=False)),
)
OVER = Check(
    "over the budget", check_over, OverBudget, key="over_budget", only_failing=True, sizes=(Size("peak_at_least"),)
)
