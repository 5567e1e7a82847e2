"""Did the messages get through: processed in the end, and not only accounted for?

A message that is deferred for the retry job loses nothing and reaches nobody for six hours. This is the share that did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.record import Verdict

if TYPE_CHECKING:
    from harness.checkers.base import Case
    from harness.record import CheckResult
    from harness.scenario.expectations import Processed

NAME = "messages processed"


def check(case: Case, expected: Processed) -> CheckResult:
    """Pass where so large a share of the confirmed messages is PROCESSED; unknown without a drain or the table."""
    trial = case.trial
    threshold = f"at least {expected.share_at_least:.0%} of the confirmed"
    confirmed = {publish.message_id for publish in trial.publishes if publish.confirmed_s is not None}
    if trial.drain is None or not trial.drain.complete:
        return case.result(NAME, Verdict.UNKNOWN, "not drained", threshold, "More may have been processed later.")
    if not trial.outcomes or not confirmed:
        return case.result(NAME, Verdict.UNKNOWN, "nothing to count", threshold, "No message, or no table was read.")
    done = sum(row.status == "PROCESSED" and row.message_id in confirmed for row in trial.outcomes)
    measured = f"{done} of {len(confirmed)} ({done / len(confirmed):.0%})"
    verdict = Verdict.PASS if done >= expected.share_at_least * len(confirmed) else case.missed
    return case.result(NAME, verdict, measured, threshold)
