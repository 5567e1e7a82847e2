"""Does the worker end gently when it is asked to: exit 0, its work in hand finished, nothing of it done again?

A worker is asked by the fault ``worker_terminated`` (SIGTERM, as a deployment does it). Work in hand is every message
with an open call at that moment, by the dependency's own journal; redeliveries are the broker's own count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from harness.checkers.check import Check
from harness.fields.strict import Strict, Whole
from harness.record import CallOutcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.checkers.case import Case
    from harness.record import CheckResult, FaultSpan, Incarnation, TrialRecord

_FAULT = "worker_terminated"
_SIGNAL_S = 0.5  # between the request and the moment at which the worker knows of it
_SHOWN_MAX = 3


class EndsGently(Strict):
    """Asked to end, the worker exits with 0 once its work in hand is finished, and nothing of it is done again.

    ``in_hand_at_least`` messages are in hand at that moment, or the check proves nothing. The broker delivers at most
    ``redelivered_at_most`` messages again: those that it had delivered and that nobody had begun.
    """

    in_hand_at_least: Annotated[Whole, Field(ge=1)] = 1
    redelivered_at_most: Annotated[Whole, Field(ge=0)] = 0


def check(case: Case, expected: EndsGently) -> CheckResult:
    """Pass where every end that was asked for is gentle; unknown where none was, or too little was in hand."""
    threshold = (
        f"exit 0, at least {expected.in_hand_at_least} messages in hand finished, none called for again,"
        f" at most {expected.redelivered_at_most} redelivered"
    )
    asked = [span for span in case.trial.faults if span.fault == _FAULT]
    if not asked:
        return case.result(GENTLE.name, Verdict.UNKNOWN, "the worker was never asked to end", threshold)
    wrong: list[str] = []
    hands, redelivered = [], 0
    for number, span in enumerate(asked):
        ended = _ended(case.trial, span)
        if ended is None:
            return case.result(GENTLE.name, Verdict.UNKNOWN, "which incarnation was asked is not known", threshold)
        next_s = asked[number + 1].requested_s if number + 1 < len(asked) else float("inf")
        again = redelivered_after(case.trial, span.requested_s, next_s)
        in_hand = in_hand_at(case.trial, span.requested_s)
        hands.append(len(in_hand))
        redelivered = max(redelivered, again)
        wrong += _faults(case.trial, ended, span.requested_s, in_hand)
        if again > expected.redelivered_at_most:
            wrong.append(f"The broker delivered {again} messages again after incarnation {ended.index}.")
    measured = f"{len(asked)} ends, {min(hands)} or more messages in hand, {redelivered} redelivered"
    if wrong:
        return case.result(GENTLE.name, case.missed, measured, threshold, " ".join(wrong))
    verdict = Verdict.PASS if min(hands) >= expected.in_hand_at_least else Verdict.UNKNOWN
    return case.result(GENTLE.name, verdict, measured, threshold)


def in_hand_at(trial: TrialRecord, at_s: float) -> frozenset[str]:
    """Return the messages with an open call at a moment."""
    return frozenset(
        call.message_id
        for call in trial.calls
        if call.message_id is not None
        and call.arrived_s < at_s
        and (call.duration_s is None or call.arrived_s + call.duration_s > at_s)
    )


def redelivered_after(trial: TrialRecord, from_s: float, to_s: float) -> int:
    """Return how far the broker's count of redeliveries rose, from its last sample before ``from_s``."""
    before = [sample.redelivered for sample in trial.queue if sample.t_s <= from_s]
    after = [sample.redelivered for sample in trial.queue if from_s < sample.t_s <= to_s]
    return max(0, max(after, default=0) - max(before, default=0)) if after else 0


def _ended(trial: TrialRecord, span: FaultSpan) -> Incarnation | None:
    running = [each for each in trial.incarnations if each.started_s <= span.requested_s]
    return running[-1] if running else None


def _faults(trial: TrialRecord, ended: Incarnation, asked_s: float, in_hand: frozenset[str]) -> Iterator[str]:
    """Yield what was not gentle about one end, in sentences."""
    if ended.exit_status != 0:
        yield f"Incarnation {ended.index} ended with {ended.exit_status}."
    end_s = float("inf") if ended.ended_s is None else ended.ended_s
    open_then = [call for call in trial.calls if call.message_id in in_hand and call.arrived_s < asked_s]
    cut = {
        str(call.message_id)
        for call in open_then
        if (call.duration_s is None or call.arrived_s + call.duration_s > asked_s)
        and call.outcome is not CallOutcome.ANSWERED
    }
    if cut:
        yield f"{len(cut)} of {len(in_hand)} messages in hand were not finished: {_first(cut)}."
    again = {str(call.message_id) for call in trial.calls if call.message_id in in_hand and call.arrived_s > asked_s}
    if again:
        yield f"{len(again)} messages in hand were called for again: {_first(again)}."
    began = {
        str(call.message_id)
        for call in trial.calls
        if asked_s + _SIGNAL_S < call.arrived_s < end_s and call.message_id not in in_hand
    }
    if began:
        yield f"Incarnation {ended.index} began {len(began)} more messages: {_first(began)}."


def _first(names: set[str]) -> str:
    return ", ".join(sorted(names)[:_SHOWN_MAX])


GENTLE = Check("gentle end", check, EndsGently, key="ends_gently", needs_drain=True)
