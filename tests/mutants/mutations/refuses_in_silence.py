"""Refuses messages when its queue is full, and tells nobody."""

from worker_under_test.remedies import bounded_queue

SCENARIO = "backpressure"
CAUGHT_BY = "alerts by kind"


def mutate() -> None:
    """Alert nobody."""
    bounded_queue._Backpressure._alert = lambda *_: None
