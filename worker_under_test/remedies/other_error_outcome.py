"""Remedy: what becomes of a message that failed otherwise than by a timeout: an HTTP 500, a broken body.

The report leaves it at ``nack(requeue=True)``. Hole 5: an HTTP 500 that arrives before the timeout then goes round
and round, as before the fix.
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
    hardened="FAILED with its own code, then ack; what nothing can help: dead letter; database away: later",
    asked_for="3.2.3 leaves it as it was (hole 5)",
)


# These say nothing about the message: it is to be delivered again, in a while.
_PASSING = frozenset({FailureKind.DATABASE, FailureKind.IN_HAND})
# These come again at each delivery, and there is no row to write them into: a person must look at the message.
_HOPELESS = frozenset({FailureKind.UNPARSEABLE, FailureKind.REFUSED})


def choose(behaviour: Behaviour, recorder: OutcomeRecorder, dead_letters: DeadLetters) -> FailureOutcome:
    """Return the outcome of ``behaviour``."""
    return Sorted(recorder, dead_letters) if behaviour is Behaviour.HARDENED else requeue


class Sorted:
    """Each kind of failure gets what can help it: time, a person, or a database that is back."""

    def __init__(self, recorder: OutcomeRecorder, dead_letters: DeadLetters) -> None:
        self._recorder = recorder
        self._dead_letters = dead_letters

    def __call__(self, delivery: Delivery, failure: Failure) -> Settlement:
        """Record the failure where its kind belongs; what can't be recorded goes back to the broker, after a while."""
        if failure.kind in _HOPELESS:
            return store_dead_letter(self._dead_letters, delivery, failure.error_details)
        if failure.kind in _PASSING or delivery.conversation_id is None:
            return Settlement.REQUEUE_LATER
        recorded = self._recorder.record_failed(delivery.conversation_id, failure, delivery.body)
        return Settlement.ACK if recorded else Settlement.REQUEUE_LATER
