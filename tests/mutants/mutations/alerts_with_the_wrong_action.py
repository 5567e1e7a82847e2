"""Says in its alert that the message was requeued, where it was marked FAILED."""

from typing import Any

from worker_under_test.alerts import Alerts

SCENARIO = "workload"
CAUGHT_BY = "alerts by kind"


def mutate() -> None:
    """Name another action."""
    send = Alerts.send_alert_safe

    def wrong(self: Any, alert_type: Any, level: Any, message: str, context: Any) -> bool:
        return send(self, alert_type, level, message, {**context, "action": "requeued_later"})

    Alerts.send_alert_safe = wrong
