"""Schedules every retry after six minutes, where six hours are meant."""

from datetime import timedelta
from typing import Any

from worker_under_test.remedies import retry_schedule

SCENARIO = "workload"
CAUGHT_BY = "retry times"


def mutate() -> None:
    """Take the hours for tenths of an hour."""
    schedule = retry_schedule.cap_then_jitter

    def hurried(attempt: int, base_hours: float, rng: Any) -> timedelta:
        return schedule(attempt, base_hours / 60, rng)

    retry_schedule.choose = lambda _: hurried
