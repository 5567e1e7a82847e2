"""Sends no alert."""

from worker_under_test.alerts import Alerts

SCENARIO = "workload"
CAUGHT_BY = "alerts"


def mutate() -> None:
    """Say that it did not go out."""
    Alerts.send_alert_safe = lambda *_: False
