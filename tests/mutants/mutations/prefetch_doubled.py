"""Asks the broker for twice the messages that are configured."""

from typing import Any

from worker_under_test.remedies import prefetch_in_force

SCENARIO = "workload"
CAUGHT_BY = "effective prefetch"


def mutate() -> None:
    """Double the count."""
    start = prefetch_in_force.qos_first

    def greedy(channel: Any, queue: str, prefetch_count: int, callback: Any) -> str:
        return start(channel, queue, 2 * prefetch_count, callback)

    prefetch_in_force.choose = lambda _: greedy
