"""Gives a message back on any error but a timeout: hole 5 of the report's fix, come back."""

from worker_under_test.outcomes import Settlement
from worker_under_test.remedies.other_error_outcome import OutcomeByKind

SCENARIO = "workload"
CAUGHT_BY = "failures recorded"


def mutate() -> None:
    """Requeue at once."""
    OutcomeByKind.__call__ = lambda *_: Settlement.NACK_REQUEUE
