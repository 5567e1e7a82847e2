"""Has everything settled in time: the work queue, and every queue in which a message waits for its turn?

By the broker's counts of all queues of the trial: ready, unacknowledged, and waiting in a queue whose messages come
back. Messages that came to rest aside, in a dead-letter queue, are settled. ``recovery`` looks at the work queue alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.checkers.check import Check
from harness.fields.strict import DurationS, Name, Strict
from harness.record import Verdict

if TYPE_CHECKING:
    from harness.checkers.case import Case
    from harness.record import CheckResult, TrialRecord


class SettledWithin(Strict):
    """All queues are empty for good so long after the last message was published, or after a phase began.

    Waiting rooms count: a queue whose messages come back when their time is over. The time is incident time.
    """

    time: DurationS
    since: Name | None = None


def check(case: Case, expected: SettledWithin) -> CheckResult:
    """Pass where the last busy moment lies in time; missed where it does not, or all was never settled."""
    since = f"since {expected.since} began" if expected.since else "since the last message was published"
    threshold = f"within {expected.time:.0f} s of incident time {since}"
    begin_s = _begin_s(case.trial, expected.since)
    if begin_s is None or not case.trial.queue:
        return case.result(CHECK.name, Verdict.UNKNOWN, "the queues were never sampled", threshold)
    last = case.trial.queue[-1]
    busy_s = [each.t_s for each in case.trial.queue if each.ready + each.unacked + each.waiting_elsewhere > 0]
    scale = case.run.manifest.time_scale
    if busy_s and busy_s[-1] == last.t_s:
        waited = (last.t_s - begin_s) * scale
        measured = (
            f"never: {last.ready} ready, {last.unacked} unacknowledged, {last.waiting_elsewhere} waiting elsewhere"
        )
        verdict = case.missed if waited >= expected.time else Verdict.UNKNOWN
        detail = "" if verdict is case.missed else f"The trial ended {waited:.0f} s after: raise drain_at_most."
        return case.result(CHECK.name, verdict, measured, threshold, detail)
    after = max(0.0, busy_s[-1] - begin_s) * scale if busy_s else 0.0
    verdict = Verdict.PASS if after <= expected.time else case.missed
    return case.result(CHECK.name, verdict, f"after {after:.0f} s", threshold)


def _begin_s(trial: TrialRecord, since: str | None) -> float | None:
    if since is not None:
        return next((span.start_s for span in trial.phases if span.name == since), None)
    return max((publish.confirmed_s for publish in trial.publishes if publish.confirmed_s is not None), default=None)


CHECK = Check("everything settled", check, SettledWithin, key="settled_within", phases=("since",))
