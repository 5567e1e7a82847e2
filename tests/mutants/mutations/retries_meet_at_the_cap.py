"""Cuts the wait off after the jitter: hole 11 of the report, every late retry exactly 48 h on."""

from worker_under_test.remedies import retry_schedule

SCENARIO = "late_retries"
CAUGHT_BY = "retry times"


def mutate() -> None:
    """Schedule as the report does."""
    retry_schedule.choose = lambda _: retry_schedule.jitter_then_cap
