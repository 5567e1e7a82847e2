"""Acknowledges a message that it can't read, and keeps it nowhere: nobody will ever look at it."""

from worker_under_test.dead_letter_queue import DeadLetterQueue

SCENARIO = "poison"
CAUGHT_BY = "messages accounted for"


def mutate() -> None:
    """Put nothing aside."""
    DeadLetterQueue.put = lambda *_: None
