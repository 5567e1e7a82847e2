"""Waits six hours after every failure, however often a message has failed."""

from datetime import timedelta
from typing import Any

from worker_under_test.remedies import retry_schedule

SCENARIO = "late_retries"
CAUGHT_BY = "retry times"


def mutate() -> None:
    """Take every attempt for the first."""
    schedule = retry_schedule.cap_then_jitter

    def steady(attempt: int, base_hours: float, rng: Any) -> timedelta:  # noqa: ARG001 - the schedule's signature
        return schedule(0, base_hours, rng)

    retry_schedule.choose = lambda _: steady
