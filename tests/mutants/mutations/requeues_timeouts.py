"""Gives a message back after a timeout, as the original did: it times out again and again."""

from worker_under_test.remedies import timeout_outcome

SCENARIO = "workload"
CAUGHT_BY = "failures recorded"


def mutate() -> None:
    """Requeue."""
    timeout_outcome.choose = lambda *_: timeout_outcome.requeue
