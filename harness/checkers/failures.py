"""Is every failure on record, with its next attempt scheduled, and within a limit of calls?

A message has failed when pika-mem0 was called for it and no call was answered as it should be. It must then stand in
the worker's table as FAILED with a time for its retry, or as given up; one that is still tried again at once does not.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from harness.ledger import EXTRACT_FACTS, OutcomeKind, outcome_of
from harness.record import Verdict
from harness.scenario import ANSWER

if TYPE_CHECKING:
    from harness.checkers.base import Case
    from harness.record import CheckResult, DependencyCall
    from harness.scenario.expectations import FailuresRecorded

NAME = "failures recorded"
_OK = 200
_SHOWN_MAX = 5
_FAILED = (OutcomeKind.FAILED_SCHEDULED, OutcomeKind.PERMANENTLY_FAILED)


def is_good(call: DependencyCall) -> bool:
    """Return whether the call was answered as it should be."""
    return call.mode == ANSWER and call.status == _OK and call.outcome == "answered"


def check(case: Case, expected: FailuresRecorded) -> CheckResult:
    """Pass where each failed message is recorded and none was called for too often; unknown without whole evidence."""
    threshold = (
        f"at least {expected.messages_at_least} failed, every one recorded,"
        f" at most {expected.calls_per_message_at_most} calls each"
    )
    trial = case.trial
    if trial.drain is None or not trial.drain.complete:
        detail = "The queues were not drained: what is not recorded yet may still be."
        return case.result(NAME, Verdict.UNKNOWN, "not drained", threshold, detail)
    if not trial.outcomes:
        return case.result(
            NAME, Verdict.UNKNOWN, "the table was not read", threshold, "outcomes.json is missing or empty."
        )
    calls = [call for call in trial.calls if call.path == EXTRACT_FACTS and call.message_id is not None]
    counts = Counter(str(call.message_id) for call in calls)
    failed = counts.keys() - {str(call.message_id) for call in calls if is_good(call)}
    recorded = {row.message_id for row in trial.outcomes if outcome_of(row) in _FAILED}
    missing = sorted(failed - recorded)
    most = max(counts.values(), default=0)
    measured = f"{len(failed) - len(missing)} of {len(failed)} failures recorded, at most {most} calls for a message"
    if len(failed) < expected.messages_at_least:
        return case.result(NAME, Verdict.UNKNOWN, measured, threshold, "Too few calls failed: another workload.")
    if missing:
        detail = f"Not recorded, first: {', '.join(missing[:_SHOWN_MAX])}."
        return case.result(NAME, case.missed, measured, threshold, detail)
    verdict = Verdict.PASS if most <= expected.calls_per_message_at_most else case.missed
    return case.result(NAME, verdict, measured, threshold)
