"""Calls nobody: waits a moment, and says that all went well."""

import threading

from worker_under_test.conversation_event_processing_service import ConversationEventProcessingService

SCENARIO = "stream"
CAUGHT_BY = "messages answered"


def mutate() -> None:
    """Sleep and return a score."""

    def sleeping(*_: object) -> float:
        threading.Event().wait(0.02)  # as long as a call would take
        return 50.0

    ConversationEventProcessingService._score = sleeping
