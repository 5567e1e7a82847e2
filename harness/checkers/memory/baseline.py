"""Is memory back at its own level from before the workload, once everything is drained?

Judges the worker's own memory against what the same incarnation used in a phase before the workload. ``healthy`` judges
it against a number of the scenario's; ``growth`` what work adds on the way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.checkers.check import Check, Shrinks, Size
from harness.fields.strict import Name, SizeBytes, Strict
from harness.record import EndedBy, Verdict
from harness.record.facts import mib, own_bytes_at_rest, own_bytes_at_the_end

if TYPE_CHECKING:
    from harness.checkers.case import Case
    from harness.record import CheckResult, TrialRecord


class ReturnsToBaseline(Strict):
    """Once everything is drained, memory is at most this far above its level in a phase before the workload."""

    baseline: Name
    above_at_most: SizeBytes


def baseline_bytes(trial: TrialRecord, phase: str) -> float | None:
    """Return the worker's own memory in the second half of ``phase``, when the worker has warmed up."""
    span = next((span for span in trial.phases if span.name == phase), None)
    if span is None:
        return None
    return own_bytes_at_rest(trial.memory, (span.start_s + span.end_s) / 2, span.end_s)


def check(case: Case, expected: ReturnsToBaseline) -> CheckResult:
    """Pass where the end is at most ``above_at_most`` over the baseline; unknown unless one incarnation was drained."""
    trial = case.trial
    threshold = f"at most {mib(expected.above_at_most)} above {expected.baseline}"
    baseline, final = baseline_bytes(trial, expected.baseline), own_bytes_at_the_end(trial)
    if baseline is None or final is None:
        missing = "the end" if final is None else f"the phase {expected.baseline}"
        return case.result(CHECK.name, Verdict.UNKNOWN, f"memory was not sampled in {missing}", threshold)
    measured = f"{mib(final - baseline)} above {mib(baseline)}"
    if len(trial.incarnations) != 1 or trial.incarnations[0].ended_by != EndedBy.HARNESS:
        detail = "A worker that was restarted, or is gone, does not show what the workload left in it."
        return case.result(CHECK.name, Verdict.UNKNOWN, measured, threshold, detail)
    within = final - baseline <= expected.above_at_most
    return case.result(CHECK.name, Verdict.PASS if within else case.missed, measured, threshold)


CHECK = Check(
    "memory back at baseline",
    check,
    ReturnsToBaseline,
    key="returns_to_baseline",
    needs_drain=True,
    sizes=(Size("above_at_most", Shrinks.TO_A_TENTH, within_limit=False),),
    phases=("baseline",),
)
