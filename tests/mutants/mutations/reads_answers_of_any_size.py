"""Reads an answer to its end, whatever its size: ten of 60 MB at once."""

from worker_under_test.remedies import total_deadline

SCENARIO = "hostile"
CAUGHT_BY = "memory budget"


def mutate() -> None:
    """Lift the bound."""
    total_deadline._RESPONSE_BYTES_MAX = 2**40
