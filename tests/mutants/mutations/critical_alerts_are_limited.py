"""Limits CRITICAL alerts as well: of many events given up, a person hears of one."""

from typing import Any

from worker_under_test.alerts import AlertLevel, Alerts

SCENARIO = "given_up"
CAUGHT_BY = "alerts by kind"


def mutate() -> None:
    """Ask for the limit as if every alert were HIGH."""
    allowed = Alerts._is_allowed

    def limited(self: Any, alert_type: Any, _level: Any, action: Any) -> bool:
        return allowed(self, alert_type, AlertLevel.HIGH, action)

    Alerts._is_allowed = limited
