"""Sends alerts that say neither which conversation nor which error."""

from typing import Any

from worker_under_test.alerts import Alerts

SCENARIO = "workload"
CAUGHT_BY = "alerts by kind"


def mutate() -> None:
    """Leave the context out, but for its action."""
    send = Alerts.send_alert_safe

    def terse(self: Any, alert_type: Any, level: Any, message: str, context: Any) -> bool:
        return send(self, alert_type, level, message, {"action": context["action"]})

    Alerts.send_alert_safe = terse
