"""Takes whatever the broker gives, and queues it without a bound: the incident, with every other remedy in force."""

from worker_under_test.remedies import bounded_queue, prefetch_in_force

SCENARIO = "workload"
CAUGHT_BY = "memory budget"


def mutate() -> None:
    """Admit all, with the prefetch set too late."""
    bounded_queue.choose = lambda *_: bounded_queue.admit_all
    prefetch_in_force.choose = lambda _: prefetch_in_force.consume_first
