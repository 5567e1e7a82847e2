"""Sets the bound of its queue to eighty, which no prefetch below ninety reaches: hole 13 of the report, come back."""

from typing import Any

from worker_under_test.remedies import bounded_queue

SCENARIO = "backpressure"
CAUGHT_BY = "alerts by kind"


def mutate() -> None:
    """Take the report's threshold."""

    def reported(settings: Any) -> int:
        return int(settings.backpressure_limit)

    bounded_queue.hardened_limit = reported
