"""Drops what the bounded queue refuses: hole 8 of the report's fix, come back."""

from typing import Any

from worker_under_test.outcomes import Settlement
from worker_under_test.remedies import bounded_queue

SCENARIO = "backpressure"
CAUGHT_BY = "messages accounted for"


def mutate() -> None:
    """Alert, and drop the message."""

    def drop(self: Any, _delivery: Any, waiting: int) -> Settlement | None:
        if waiting < self._threshold:
            return None
        self._alert(waiting)
        return Settlement.NACK_DROP

    bounded_queue._Backpressure.reject_durably = drop
