"""Sets the prefetch after the consumer has started: it is never in force."""

from worker_under_test.remedies import prefetch_in_force

SCENARIO = "workload"
CAUGHT_BY = "effective prefetch"


def mutate() -> None:
    """Consume first."""
    prefetch_in_force.choose = lambda _: prefetch_in_force.consume_first
