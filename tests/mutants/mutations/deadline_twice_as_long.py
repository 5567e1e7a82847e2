"""Gives a call 120 s, where its deadline is 60."""

from worker_under_test.remedies import total_deadline

SCENARIO = "drip"
CAUGHT_BY = "oldest call"


def mutate() -> None:
    """Double the deadline."""
    choose = total_deadline.choose
    total_deadline.choose = lambda behaviour, timeout_s: choose(behaviour, 2 * timeout_s)
