"""Draws the retry from half to one and a half of the wait, where a fifth was promised."""

from worker_under_test.remedies import retry_schedule

SCENARIO = "workload"
CAUGHT_BY = "retry times"


def mutate() -> None:
    """Widen the spread."""
    retry_schedule._JITTER = 0.5
