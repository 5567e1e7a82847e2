"""Takes an HTTP 500 for an answer without facts: the event is PROCESSED, and nothing was stored."""

from worker_under_test.remedies import total_deadline

SCENARIO = "workload"
CAUGHT_BY = "messages accounted for"


def mutate() -> None:
    """Read whatever comes."""
    total_deadline._read_answer = lambda _response: b'{"facts": []}'
