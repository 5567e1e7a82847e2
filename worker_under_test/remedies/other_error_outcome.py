"""Remedy: what happens to a message that failed without a timeout, by an HTTP 500 or a broken body.

The report keeps ``nack(requeue=True)``. Hole 5: a message whose call is answered with HTTP 500 before the timeout is
then redelivered without end, as before the fix.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker_under_test.dead_letter_queue import store_dead_letter
from worker_under_test.outcomes import Delivery, Failure, FailureKind, Settlement
from worker_under_test.remedies.behaviour import Behaviour, Remedy
from worker_under_test.remedies.timeout_outcome import FailureOutcome, requeue

if TYPE_CHECKING:
    from worker_under_test.dead_letter_queue import DeadLetters
    from worker_under_test.remedies.failure_record import OutcomeRecorder

REMEDY = Remedy(
    name="other_error_outcome",
    original="nack, requeued",
    reported="nack, requeued",
    hardened="FAILED with its own code, then ack; hopeless: dead letter; database away: later",
    asked_for="3.2.3 leaves it as it was (hole 5)",
)


# These say nothing about the message: it is delivered again later.
_PASSING = frozenset({FailureKind.DATABASE, FailureKind.IN_HAND})
# These come again at each delivery, and there is no row to record them in: a person must look at the message.
_HOPELESS = frozenset({FailureKind.UNPARSEABLE, FailureKind.REFUSED})


def choose(behaviour: Behaviour, recorder: OutcomeRecorder, dead_letters: DeadLetters) -> FailureOutcome:
    """Return the outcome of ``behaviour``."""
    return OutcomeByKind(recorder, dead_letters) if behaviour is Behaviour.HARDENED else requeue


class OutcomeByKind:
    """Settles each kind of failure in its own way: a dead letter, a later delivery, or a FAILED event."""

    def __init__(self, recorder: OutcomeRecorder, dead_letters: DeadLetters) -> None:
        self._recorder = recorder
        self._dead_letters = dead_letters

    def __call__(self, delivery: Delivery, failure: Failure) -> Settlement:
        """Record the failure where its kind belongs; what can't be recorded goes back to the broker, later."""
        if failure.kind in _HOPELESS:
            return store_dead_letter(self._dead_letters, delivery, failure.error_details)
        if failure.kind in _PASSING or delivery.conversation_id is None:
            return Settlement.REQUEUE_LATER
        recorded = self._recorder.record_failed(delivery.conversation_id, failure, delivery.body)
        return Settlement.ACK if recorded else Settlement.REQUEUE_LATER
