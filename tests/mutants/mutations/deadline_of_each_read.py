"""Bounds each read and not the call: hole 6 of the report, an answer that drips is never cut off."""

from worker_under_test.remedies import total_deadline

SCENARIO = "drip"
CAUGHT_BY = "oldest call"


def mutate() -> None:
    """Choose the report's timeout."""
    total_deadline.choose = lambda _, timeout_s: total_deadline.PerOperationTimeout(timeout_s)
