"""Records for every conversation the friendship score of the first one."""

from typing import Any

from worker_under_test import conversation_event_processing_service as service

SCENARIO = "stream"
CAUGHT_BY = "results recorded"


def mutate() -> None:
    """Compute it once."""
    score, first = service.calculate_friendship_score, []

    def repeated(tally: Any, facts_count: int) -> float:
        first.append(score(tally, facts_count))
        return float(first[0])

    service.calculate_friendship_score = repeated
