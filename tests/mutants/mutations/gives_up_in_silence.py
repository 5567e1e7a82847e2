"""Marks an event PERMANENTLY_FAILED, and tells nobody."""

from typing import Any

from worker_under_test.failed_events_processing import FailedEventsProcessor

SCENARIO = "given_up"
CAUGHT_BY = "alerts by kind"


def mutate() -> None:
    """Mark it, and no more."""

    def silent(_self: Any, repository: Any, event: Any) -> None:
        repository.mark_permanently_failed(event)

    FailedEventsProcessor._give_up = silent
