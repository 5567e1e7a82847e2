"""How often is a message tried: called for, or delivered? A bound for any worker, with a table of ours or without.

Calls are counted message by message, in the dependency's own journal. The broker counts deliveries of the whole queue
only; a bound on a single message's follows from the average, from all redeliveries together, or from calls where each
delivery makes one. Whether a message was answered in the end is ``answered``'s to judge.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from harness.checkers.check import Check
from harness.fields.strict import Name, Strict, Whole
from harness.record import Verdict

if TYPE_CHECKING:
    from harness.checkers.case import Case
    from harness.record import CheckResult, PhaseSpan, TrialRecord

_ABOUT = 0.02  # deliveries and calls that differ by less are one another's: the broker's count lags


class CallsPerMessageAtMost(Strict):
    """No message is called for more often than this, good calls and bad ones together; or in one phase."""

    calls: Annotated[Whole, Field(ge=1)]
    phase: Name | None = None


class DeliveriesPerMessageAtMost(Strict):
    """No message is delivered more often than this, redeliveries and those without an acknowledgement included."""

    deliveries: Annotated[Whole, Field(ge=1)]


def calls_by_message(trial: TrialRecord, span: PhaseSpan | None = None) -> Counter[str]:
    """Return how often each message was called for, good or bad; in ``span``, where one is given."""
    return Counter(
        call.message_id
        for call in trial.calls
        if call.primary and call.message_id is not None
        if span is None or span.start_s <= call.arrived_s < span.end_s
    )


def check_calls(case: Case, expected: CallsPerMessageAtMost) -> CheckResult:
    """Missed by one message that was called for too often, however the trial went on; unknown where none was called."""
    within = f" in {expected.phase}" if expected.phase else ""
    threshold = f"at most {expected.calls} calls for a message{within}"
    span = next((each for each in case.trial.phases if each.name == expected.phase), None)
    if expected.phase and span is None:
        return case.result(CALLS.name, Verdict.UNKNOWN, f"the phase {expected.phase} was never played", threshold)
    counts = calls_by_message(case.trial, span)
    if not counts:
        return case.result(CALLS.name, Verdict.UNKNOWN, f"no message was called for{within}", threshold)
    name, most = counts.most_common(1)[0]
    total = sum(counts.values())
    measured = f"at most {most}, for {name}; {total} calls for {len(counts)} messages"
    if most > expected.calls:
        over = sum(count > expected.calls for count in counts.values())
        return case.result(CALLS.name, case.missed, measured, threshold, f"{over} messages were called for more often.")
    if torn := [said for said in case.trial.damaged if said.startswith("calls.jsonl")]:
        return case.result(CALLS.name, Verdict.UNKNOWN, measured, threshold, f"The ledger is not whole: {torn[0]}.")
    return case.result(CALLS.name, Verdict.PASS, measured, threshold)


def check_deliveries(case: Case, expected: DeliveriesPerMessageAtMost) -> CheckResult:
    """Missed where some message must have been delivered more often; pass where none can have been; else unknown."""
    bound = expected.deliveries
    threshold = f"at most {bound} deliveries of a message"
    confirmed = sum(publish.confirmed_s is not None for publish in case.trial.publishes)
    last = case.trial.queue[-1] if case.trial.queue else None
    if last is None or not last.delivered or not confirmed:
        return case.result(DELIVERIES.name, Verdict.UNKNOWN, "the broker's counts were never read", threshold)
    measured = f"{last.delivered} deliveries of {confirmed} messages, {last.redelivered} of them again"
    counts = calls_by_message(case.trial)
    calls, most = sum(counts.values()), max(counts.values(), default=0)
    one_call_each = abs(calls - last.delivered) <= _ABOUT * last.delivered
    if last.delivered > bound * confirmed or (one_call_each and most > bound):
        detail = f"That is {last.delivered / confirmed:.1f} a message on average; at most {most} calls for one."
        return case.result(DELIVERIES.name, case.missed, measured, threshold, detail)
    if 1 + last.redelivered <= bound or (calls >= last.delivered and most <= bound):
        return case.result(DELIVERIES.name, Verdict.PASS, measured, threshold)
    detail = "The broker does not count a single message's deliveries, and calls don't tell them either."
    return case.result(DELIVERIES.name, Verdict.UNKNOWN, measured, threshold, detail)


CALLS = Check(
    "calls per message", check_calls, CallsPerMessageAtMost, key="calls_per_message_at_most", phases=("phase",)
)
DELIVERIES = Check(
    "deliveries per message", check_deliveries, DeliveriesPerMessageAtMost, key="deliveries_per_message_at_most"
)
