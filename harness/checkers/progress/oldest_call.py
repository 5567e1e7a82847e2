"""How old does a call of the dependency grow before the worker gives it up?

By the dependency's own journal, in incident time: a worker's timeout is divided by the scenario's time scale, and so a
call's length is multiplied by it. A call that was open when the record ends is as old as it was then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.checkers.check import Check
from harness.fields.strict import DurationS, Strict
from harness.record import Verdict

if TYPE_CHECKING:
    from harness.checkers.case import Case
    from harness.record import CheckResult, DependencyCall, TrialRecord


class OldestCallAtMost(Strict):
    """No call of the dependency is older than ``age``, in incident time, and one at least reached ``reached``.

    ``reached`` proves that the deadline was tried at all: without a call that old the check is unknown.
    """

    age: DurationS
    reached: DurationS


def check(case: Case, expected: OldestCallAtMost) -> CheckResult:
    """Pass where the oldest call is between ``reached`` and ``age``; unknown where none grew old."""
    threshold = f"oldest call at most {expected.age:g} s, one at least {expected.reached:g} s"
    calls = [call for call in case.trial.calls if call.primary]
    if not calls:
        return case.result(OLDEST_CALL.name, Verdict.UNKNOWN, "no call was journalled", threshold)
    end_s = _end_s(case.trial)
    scale = case.run.manifest.time_scale
    oldest = max(calls, key=lambda call: age_s(call, end_s))
    oldest_s = age_s(oldest, end_s) * scale
    measured = f"oldest of {len(calls)} calls {oldest_s:.0f} s"
    if oldest_s > expected.age:
        detail = f"The call for {oldest.message_id}, {oldest.mode}: {oldest.outcome.value}."
        return case.result(OLDEST_CALL.name, case.missed, measured, threshold, detail)
    if oldest_s < expected.reached:
        detail = "No call grew so old that a deadline had to end it."
        return case.result(OLDEST_CALL.name, Verdict.UNKNOWN, measured, threshold, detail)
    return case.result(OLDEST_CALL.name, Verdict.PASS, measured, threshold)


def age_s(call: DependencyCall, end_s: float) -> float:
    """Return how long a call lasted, in replay seconds; one without an end lasted until ``end_s`` at least."""
    return call.duration_s if call.duration_s is not None else max(0.0, end_s - call.arrived_s)


def _end_s(trial: TrialRecord) -> float:
    """Return the last moment at which a worker was running, else the end of the last phase."""
    ends_s = [incarnation.ended_s for incarnation in trial.incarnations if incarnation.ended_s is not None]
    return max(ends_s, default=max((phase.end_s for phase in trial.phases), default=0.0))


OLDEST_CALL = Check("oldest call", check, OldestCallAtMost, key="oldest_call_at_most")
