"""Did the worker tell a person, and no more often than a person can bear? An alert flood is a failure of its own.

Counts the lines of the worker's own ALERTS_FILE, not what anybody received.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from harness.checkers.check import Check
from harness.fields.strict import Strict, Whole
from harness.record import Verdict

if TYPE_CHECKING:
    from harness.checkers.case import Case
    from harness.record import CheckResult


class AlertsAtMost(Strict):
    """The worker raises no more alerts than this, and at least one."""

    count: Annotated[Whole, Field(ge=1)]


def check(case: Case, expected: AlertsAtMost) -> CheckResult:
    """Pass with one alert to ``count``; unknown for a trial that was cut off."""
    threshold = f"1 to {expected.count} alerts"
    if case.trial.drain is None:
        return case.result(CHECK.name, Verdict.UNKNOWN, "the trial was cut off", threshold)
    raised = case.trial.alerts
    verdict = Verdict.PASS if 1 <= len(raised) <= expected.count else case.missed
    kinds = Counter(f"{alert.level} {alert.action}" for alert in raised)
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    return case.result(CHECK.name, verdict, f"{len(raised)} alerts" + (f": {told}" if told else ""), threshold)


CHECK = Check("alerts", check, AlertsAtMost, key="alerts_at_most")
