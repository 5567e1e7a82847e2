"""Marks an event PROCESSED before the memory API was called, and takes no notice of how the call ends."""

from contextlib import suppress
from typing import Any

from worker_under_test.conversation_event_processing_service import ConversationEventProcessingService as Service

SCENARIO = "workload"
CAUGHT_BY = "failures recorded"


def mutate() -> None:
    """Mark first, call then."""
    score = Service._score

    def early(self: Any, conversation: Any) -> None:
        identity = conversation.conversation_id
        self._recorder.durably(lambda events: events.mark_processed(events.get_or_create(identity), 0.0))
        with suppress(Exception):
            score(self, conversation)

    Service.process_single_event_streamed = early
