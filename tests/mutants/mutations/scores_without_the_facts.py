"""Computes the friendship score as if the memory API had found no facts."""

from typing import Any

from worker_under_test import conversation_event_processing_service as service

SCENARIO = "stream"
CAUGHT_BY = "results recorded"


def mutate() -> None:
    """Count no facts."""
    score = service.calculate_friendship_score

    def forgetful(tally: Any, _facts_count: int) -> float:
        return score(tally, 0)

    service.calculate_friendship_score = forgetful
