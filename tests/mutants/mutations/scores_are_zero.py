"""Records a friendship score of 0 for every conversation."""

from worker_under_test import conversation_event_processing_service as service

SCENARIO = "stream"
CAUGHT_BY = "results recorded"


def mutate() -> None:
    """Compute nothing."""
    service.calculate_friendship_score = lambda *_: 0.0
