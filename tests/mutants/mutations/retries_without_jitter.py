"""Schedules every retry exactly six hours after its failure: an outage comes back as a herd."""

from worker_under_test.remedies import retry_schedule

SCENARIO = "workload"
CAUGHT_BY = "retry times"


def mutate() -> None:
    """Draw nothing."""
    retry_schedule.choose = lambda _: retry_schedule.same_wait
