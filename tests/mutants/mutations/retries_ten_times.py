"""Retries an event as often as it likes before a person hears of it."""

from typing import Any

from worker_under_test.remedies.retry_limit import Counted, RetryDecision

SCENARIO = "given_up"
CAUGHT_BY = "failures recorded"


def mutate() -> None:
    """Double the limit."""
    decide = Counted.decide

    def patient(_self: Any, event: Any, now: Any) -> RetryDecision:
        return decide(Counted(7), event, now)

    Counted.decide = patient
