"""Did the messages get through: processed in the end, and not only accounted for?

A message that is deferred for the retry job loses nothing and reaches nobody for six hours. This is the share that did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.checkers.check import Check
from harness.fields.strict import Fraction, Strict
from harness.record import Verdict

if TYPE_CHECKING:
    from harness.checkers.case import Case
    from harness.record import CheckResult


class Processed(Strict):
    """At least this share of the confirmed messages is PROCESSED in the end, and not only accounted for."""

    share_at_least: Fraction


def check(case: Case, expected: Processed) -> CheckResult:
    """Pass where so large a share of the confirmed messages is PROCESSED; unknown without a drain or the table."""
    trial = case.trial
    threshold = f"at least {expected.share_at_least:.0%} of the confirmed"
    confirmed = {publish.message_id for publish in trial.publishes if publish.confirmed_s is not None}
    if not trial.outcomes or not confirmed:
        return case.result(
            CHECK.name, Verdict.UNKNOWN, "nothing to count", threshold, "No message, or no table was read."
        )
    done = sum(row.status == "PROCESSED" and row.message_id in confirmed for row in trial.outcomes)
    measured = f"{done} of {len(confirmed)} ({done / len(confirmed):.0%})"
    verdict = Verdict.PASS if done >= expected.share_at_least * len(confirmed) else case.missed
    return case.result(CHECK.name, verdict, measured, threshold)


CHECK = Check("messages processed", check, Processed, key="processed", needs_drain=True)
