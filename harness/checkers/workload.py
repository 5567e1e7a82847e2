"""Did the workload happen? The planned messages were published, in time, and pika-mem0 misbehaved as the timeline says.

Every arm gets these three checks. A fault that never took effect, or a generator that was too slow, makes every other
verdict worthless: unknown, never fail, since the worker is not to blame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.record import Verdict
from harness.scenario import REFUSE

if TYPE_CHECKING:
    from harness.checkers.base import Case
    from harness.record import CheckResult, PhaseSpan, TrialRecord

PUBLISHED = "workload published"
IN_TIME = "workload in time"
FAULTS = "faults took effect"
_CONFIRMED_SHARE_MIN = 0.99  # a reconnect of a publisher may cost a message; more means another workload than planned
_BEGIN_LATE_MAX_S = 1.0  # the phases are entered when the worker consumes; messages keep their planned times
_LATENESS_SHARE_MAX = 0.5  # of the timeline up to the last arrival: later than that, the workload was another one


def check_published(case: Case) -> CheckResult:
    """Pass where nearly all planned messages were confirmed by the broker."""
    planned = case.trial.planned_messages
    confirmed = sum(publish.confirmed_s is not None for publish in case.trial.publishes)
    threshold = f"at least {_CONFIRMED_SHARE_MIN:.0%} of {planned}"
    measured = f"{confirmed} of {planned} confirmed"
    if planned > 0 and confirmed >= _CONFIRMED_SHARE_MIN * planned:
        return case.result(PUBLISHED, Verdict.PASS, measured, threshold)
    detail = "The workload did not happen as planned: see the log of locust."
    return case.result(PUBLISHED, Verdict.UNKNOWN, measured, threshold, detail)


def check_in_time(case: Case) -> CheckResult:
    """Pass where the workload began in time, and no message was sent too late for how long it was to last."""
    sent = [publish for publish in case.trial.publishes if publish.confirmed_s is not None]
    if not sent:
        return case.result(IN_TIME, Verdict.UNKNOWN, "nothing was published", "publishers keep up")
    late_s = np.array([publish.sent_s - publish.intended_s for publish in sent])
    span_s = max(publish.intended_s for publish in sent) - min(publish.intended_s for publish in sent)
    allowed_s = max(1.0, _LATENESS_SHARE_MAX * span_s)
    worst_s = float(late_s.max())
    measured = f"at most {worst_s:.1f} s late, median {float(np.median(late_s)):.2f} s"
    threshold = f"at most {allowed_s:.1f} s late"
    began_s = case.trial.phases[0].start_s if case.trial.phases else 0.0
    if began_s > _BEGIN_LATE_MAX_S:
        detail = f"The timeline began {began_s:.1f} s late: the worker was not ready for its workload."
        return case.result(IN_TIME, Verdict.UNKNOWN, measured, threshold, detail)
    if worst_s <= allowed_s:
        return case.result(IN_TIME, Verdict.PASS, measured, threshold)
    detail = (
        "The load generator was slower than its schedule: raise messages.publishers or spread the burst, unless the "
        "machine itself is slow (harness doctor: memory pace)."
    )
    return case.result(IN_TIME, Verdict.UNKNOWN, measured, threshold, detail)


def check_faults(case: Case) -> CheckResult:
    """Pass where every phase was played, and each of its faulty modes met at least one call while it was in force."""
    missing: list[str] = []
    met = 0
    modes: frozenset[str] = frozenset()
    spans = {span.name: span for span in case.trial.phases}
    for phase in case.scenario.timeline:
        modes = phase.dependency.faulty_modes if phase.dependency is not None else modes
        span = spans.get(phase.phase)
        if span is None:
            missing.append(f"the phase {phase.phase} was never played")
            continue
        seen = _modes_during(case.trial, span)
        met += len(modes & seen)
        missing += [f"{mode} met no call during {phase.phase}" for mode in sorted(modes - seen)]
    measured = f"{met} faults met calls" + (f"; {missing[0]}" if missing else "")
    verdict = Verdict.UNKNOWN if missing else Verdict.PASS
    return case.result(FAULTS, verdict, measured, "every fault of every phase meets a call", "; ".join(missing[1:]))


def _modes_during(trial: TrialRecord, span: PhaseSpan) -> set[str]:
    """Return the modes of the calls that were open at some moment of the phase.

    A shut port journals no call: of it the fault event is evidence enough, since the dependency reported the rules.
    """
    met = {
        call.mode
        for call in trial.calls
        if call.arrived_s < span.end_s and (call.duration_s is None or call.arrived_s + call.duration_s > span.start_s)
    }
    rules = [
        each.settings
        for each in trial.faults
        if each.fault == "dependency_rules" and each.in_force_s is not None and each.in_force_s <= span.end_s
    ]
    return met | ({REFUSE} if rules and REFUSE in rules[-1] else set())
