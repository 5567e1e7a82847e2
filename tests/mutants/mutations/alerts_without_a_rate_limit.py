"""Sends an alert for every timeout, at whatever rate they come."""

from worker_under_test.alerts import Alerts

SCENARIO = "workload"
CAUGHT_BY = "alerts"


def mutate() -> None:
    """Allow every alert."""
    Alerts._is_allowed = lambda *_: True
