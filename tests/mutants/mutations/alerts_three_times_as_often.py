"""Sends HIGH alerts every hundred seconds, where five minutes were promised."""

from typing import Any

from worker_under_test.alerts import Alerts

SCENARIO = "alerts"
CAUGHT_BY = "alerts by kind"


def mutate() -> None:
    """Shorten the limit."""
    begin = Alerts.__init__

    def hasty(self: Any, rate_limit_s: float, *others: Any, **named: Any) -> None:
        begin(self, rate_limit_s / 3, *others, **named)

    Alerts.__init__ = hasty
