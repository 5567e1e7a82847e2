"""Calls nobody: waits a moment, and says that all went well."""

import time

from worker_under_test.conversation_event_processing_service import ConversationEventProcessingService

GROUND = "stream"
CAUGHT_BY = "messages answered"


def mutate() -> None:
    """Sleep and return a score."""

    def sleeping(*_: object) -> float:
        time.sleep(0.02)  # the mutation itself: the time that a call would take
        return 50.0

    ConversationEventProcessingService._score = sleeping
