"""Does the system recover by itself once the trigger is gone, and how long does it take?

A system that stays down after its trigger was removed is metastable: restarting it is no cure. Judged by the broker's
queue: from the beginning of a phase to the moment from which on nothing was ready and nothing unacknowledged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.checkers.check import Check
from harness.fields.strict import DurationS, Name, Strict
from harness.record import Verdict

if TYPE_CHECKING:
    from harness.checkers.case import Case
    from harness.record import CheckResult, TrialRecord


class Recovers(Strict):
    """Once this phase has begun, the backlog is gone within a time, and does not come back."""

    phase: Name
    within: DurationS


def settled_after_s(trial: TrialRecord, phase: str) -> float | None:
    """Return real seconds from the phase's beginning until the queue was empty for good; None where it never was."""
    begin_s = next((span.start_s for span in trial.phases if span.name == phase), None)
    if begin_s is None or not trial.queue or trial.queue[-1].ready + trial.queue[-1].unacked > 0:
        return None
    busy_s = [sample.t_s for sample in trial.queue if sample.ready + sample.unacked > 0]
    return max(0.0, busy_s[-1] - begin_s) if busy_s else 0.0


def check(case: Case, expected: Recovers) -> CheckResult:
    """Pass where the backlog was gone in time; missed where it was not, or never went; unknown where not sampled."""
    scale = case.run.manifest.time_scale
    threshold = f"within {expected.within:.0f} s of incident time from the beginning of {expected.phase}"
    if not case.trial.queue or all(span.name != expected.phase for span in case.trial.phases):
        return case.result(CHECK.name, Verdict.UNKNOWN, "the phase was never sampled", threshold)
    after_s = settled_after_s(case.trial, expected.phase)
    if after_s is None:
        last = case.trial.queue[-1]
        return case.result(
            CHECK.name, case.missed, f"never: {last.ready} ready, {last.unacked} unacknowledged", threshold
        )
    verdict = Verdict.PASS if after_s * scale <= expected.within else case.missed
    return case.result(CHECK.name, verdict, f"after {after_s * scale:.0f} s ({after_s:.1f} s of real time)", threshold)


CHECK = Check("recovers by itself", check, Recovers, key="recovers", phases=("phase",))
