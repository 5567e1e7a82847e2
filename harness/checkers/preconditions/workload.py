"""Did the workload happen? The planned messages were published, and in time.

A generator that was too slow makes every other verdict worthless: unknown, never fail, since the worker is not to
blame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.checkers.check import Check, MadeOf
from harness.record import Verdict

if TYPE_CHECKING:
    from harness.checkers.case import Case
    from harness.record import CheckResult

_CONFIRMED_SHARE_MIN = 0.99  # a reconnect of a publisher may cost a message; more means another workload than planned
_BEGIN_LATE_MAX_S = 1.0  # the phases are entered when the worker consumes; messages keep their planned times
_LATENESS_SHARE_MAX = 0.5  # of the timeline up to the last arrival: later than that, the workload was another one


def check_published(case: Case) -> CheckResult:
    """Nearly all planned messages were confirmed by the broker."""
    planned = case.trial.planned_messages
    confirmed = sum(publish.confirmed_s is not None for publish in case.trial.publishes)
    threshold = f"at least {_CONFIRMED_SHARE_MIN:.0%} of {planned}"
    measured = f"{confirmed} of {planned} confirmed"
    if planned > 0 and confirmed >= _CONFIRMED_SHARE_MIN * planned:
        return case.result(PUBLISHED.name, Verdict.PASS, measured, threshold)
    detail = "The workload did not happen as planned: see the log of locust."
    return case.result(PUBLISHED.name, Verdict.UNKNOWN, measured, threshold, detail)


def check_in_time(case: Case) -> CheckResult:
    """The workload began in time, and no message was sent too late for how long it was to last."""
    sent = [publish for publish in case.trial.publishes if publish.confirmed_s is not None]
    if not sent:
        return case.result(IN_TIME.name, Verdict.UNKNOWN, "nothing was published", "publishers keep up")
    late_s = np.array([publish.sent_s - publish.intended_s for publish in sent])
    span_s = max(publish.intended_s for publish in sent) - min(publish.intended_s for publish in sent)
    allowed_s = max(1.0, _LATENESS_SHARE_MAX * span_s)
    worst_s = float(late_s.max())
    measured = f"at most {worst_s:.1f} s late, median {float(np.median(late_s)):.2f} s"
    threshold = f"at most {allowed_s:.1f} s late"
    began_s = case.trial.phases[0].start_s if case.trial.phases else 0.0
    if began_s > _BEGIN_LATE_MAX_S:
        detail = f"The timeline began {began_s:.1f} s late: the worker was not ready for its workload."
        return case.result(IN_TIME.name, Verdict.UNKNOWN, measured, threshold, detail)
    if worst_s <= allowed_s:
        return case.result(IN_TIME.name, Verdict.PASS, measured, threshold)
    detail = (
        "The load generator was slower than its schedule: raise messages.publishers or spread the burst, unless the "
        "machine itself is slow (harness doctor: memory pace)."
    )
    return case.result(IN_TIME.name, Verdict.UNKNOWN, measured, threshold, detail)


PUBLISHED = Check("workload published", check_published, made_of=MadeOf.EVERY)
IN_TIME = Check("workload in time", check_in_time, made_of=MadeOf.EVERY)
