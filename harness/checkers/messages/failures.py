"""Is every failure on record, with its next attempt scheduled, and within a limit of calls?

A message has failed when the dependency was called for it and no call was answered as it should be. It must then stand
in the worker's table as FAILED with a time for its retry, or as given up; one that is still tried again at once does
not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from harness.checkers.check import Check
from harness.checkers.messages.tries import calls_by_message
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
    counts = calls_by_message(trial)
    name, most = max(counts.items(), key=lambda each: each[1], default=("", 0))
    if most > expected.calls_per_message_at_most:
        measured = f"at most {most} calls for a message, {name}"
        return case.result(CHECK.name, case.missed, measured, threshold, "Called for too often, recorded or not.")
    if (lacking := _lacking(case)) is not None:
        measured, detail = lacking
        return case.result(CHECK.name, Verdict.UNKNOWN, measured, threshold, detail)
    calls = [call for call in trial.calls if call.primary and call.message_id is not None]
    failed = counts.keys() - {str(call.message_id) for call in calls if call.is_success}
    recorded = {row.message_id for row in trial.outcomes if outcome_of(row) in _FAILED}
    missing = sorted(failed - recorded)
    measured = f"{len(failed) - len(missing)} of {len(failed)} failures recorded, at most {most} calls for a message"
    if len(failed) < expected.messages_at_least:
        return case.result(CHECK.name, Verdict.UNKNOWN, measured, threshold, "Too few calls failed: another workload.")
    if missing:
        detail = f"Not recorded, first: {', '.join(missing[:_SHOWN_MAX])}."
        return case.result(CHECK.name, case.missed, measured, threshold, detail)
    return case.result(CHECK.name, Verdict.PASS, measured, threshold)


def _lacking(case: Case) -> tuple[str, str] | None:
    """Return what there is to say and why where the record does not tell what was recorded; None where it does."""
    if not case.trial.outcomes_stored:
        why = "The harness can read no store of this worker's outcomes; calls_per_message_at_most needs none."
        return "no outcome can be read", why
    if case.undrained is not None:
        return "not drained", "The queues were not drained: what is not recorded yet may still be."
    return None if case.trial.outcomes else ("the table was not read", "outcomes.json is missing or empty.")


CHECK = Check("failures recorded", check, FailuresRecorded, key="failures_recorded")
