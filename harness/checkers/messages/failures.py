"""Is every failure on record, with its next attempt scheduled, and within a limit of calls?

A message has failed when the dependency was called for it and no call was answered as it should be. It must then stand
in the worker's table as FAILED with a time for its retry, or as given up; one that is still tried again at once does
not.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from harness.checkers.check import Check
from harness.fields.strict import Strict, Whole
from harness.ledger import OutcomeKind, outcome_of
from harness.record import Verdict

if TYPE_CHECKING:
    from harness.checkers.case import Case
    from harness.record import CheckResult

_SHOWN_MAX = 5
_FAILED = (OutcomeKind.FAILED_SCHEDULED, OutcomeKind.PERMANENTLY_FAILED)


class FailuresRecorded(Strict):
    """Every message whose calls all failed is FAILED with its retry scheduled, after no more calls than this."""

    messages_at_least: Annotated[Whole, Field(ge=1)] = 1  # fewer failures would be another workload
    calls_per_message_at_most: Annotated[Whole, Field(ge=1)]


def check(case: Case, expected: FailuresRecorded) -> CheckResult:
    """Pass where each failed message is recorded and none was called for too often; unknown without whole evidence."""
    threshold = (
        f"at least {expected.messages_at_least} failed, every one recorded,"
        f" at most {expected.calls_per_message_at_most} calls each"
    )
    trial = case.trial
    if trial.drain is None or not trial.drain.complete:
        detail = "The queues were not drained: what is not recorded yet may still be."
        return case.result(CHECK.name, Verdict.UNKNOWN, "not drained", threshold, detail)
    if not trial.outcomes:
        return case.result(
            CHECK.name, Verdict.UNKNOWN, "the table was not read", threshold, "outcomes.json is missing or empty."
        )
    calls = [call for call in trial.calls if call.primary and call.message_id is not None]
    counts = Counter(str(call.message_id) for call in calls)
    failed = counts.keys() - {str(call.message_id) for call in calls if call.is_success}
    recorded = {row.message_id for row in trial.outcomes if outcome_of(row) in _FAILED}
    missing = sorted(failed - recorded)
    most = max(counts.values(), default=0)
    measured = f"{len(failed) - len(missing)} of {len(failed)} failures recorded, at most {most} calls for a message"
    if len(failed) < expected.messages_at_least:
        return case.result(CHECK.name, Verdict.UNKNOWN, measured, threshold, "Too few calls failed: another workload.")
    if missing:
        detail = f"Not recorded, first: {', '.join(missing[:_SHOWN_MAX])}."
        return case.result(CHECK.name, case.missed, measured, threshold, detail)
    verdict = Verdict.PASS if most <= expected.calls_per_message_at_most else case.missed
    return case.result(CHECK.name, verdict, measured, threshold)


CHECK = Check("failures recorded", check, FailuresRecorded, key="failures_recorded")
