"""Keeps every exception, and with its frames the message that it failed on."""

from typing import Any

from worker_under_test.remedies import exception_retention

SCENARIO = "workload"
CAUGHT_BY = "memory budget"

KEPT: list[BaseException] = []


def mutate() -> None:
    """Keep it where it is described."""
    describe = exception_retention.describe_failure

    def keeping(error: Exception) -> Any:
        KEPT.append(error)
        return describe(error)

    exception_retention.describe_failure = keeping
