"""Raises a timeout as CRITICAL: it wakes a person, and is never limited."""

from worker_under_test.alerts import AlertLevel
from worker_under_test.remedies import timeout_outcome

SCENARIO = "workload"
CAUGHT_BY = "alerts by kind"


def mutate() -> None:
    """Exchange the levels."""

    class Wrong:
        """Every level is the highest."""

        HIGH = AlertLevel.CRITICAL

    timeout_outcome.AlertLevel = Wrong
