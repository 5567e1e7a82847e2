"""Gives an event up after its first retry, where five were promised."""

from typing import Any

from worker_under_test.remedies.retry_limit import Counted, RetryDecision

SCENARIO = "late_retries"
CAUGHT_BY = "retry times"


def mutate() -> None:
    """Lower the limit."""
    decide = Counted.decide

    def impatient(_self: Any, event: Any, now: Any) -> RetryDecision:
        return decide(Counted(1), event, now)

    Counted.decide = impatient
