"""Does memory come back to its healthy level once the trigger is gone?

Judges the worker's own memory, all processes together, when everything is drained and it is still alive. What it used
in between is the memory budget's to judge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.checkers.check import Check, Size
from harness.fields.strict import SizeBytes, Strict
from harness.record import EndedBy, Verdict
from harness.record.facts import mib, own_bytes_at_the_end

if TYPE_CHECKING:
    from harness.checkers.case import Case
    from harness.record import CheckResult


class ReturnsToHealthy(Strict):
    """At the end, once everything is drained, the worker's memory is back at the level it had before the workload."""

    at_most: SizeBytes


def check(case: Case, expected: ReturnsToHealthy) -> CheckResult:
    """Pass where the end is at most ``at_most``; unknown without a complete drain or a live worker."""
    final = own_bytes_at_the_end(case.trial)
    threshold = f"at most {mib(expected.at_most)} at the end"
    if final is None:
        return case.result(CHECK.name, Verdict.UNKNOWN, "memory was not sampled", threshold)
    measured = f"{mib(final)} at the end"
    if not case.trial.incarnations or case.trial.incarnations[-1].ended_by != EndedBy.HARNESS:
        detail = "No worker was alive at the end: what the last one used says nothing about recovery."
        return case.result(CHECK.name, Verdict.UNKNOWN, measured, threshold, detail)
    verdict = Verdict.PASS if final <= expected.at_most else case.missed
    return case.result(CHECK.name, verdict, measured, threshold)


# What the allocator keeps of a backlog is as much with small bodies: measured 160 MiB, and 160 to 192 in full.
CHECK = Check(
    "memory healthy again",
    check,
    ReturnsToHealthy,
    key="returns_to_healthy",
    needs_drain=True,
    sizes=(Size("at_most"),),
    small_without=("oom_killed",),
)
