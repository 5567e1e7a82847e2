"""Doubles the wait for ever: after eight failures a message waits two months."""

from worker_under_test.remedies import retry_schedule

SCENARIO = "late_retries"
CAUGHT_BY = "retry times"


def mutate() -> None:
    """Lift the ceiling."""
    retry_schedule._CEILING_HOURS = 1e9
