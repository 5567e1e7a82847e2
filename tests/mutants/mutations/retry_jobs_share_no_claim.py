"""Claims no event: two retry jobs take the same ones, and process them twice."""

from worker_under_test.remedies.retry_limit import Counted

SCENARIO = "herd"
CAUGHT_BY = "messages accounted for"


def mutate() -> None:
    """Claim nothing."""
    Counted.claims = False
